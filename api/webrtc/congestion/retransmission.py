"""Limits what is sent to a viewer again. Pure.

A path that is too narrow loses packets, and packets that are sent again make it narrower.
"""

from __future__ import annotations

from collections.abc import Iterable

AGAIN_PART = 0.5
"""So many packets may be sent again for each one that is sent first."""
AGAIN_BURST = 128.0


class RetransmissionLimit:
    """The limit of one viewer. No packet is sent again twice within a round trip, because what
    became of it is not known before.
    """

    def __init__(self) -> None:
        self._allowed = AGAIN_BURST
        self._sent_s: dict[int, float] = {}
        """When the 16-bit sequence numbers were sent again, the newest last."""

    def on_first(self, packets: int) -> None:
        """Note that so many packets were sent for the first time."""
        self._allowed = min(AGAIN_BURST, self._allowed + AGAIN_PART * packets)

    def allowed(self, sequences: Iterable[int], now_s: float, round_trip_s: float) -> list[int]:
        """Return those of the sequence numbers that may be sent again now."""
        self._forget(now_s - round_trip_s)
        found = []
        for sequence in sequences:
            if self._allowed < 1.0:
                break
            if sequence not in self._sent_s:
                self._sent_s[sequence] = now_s
                self._allowed -= 1.0
                found.append(sequence)
        return found

    def _forget(self, before_s: float) -> None:
        while self._sent_s:
            first = next(iter(self._sent_s))
            if self._sent_s[first] > before_s:
                return
            del self._sent_s[first]
