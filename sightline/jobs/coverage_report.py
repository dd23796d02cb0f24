"""Reports to the site when the checkpoints of a node were not analysed completely, from the gap
logs of the node.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from domain.clock import NS_PER_DAY, Clock
from domain.errors import StoreError
from domain.log import FloodGate
from domain.paths.object_keys import day_of, day_start_ns
from domain.recordings.gaps import Gap
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
        if self._site.introduce(self._node, cameras):
            self._reported.clear()
        self._forget_expired(day_of(until_ns - KEPT_DAYS * NS_PER_DAY))
        for camera_id in self._last.keys() - set(cameras):
            del self._last[camera_id]
        changed: dict[str, dict[str, Sequence[PartlyAnalysed]]] = {}
        sizes: dict[tuple[str, str], int] = {}
        for camera_id in cameras:
            days = self._gaps.days(camera_id)
            for day, ranges in self._changed(camera_id, days):
                changed.setdefault(day, {})[camera_id] = ranges
                sizes[camera_id, day] = days[day]
        for day, found in changed.items():
            self._site.put(self._node, day, found)
        self._reported |= sizes
        # Last, because a search relies on the ranges before `until_ns`.
        if self._site.report(self._node, until_ns, cameras):
            self._reported.clear()  # Redis was lost meanwhile

    def _changed(
        self, camera_id: str, days: Mapping[str, int]
    ) -> Iterator[tuple[str, Sequence[PartlyAnalysed]]]:
        """Yield the days whose ranges may have changed, with these ranges. `days` has the sizes of
        the logs. A line shortly before or after midnight may change the ranges of both days.
        """
        if not days:
            return
        due = {day for day, size in days.items() if self._reported.get((camera_id, day)) != size}
        last = max(days)
        before = day_of(day_start_ns(last) - 1)
        if before in due and camera_id in self._last:
            self._last[camera_id].derive_again()
        if camera_id in self._open or before in due:
            due.add(last)
        if last in due:
            yield last, self._last_day(camera_id, last)
            if self._last[camera_id].has_new_start and before in days:
                due.add(before)
        for day in sorted(due - {last}):
            yield day, self._ranges(camera_id, day)

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
        gaps, logged = self._read(camera_id, start_ns, end_ns)
        starts_ns = [*(gap.start_ns for gap in gaps), *(min(one[:2]) for one in logged)]
        if min(starts_ns, default=end_ns) < start_ns + NEAR_NS:
            # Otherwise the log of the day before changes nothing, and is not read.
            gaps, logged = self._read(camera_id, start_ns - NEAR_NS, end_ns)
        partly = partly_of(gaps, logged)
        again = self._gaps.analysed_again(camera_id, start_ns, end_ns)
        return cover(start_ns, end_ns, partly, again).partly

    def _read(
        self, camera_id: str, from_ns: int, end_ns: int
    ) -> tuple[Sequence[Gap], Sequence[PartlyAnalysed]]:
        span = camera_id, from_ns, end_ns + NEAR_NS
        return self._gaps.between(*span), self._gaps.partly_analysed(*span)
