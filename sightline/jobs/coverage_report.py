"""Reports to the site when the checkpoints of a node were not analysed completely, from the gap
logs of the node.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial

from domain.clock import NS_PER_DAY, Clock
from domain.errors import StoreError
from domain.log import FloodGate
from domain.paths.object_keys import day_of, day_start_ns
from domain.recordings.missed_passings import NEAR_NS, partly_of
from domain.recordings.partly_analysed import PartlyAnalysed, cover, summary
from domain.registry import Camera
from sightline.jobs.day_coverage import DayCoverage
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.rows import day_end_ns
from storage.recordings.gaps.site_coverage import KEPT_DAYS, SiteCoverage

REPORT_EVERY_S = 15.0
MOST_RANGES = 400
"""With more ranges of a camera in a day, close ones are joined."""
_log = logging.getLogger(__name__)


class CoverageReporter:
    """A job of the first worker of a node."""

    def __init__(
        self,
        gaps: GapLog,
        site: SiteCoverage,
        cameras: Callable[[], Sequence[Camera]],
        node: str,
        clock: Clock,
    ) -> None:
        self._gaps = gaps
        self._site = site
        self._cameras = cameras
        self._node = node
        self._clock = clock
        self._reported: dict[tuple[str, str], int] = {}
        """The size of each reported log, by camera and day."""
        self._last: dict[str, DayCoverage] = {}
        """The last day of each camera, of whose log only new lines are read."""
        self._open: set[str] = set()
        """The cameras with a gap that continues, whose last day changes without a new line."""
        self._forgotten_before = ""
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, REPORT_EVERY_S):
            try:
                self.run_once()
            except (StoreError, OSError) as error:
                self._warn("coverage", f"what was not analysed is reported later: {error}")

    def run_once(self) -> None:
        """Report every day that has changed. Raises StoreError or OSError; the next call
        continues.
        """
        until_ns = self._clock.wall_ns()
        cameras = sorted(camera.id for camera in self._cameras() if camera.checkpoint)
        if self._site.report(self._node, until_ns, cameras):
            self._reported.clear()
        self._forget_expired(day_of(until_ns - KEPT_DAYS * NS_PER_DAY))
        for camera_id in self._last.keys() - set(cameras):
            del self._last[camera_id]
        changed: dict[str, dict[str, Sequence[PartlyAnalysed]]] = {}
        sizes: dict[tuple[str, str], int] = {}
        for camera_id in cameras:
            days = self._gaps.days(camera_id)
            last = max(days, default="")
            for day, size_bytes in days.items():
                is_open = day == last and camera_id in self._open
                if self._reported.get((camera_id, day)) == size_bytes and not is_open:
                    continue
                ranges_of = self._last_day if day == last else self._ranges
                changed.setdefault(day, {})[camera_id] = ranges_of(camera_id, day)
                sizes[camera_id, day] = size_bytes
        for day, ranges in changed.items():
            self._site.put(self._node, day, ranges)
        self._reported |= sizes

    def _forget_expired(self, day: str) -> None:
        if day != self._forgotten_before:
            self._site.forget_before(day)
            self._forgotten_before = day

    def _last_day(self, camera_id: str, day: str) -> tuple[PartlyAnalysed, ...]:
        """Return the ranges of the last day, whose log grows."""
        known = self._last.get(camera_id)
        is_new = known is None
        if known is None or known.day != day:
            lines = self._gaps.follow(camera_id, day)
            derive = partial(self._derive, camera_id, day)
            known = self._last[camera_id] = DayCoverage(camera_id, day, lines, derive)
        known.update(self._gaps.last_beat_ns(camera_id))
        is_open = known.is_open
        if is_open is None and is_new:  # a gap may continue since an earlier day
            is_open = self._gaps.left_open(camera_id) is not None
        if is_open is not None:
            (self._open.add if is_open else self._open.discard)(camera_id)
        return summary(known.coverage(), MOST_RANGES).partly

    def _ranges(self, camera_id: str, day: str) -> tuple[PartlyAnalysed, ...]:
        """Return the ranges of an earlier day, which seldom changes."""
        start_ns = day_start_ns(day)
        partly = self._derive(camera_id, day)
        return summary(cover(start_ns, day_end_ns(start_ns), partly), MOST_RANGES).partly

    def _derive(self, camera_id: str, day: str) -> tuple[PartlyAnalysed, ...]:
        """Read the log of a day, and return its ranges."""
        start_ns = day_start_ns(day)
        end_ns = day_end_ns(start_ns)
        partly = self._partly(camera_id, start_ns, end_ns)
        if partly and partly[0].start_ns < start_ns + NEAR_NS:
            # Otherwise the log of the day before changes nothing, and is not read.
            partly = self._partly(camera_id, start_ns - NEAR_NS, end_ns)
        again = self._gaps.analysed_again(camera_id, start_ns, end_ns)
        return cover(start_ns, end_ns, partly, again).partly

    def _partly(self, camera_id: str, from_ns: int, end_ns: int) -> list[PartlyAnalysed]:
        span = from_ns, end_ns + NEAR_NS
        gaps = self._gaps.between(camera_id, *span)
        return partly_of(gaps, self._gaps.partly_analysed(camera_id, *span))
