"""Collects the times of one camera that were not analysed, until they are evaluated.

The pull thread and the analysis thread of a camera add times, and a third thread takes them.
`domain/recordings/missed_passings.py` derives from them where passings may have been missed.
"""

from __future__ import annotations

import threading

from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause

MOST_RANGES = 1_000
"""With more, the last range grows: the ranges then say too much, and none is lost."""


class AnalysisLosses:
    """The ranges since the last `take`. It is thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ranges: list[PartlyAnalysed] = []

    def add(self, start_ns: int, end_ns: int, cause: PartlyCause) -> None:
        """Add a range; an empty one adds nothing."""
        if start_ns >= end_ns:
            return
        with self._lock:
            last = self._ranges[-1] if self._ranges else None
            if last is not None and self._joins(last, start_ns, end_ns, cause):
                first_ns, last_ns = min(last.start_ns, start_ns), max(last.end_ns, end_ns)
                self._ranges[-1] = PartlyAnalysed(first_ns, last_ns, last.cause)
            else:
                self._ranges.append(PartlyAnalysed(start_ns, end_ns, cause))

    def take(self) -> list[PartlyAnalysed]:
        with self._lock:
            taken, self._ranges = self._ranges, []
        return taken

    def _joins(self, last: PartlyAnalysed, start_ns: int, end_ns: int, cause: PartlyCause) -> bool:
        if len(self._ranges) >= MOST_RANGES:
            return True
        return start_ns <= last.end_ns and last.start_ns <= end_ns and last.cause is cause


class OngoingLoss:
    """A loss that lasts until the next frame can be given. One thread calls it; any may read it."""

    def __init__(self, losses: AnalysisLosses) -> None:
        self._losses = losses
        self._cause = PartlyCause.DECODER
        self.from_ns: int | None = None
        """From when the loss is not reported yet; None if there is none."""

    def begin(self, from_ns: int, to_ns: int, cause: PartlyCause) -> None:
        """Report that no frame of [from_ns, to_ns) could be given. The loss continues from then."""
        self.end(from_ns)
        self._losses.add(from_ns, to_ns, cause)
        self.from_ns, self._cause = to_ns, cause

    def end(self, at_ns: int) -> None:
        """Report the loss up to a frame of `at_ns`, or to the next loss, if there is one."""
        if self.from_ns is not None:
            self._losses.add(self.from_ns, at_ns, self._cause)
            self.from_ns = None
