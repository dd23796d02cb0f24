"""The reanalysis process finds at night what live analysis left out, until it is stopped."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.paths.data_layout import Layout
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from domain.settings import Settings
from sightline.cluster.roster import Assigned, Roster, write_roster
from sightline.processes.process_plan import ApiListener, Parts, plan
from sightline.processes.store_clients import connected
from sightline.reanalysis_process import run
from storage.clients.redis import connect
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from tests.footage import Footage
from tests.ingest.conftest import make_camera
from tests.recorded_film import record_film
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.conftest import S3Config

START_NS = 1_790_000_000 * NS_PER_S


@pytest.fixture
def settings(valkey_server: str, s3_server: S3Config, models_folder: Path) -> Settings:
    redis = connect(valkey_server)
    redis.do("FLUSHALL")
    redis.close()
    return Settings.model_validate(
        {
            "redis_url": valkey_server,
            "s3_endpoint": s3_server.endpoint,
            "s3_access_key": s3_server.access_key,
            "s3_secret_key": s3_server.secret_key,
            "s3_bucket": "reanalysis-tests",
            "reanalysis_hours": "00:00-23:59",
            "plate_detect_fps": 5,
        }
    )


def test_at_night_the_passings_of_a_lost_range_become_late_events(
    settings: Settings, tmp_path: Path, drawn_footage: Footage
) -> None:
    layout, clock = Layout(tmp_path), ManualClock(START_NS + 3_600 * NS_PER_S)
    camera = make_camera("rtsp://10.0.0.1/1", camera_id="gate").model_copy(
        update={"checkpoint": ("plate",)}
    )
    write_roster(layout, 0, Roster(cameras=(Assigned(camera=camera, fence=1),)))
    record_film(layout.recordings, "gate", drawn_footage.plates, START_NS)
    missed = drawn_footage.passes()[1]
    lost = PartlyAnalysed(
        START_NS + round((missed.enter_s - 0.5) * NS_PER_S),
        START_NS + round((missed.leave_s + 0.3) * NS_PER_S),
        PartlyCause.OVERLOAD,
    )
    gaps, spool = GapLog(layout, clock), Spool(layout, clock)
    gaps.add_partly_analysed("gate", [lost])
    stores, stop = connected(settings, layout, clock), threading.Event()
    stores.objects.ensure_bucket()
    thread = threading.Thread(target=run, args=(settings, layout, stores, clock, stop))
    thread.start()
    try:
        wait_for("the range", lambda: bool(gaps.analysed_again("gate", START_NS, lost.end_ns)))
    finally:
        stop.set()
        thread.join()
        stores.close()
    (event,) = [spool.event(entry) for entry in spool.pending(["gate"])]
    assert event is not None
    assert (event.reading, event.late) == (missed.plate, True)


@pytest.mark.parametrize(("hours", "is_planned"), [("", False), ("01:00-05:00", True)])
def test_a_node_has_the_process_if_the_setting_has_hours(
    tmp_path: Path, hours: str, is_planned: bool
) -> None:
    settings = Settings(reanalysis_hours=hours)
    parts = Parts(servers=True, node=True, api=False)
    planned = plan(Layout(tmp_path), settings, parts, ApiListener("127.0.0.1", 1))
    names = [child.name for group in planned.groups for child in group]
    assert ("reanalysis" in names) is is_planned
