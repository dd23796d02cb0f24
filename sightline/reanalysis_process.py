"""The process of a node that finds at night what live analysis missed by day.

It is started as `python -m sightline.reanalysis_process` if `SIGHTLINE_REANALYSIS_HOURS` is set.
"""

from __future__ import annotations

import argparse
import logging
import threading
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from analytics.models import Models
from domain.clock import Clock, SystemClock
from domain.errors import Cancelled, SightlineError
from domain.log import set_up_logging
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.cluster.roster import NodeRosters
from sightline.confinement.report import log_confinement
from sightline.processes.store_clients import Stores, connected
from sightline.processes.supervisor import stop_on_signals
from sightline.reanalysis.analysis_context import make_context
from sightline.reanalysis.live_priority import LivePriority, is_live_behind, run_at_idle_priority
from sightline.reanalysis.reanalysis_plan import (
    CameraRanges,
    ReanalysisPlan,
    is_within,
    parse_hours,
)
from sightline.reanalysis.recorded_analysis import analyse_again
from storage.archive.archive import Archive
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import StoredGaps

ROUND_EVERY_S = 60.0
_log = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.reanalysis_process")
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    settings, layout, clock = Settings(), Layout(arguments.data), SystemClock()
    set_up_logging(settings.log_level, "reanalysis")
    log_confinement()
    run_at_idle_priority()
    stop = stop_on_signals()
    stores = connected(settings, layout, clock)
    try:
        run(settings, layout, stores, clock, stop)
    finally:
        stores.close()


def run(
    settings: Settings, layout: Layout, stores: Stores, clock: Clock, stop: threading.Event
) -> None:
    """Analyse recordings within the hours of the setting, until `stop`."""
    archive = Archive.open(
        stores.objects, stores.redis, layout.archive_cache("reanalysis"), settings, clock
    )
    hours = parse_hours(settings.reanalysis_hours)
    night = ReanalysisPlan(
        NodeRosters(layout).cameras,
        GapLog(layout, clock),
        StoredGaps(stores.objects),
        lambda: is_within(hours, settings.time_zone, clock.wall_ns()),
        clock,
    )
    priority = LivePriority(partial(is_live_behind, layout, clock), clock, stop)
    while not clock.wait(stop, ROUND_EVERY_S):
        # The models are loaded when a round needs them, and leave the memory after it.
        models = cache(partial(Models.load, settings))

        def analyse(one: CameraRanges, models: Callable[[], Models] = models) -> None:
            folder = layout.scratch / "reanalysis"
            context = make_context(
                one.camera, models(), settings, layout, stores, archive, folder, clock
            )
            found = analyse_again(one.camera, one.ranges, context, priority.wait_while_behind)
            _log.info("%s: %d late events", one.camera.id, len(found.late))

        try:
            night.run_once(analyse)
        except Cancelled:
            return
        except (SightlineError, OSError) as error:
            _log.warning("the recordings are analysed later: %s", error)
