"""The coverage of one camera on the last day of its gap log, derived again only from the time on
that appended lines change.

Under overload there are thousands of lines in a day and new ones every few seconds. What is older
than the last minutes is kept as a result, and its lines are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.clock import NS_PER_S
from domain.paths.object_keys import day_start_ns
from domain.recordings.missed_passings import NEAR_NS, partly_of
from domain.recordings.partly_analysed import (
    Analysed,
    AnalysisCoverage,
    PartlyAnalysed,
    cause_of_gap,
    cover,
)
from storage.clients.append_reader import AppendReader
from storage.recordings.gaps.day_log import read_day
from storage.recordings.gaps.rows import GapRow, day_end_ns, gaps_between

KEPT_NS = 300 * NS_PER_S
"""Lines are kept that end so shortly before the newest one. An older time is derived by reading the
whole log again.
"""


class DayCoverage:
    """Follows the log of one camera and day. One thread calls it."""

    def __init__(
        self,
        camera_id: str,
        day: str,
        lines: AppendReader,
        derive: Callable[[], Sequence[PartlyAnalysed]],
    ) -> None:
        """`derive` reads the log, and returns the partly analysed ranges of the whole day."""
        self.day = day
        self._camera_id = camera_id
        self._start_ns = day_start_ns(day)
        self._end_ns = day_end_ns(self._start_ns)
        self._lines = lines
        self._derive = derive
        self._rows: list[GapRow] = []
        self._logged: list[PartlyAnalysed] = []
        self._again: list[Analysed] = []
        self._newest_ns = self._start_ns
        self._floor_ns = self._start_ns
        """Lines about the time before it may have been dropped."""
        self._partly: list[PartlyAnalysed] = []
        self._is_stale = True
        """Whether the ranges must be derived from the start of the day on."""
        self.is_open: bool | None = None
        """Whether the last gap continues; None if the day has no gap."""
        self._has_start = False
        """Whether the log has a line that the day before may change."""
        self.has_new_start = False
        """Whether the last `update` read a line so early that it may change the day before."""

    def derive_again(self) -> None:
        """Derive all ranges again at the next `update`, because the day before has new lines."""
        self._is_stale = True

    def update(self, alive_ns: int | None) -> None:
        """Evaluate the lines that were appended. A gap that continues is known until `alive_ns`,
        the last heartbeat of the camera. Raises OSError.
        """
        data, is_whole = self._lines.read()
        if is_whole:
            self._has_start = False
            self._rows, self._logged, self._again = [], [], []
            self._newest_ns = self._floor_ns = self._start_ns
        open_ns, added_ns = self._open_from_ns(), self._add(data)
        self.has_new_start = added_ns < self._start_ns + NEAR_NS
        self._has_start = self._has_start or self.has_new_start
        from_ns = min(open_ns, added_ns) - NEAR_NS
        self._is_stale = self._is_stale or is_whole or from_ns - NEAR_NS < self._start_ns
        if self._is_stale:
            from_ns = self._start_ns
        if from_ns < self._end_ns:
            self._update_from(from_ns, alive_ns)
        self.is_open = self._rows[-1].end_ns is None if self._rows else None
        self._forget()

    def _update_from(self, from_ns: int, alive_ns: int | None) -> None:
        """Derive the ranges from `from_ns` on again, from the log where lines of that time were
        dropped, and where the day before may change the first range.
        """
        are_lines_kept = self._floor_ns <= max(self._start_ns, from_ns - NEAR_NS)
        if are_lines_kept:
            self._splice(from_ns, alive_ns)
        if not are_lines_kept or (self._is_stale and self._has_start):
            self._is_stale = True  # unless this succeeds
            self._partly = list(self._derive())
        self._is_stale = False

    def coverage(self) -> AnalysisCoverage:
        """Return the coverage of the day as of the last `update`."""
        edges_ns = [
            self._start_ns,
            *(edge_ns for one in self._partly for edge_ns in (one.start_ns, one.end_ns)),
            self._end_ns,
        ]
        between = zip(edges_ns[::2], edges_ns[1::2], strict=True)
        analysed = (Analysed(start_ns, end_ns) for start_ns, end_ns in between if start_ns < end_ns)
        return AnalysisCoverage(tuple(analysed), tuple(self._partly))

    def _open_from_ns(self) -> int:
        """Return the start of a gap that continues and limits the analysis: its end changes without
        a line of its own.
        """
        last = self._rows[-1] if self._rows else None
        if last is None or last.end_ns is not None or cause_of_gap(last.cause) is None:
            return self._end_ns + NEAR_NS
        return last.start_ns

    def _add(self, data: bytes) -> int:
        """Add lines, and return the earliest start of what they are about."""
        read, _ = read_day(data, f"the gap log of {self._camera_id}, {self.day}")
        self._rows += read.gaps
        self._logged += read.partly
        self._again += read.again
        spans = [(row.start_ns, row.end_ns or row.start_ns) for row in read.gaps]
        spans += [(one.start_ns, one.end_ns) for one in read.partly]
        spans += [(one.start_ns, one.end_ns) for one in read.again]
        self._newest_ns = max([self._newest_ns, *(end_ns for _, end_ns in spans)])
        return min((min(span) for span in spans), default=self._end_ns + NEAR_NS)

    def _splice(self, from_ns: int, alive_ns: int | None) -> None:
        """Derive the ranges from `from_ns` on again."""
        near = from_ns - NEAR_NS, self._end_ns + NEAR_NS
        gaps = gaps_between(self._camera_id, [self._rows], alive_ns, near)
        logged = [one for one in self._logged if one.start_ns < near[1] and near[0] < one.end_ns]
        found = cover(from_ns, self._end_ns, partly_of(gaps, logged), self._again).partly
        kept = self._partly
        while kept and kept[-1].end_ns > from_ns:
            last = kept.pop()
            if last.start_ns < from_ns:
                kept.append(last._replace(end_ns=from_ns))
        if kept and found and kept[-1][1:] == (found[0].start_ns, found[0].cause):
            found = (found[0]._replace(start_ns=kept.pop().start_ns), *found[1:])
        kept += found

    def _forget(self) -> None:
        """Drop lines about what is long over."""
        floor_ns = self._newest_ns - KEPT_NS
        if floor_ns - self._floor_ns < KEPT_NS:
            return
        self._floor_ns = floor_ns
        self._logged = [one for one in self._logged if one.end_ns + NEAR_NS > floor_ns]
        self._again = [one for one in self._again if one.end_ns > floor_ns]
        ends_ns = [
            following.start_ns if row.end_ns is None else row.end_ns
            for row, following in zip(self._rows, self._rows[1:], strict=False)
        ]
        first = next((at for at, end_ns in enumerate(ends_ns) if end_ns > floor_ns), len(ends_ns))
        self._rows = self._rows[first:]
