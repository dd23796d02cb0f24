"""Derives the offset of a sender's clock from its reports, as far as they agree. Pure.

A report is trusted if it agrees with earlier ones. One that does not may be wrong, or the clock was
set; it becomes trusted if later reports confirm it. A sender whose reports keep contradicting each
other is not trusted until they agree.
"""

from __future__ import annotations

from domain.clock import NS_PER_MS, NS_PER_S

AGREE_NS = 200 * NS_PER_MS
"""The largest difference between reports that agree. Cheap cameras read the two times of a report
one after the other, a tenth of a second apart.
"""
CONFIRM_NS = 8 * NS_PER_S
"""A contradicting report is trusted after this time, which is two reports at the usual five
seconds.
"""
REGAIN_NS = 18 * NS_PER_S
"""Lost trust returns after this time, which is four reports in a row that agree."""
_CONTRADICTIONS = 3
_FORGIVEN_NS = 60 * NS_PER_S


class SenderOffset:
    """Estimates the sender's wall time minus the pts of the same picture: `offset_ns`, or None if
    it is not trusted.
    """

    def __init__(self) -> None:
        self.offset_ns: int | None = None
        self._candidate_ns: int | None = None
        """The report that contradicts `offset_ns`, if any."""
        self._candidate_since_ns = 0
        self._contradictions = 0
        self._contradicted_ns = 0

    def report(self, offset_ns: int, pts_ns: int) -> None:
        """Process a report by which the offset is `offset_ns` at `pts_ns`. Repeating a report does
        no harm.
        """
        if self.offset_ns is None and not self._contradictions:
            self.offset_ns = offset_ns
        elif self.offset_ns is not None and abs(offset_ns - self.offset_ns) <= AGREE_NS:
            self.offset_ns += (offset_ns - self.offset_ns) // 4
            self._candidate_ns = None
        elif self._candidate_ns is not None and abs(offset_ns - self._candidate_ns) <= AGREE_NS:
            self._confirm(offset_ns, pts_ns)
        else:
            self._contradict(offset_ns, pts_ns)

    def _confirm(self, offset_ns: int, pts_ns: int) -> None:
        if pts_ns - self._candidate_since_ns >= (
            REGAIN_NS if self.offset_ns is None else CONFIRM_NS
        ):
            self.offset_ns, self._candidate_ns, self._contradictions = offset_ns, None, 0

    def _contradict(self, offset_ns: int, pts_ns: int) -> None:
        if pts_ns - self._contradicted_ns > _FORGIVEN_NS:
            self._contradictions = 0
        self._contradictions, self._contradicted_ns = self._contradictions + 1, pts_ns
        self._candidate_ns, self._candidate_since_ns = offset_ns, pts_ns
        if self._contradictions >= _CONTRADICTIONS:
            self.offset_ns = None
