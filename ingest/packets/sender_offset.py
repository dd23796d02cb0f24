"""What a sender's reports say of its clock, as far as they agree with each other. Pure.

A report is believed where it agrees with those before it. One that does not (a clock set anew, a
report of nonsense) is waited upon: where those that follow say the same, it was right. A sender
whose reports go on contradicting each other is believed no more until they agree.
"""

from __future__ import annotations

from domain.clock import NS_PER_MS, NS_PER_S

AGREE_NS = 200 * NS_PER_MS
"""Cheap cameras take the two times of a report one after the other: theirs are a tenth of a
second apart.
"""
CONFIRM_NS = 8 * NS_PER_S
"""What contradicts is believed once it has held for so long: two reports of the usual five
seconds.
"""
REGAIN_NS = 18 * NS_PER_S
"""Trust that was lost takes longer: four reports in a row that agree."""
_CONTRADICTIONS = 3
_FORGIVEN_NS = 60 * NS_PER_S


class SenderOffset:
    """The sender's wall time less the pts of the same picture: `offset_ns`, None where it is
    not to be believed.
    """

    def __init__(self) -> None:
        self.offset_ns: int | None = None
        self._last_ns: int | None = None
        """The report that does not agree with `offset_ns`, if any."""
        self._last_since_ns = 0
        self._contradictions = 0
        self._contradicted_ns = 0

    def report(self, offset_ns: int, pts_ns: int) -> None:
        """By a report the offset is this at `pts_ns`. May be told again of the same report."""
        if self.offset_ns is None and not self._contradictions:
            self.offset_ns = offset_ns
        elif self.offset_ns is not None and abs(offset_ns - self.offset_ns) <= AGREE_NS:
            self.offset_ns += (offset_ns - self.offset_ns) // 4
            self._last_ns = None
        elif self._last_ns is not None and abs(offset_ns - self._last_ns) <= AGREE_NS:
            self._confirm(offset_ns, pts_ns)
        else:
            self._contradict(offset_ns, pts_ns)

    def _confirm(self, offset_ns: int, pts_ns: int) -> None:
        if pts_ns - self._last_since_ns >= (REGAIN_NS if self.offset_ns is None else CONFIRM_NS):
            self.offset_ns, self._last_ns, self._contradictions = offset_ns, None, 0

    def _contradict(self, offset_ns: int, pts_ns: int) -> None:
        if pts_ns - self._contradicted_ns > _FORGIVEN_NS:
            self._contradictions = 0
        self._contradictions, self._contradicted_ns = self._contradictions + 1, pts_ns
        self._last_ns, self._last_since_ns = offset_ns, pts_ns
        if self._contradictions >= _CONTRADICTIONS:
            self.offset_ns = None
