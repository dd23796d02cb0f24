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
from domain.recordings.analysis_metrics import GAP_LOGS_UNREADABLE
from domain.recordings.missed_passings import NEAR_NS, partly_of
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause, cover, summary
from domain.registry import Camera
from sightline.jobs.day_coverage import DayCoverage
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.rows import day_end_ns
from storage.recordings.gaps.site_coverage import KEPT_DAYS, NodeCoverage, SiteCoverage

REPORT_EVERY_S = 15.0
MOST_RANGES = 400
"""With more ranges of a camera in a day, close ones are joined."""
_UNREADABLE = -1
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
        """The size of each reported log, by camera and day; `_UNREADABLE` if it cannot be read."""
        self._last: dict[str, DayCoverage] = {}
        """The last day of each camera, of whose log only new lines are read."""
        self._open: set[str] = set()
        """The cameras with a gap that continues, whose last day changes without a new line."""
        self._listed_until_ns: dict[str, int] = {}
        """Until when each camera was reported whose logs could be listed."""
        self._is_introduced = False
        self._forgotten_before = ""
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)
        self._fail = FloodGate(_log.error, clock, every_s=600.0)

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, REPORT_EVERY_S):
            try:
                self.run_once()
            except StoreError as error:
                self._warn("coverage", f"what was not analysed is reported later: {error}")

    def run_once(self) -> None:
        """Report every day that has changed. Raises StoreError; the next call continues.

        A day whose log cannot be read is reported as partly analysed as a whole. A camera whose
        logs cannot be listed is reported only until they last could.
        """
        cameras = sorted(camera.id for camera in self._cameras() if camera.checkpoint)
        for camera_id in self._last.keys() - set(cameras):
            del self._last[camera_id]
        self._introduce(cameras)
        self._forget_expired(day_of(self._clock.wall_ns() - KEPT_DAYS * NS_PER_DAY))
        for _ in range(2):  # again at once if Redis has lost what was put
            if self._report(cameras):
                return
            self._reported.clear()

    def _introduce(self, cameras: Sequence[str]) -> None:
        if not self._is_introduced:
            self._site.introduce(self._node, cameras)
            self._is_introduced = True

    def _report(self, cameras: Sequence[str]) -> bool:
        """Put the days that have changed, and then report until when these cameras are known. A
        search relies on this order. Return whether Redis knows the node.
        """
        until_ns = self._clock.wall_ns()
        unlisted = self._put_changed(cameras)
        for camera_id in set(cameras) - unlisted:
            self._listed_until_ns[camera_id] = until_ns
        known_ns = min((self._listed_until_ns.get(one, 0) for one in unlisted), default=0)
        return self._site.report(
            self._node,
            NodeCoverage(until_ns, frozenset(cameras) - unlisted),
            NodeCoverage(known_ns, frozenset(unlisted)) if unlisted else None,
        )

    def _put_changed(self, cameras: Sequence[str]) -> set[str]:
        """Put the days that have changed. Return the cameras whose logs cannot be listed."""
        changed: dict[str, dict[str, Sequence[PartlyAnalysed]]] = {}
        sizes: dict[tuple[str, str], int] = {}
        unlisted, unreadable_count = set[str](), 0
        for camera_id in cameras:
            try:
                days = self._gaps.days(camera_id)
            except OSError as error:
                self._fail_of(camera_id, "its gap logs cannot be listed", error)
                unlisted.add(camera_id)
                continue
            for day, ranges in self._changed(camera_id, days):
                unreadable_count += ranges is None
                size = _UNREADABLE if ranges is None else days[day]
                if ranges is not None or self._reported.get((camera_id, day)) != size:
                    known = _whole(day) if ranges is None else ranges
                    changed.setdefault(day, {})[camera_id] = known
                sizes[camera_id, day] = size
        GAP_LOGS_UNREADABLE.set(unreadable_count + len(unlisted))
        for day, found in changed.items():
            self._site.put(self._node, day, found)
        self._reported |= sizes
        return unlisted

    def _fail_of(self, camera_id: str, what: str, error: OSError) -> None:
        self._fail(
            camera_id,
            f"{camera_id}: {what}, so searches show its time as not analysed: {error}; examine the "
            "disk, and restore the file or delete it",
        )

    def _changed(
        self, camera_id: str, days: Mapping[str, int]
    ) -> Iterator[tuple[str, Sequence[PartlyAnalysed] | None]]:
        """Yield the days whose ranges may have changed, with these ranges, or None if they cannot
        be read. `days` has the sizes of the logs. A line shortly before or after midnight may
        change the ranges of both days.
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
            yield last, self._read_or_none(camera_id, last, self._last_day)
            known = self._last.get(camera_id)
            if known is not None and known.has_new_start and before in days:
                due.add(before)
        for day in sorted(due - {last}):
            yield day, self._read_or_none(camera_id, day, self._ranges)

    def _read_or_none(
        self, camera_id: str, day: str, read: Callable[[str, str], Sequence[PartlyAnalysed]]
    ) -> Sequence[PartlyAnalysed] | None:
        try:
            return read(camera_id, day)
        except OSError as error:
            self._fail_of(camera_id, f"the gap log of {day} cannot be read", error)
            return None

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
        log = self._gaps.logged(camera_id, start_ns, end_ns + NEAR_NS)
        starts_ns = [*(gap.start_ns for gap in log.gaps), *(min(one[:2]) for one in log.partly)]
        if min(starts_ns, default=end_ns) < start_ns + NEAR_NS:
            # Otherwise the log of the day before changes nothing, and is not read.
            log = self._gaps.logged(camera_id, start_ns - NEAR_NS, end_ns + NEAR_NS)
        return cover(start_ns, end_ns, partly_of(log.gaps, log.partly), log.again).partly


def _whole(day: str) -> tuple[PartlyAnalysed, ...]:
    """Return the range of a day of which it is not known when it was analysed."""
    start_ns = day_start_ns(day)
    return (PartlyAnalysed(start_ns, day_end_ns(start_ns), PartlyCause.UNKNOWN),)
