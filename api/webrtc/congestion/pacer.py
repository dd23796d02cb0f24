"""Limits how fast a viewer on a narrow path is sent what it catches up with. Pure."""

from __future__ import annotations

from api.webrtc.protocols.packetiser import MAX_PAYLOAD_BYTES

PACE, MIN_PACE_BITS_PER_S, PACED_BURST = 1.5, 300_000.0, 4.0
"""The rate as a multiple of that of the stream, the least one, and the packets sent at once."""


class Pacer:
    """Divides over time the pictures with which a viewer on a narrow path catches up. They would
    otherwise be sent at once, and such a path would drop most of them.
    """

    def __init__(self) -> None:
        self._room = PACED_BURST
        self._at_s = 0.0

    def room(self, packets: int, stream_bits_per_s: float, now_s: float) -> int:
        """Return how many of these packets may be sent now, and count them as sent."""
        rate = max(MIN_PACE_BITS_PER_S, PACE * stream_bits_per_s) / (8 * MAX_PAYLOAD_BYTES)
        self._room = min(PACED_BURST, self._room + rate * (now_s - self._at_s))
        self._at_s = now_s
        count = min(packets, int(self._room))
        self._room -= count
        return count
