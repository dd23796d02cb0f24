"""What part of the packets a viewer requests again (NACK). Pure.

A viewer requests a packet as soon as a later one arrives. So this shows within a round trip that
the path drops packets. The receiver reports show it after half a second and more, and count no
packet that arrived after it was sent again.
"""

from __future__ import annotations

from collections.abc import Iterable

MUCH_PART, LEAST_PACKETS = 0.2, 20
WINDOW_S = 2.0


class RetransmissionRequests:
    """Counts within one window after another."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._sent = 0
        self._requested: set[int] = set()

    def on_sent(self, packets: int, now_s: float) -> None:
        """Note that so many packets were sent for the first time."""
        if self._began_s is None or now_s - self._began_s >= WINDOW_S:
            self._began_s, self._sent = now_s, 0
            self._requested.clear()
        self._sent += packets

    def is_much(self, sequences: Iterable[int]) -> bool:
        """Add the 16-bit sequence numbers of packets that a viewer requests again. Return whether
        these are a large part of the packets of this window.
        """
        self._requested.update(sequences)
        least = max(LEAST_PACKETS, self._sent) * MUCH_PART
        return self._sent > 0 and len(self._requested) >= least

    def forget(self) -> None:
        """Begin another window with the next packet."""
        self._began_s, self._sent = None, 0
        self._requested.clear()
