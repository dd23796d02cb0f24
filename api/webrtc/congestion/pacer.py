"""Limits how fast a viewer on a narrow path is sent pictures. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.webrtc.protocols.packetiser import MAX_PAYLOAD_BYTES

PACED_BURST = 4.0
"""The packets that are sent at once."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast pictures are sent."""

    of_stream: float
    """As a multiple of the bit rate of the stream."""
    least_bits_per_s: float

    def bits_per_s(self, stream_bits_per_s: float) -> float:
        return max(self.least_bits_per_s, self.of_stream * stream_bits_per_s)


NARROW = Pace(1.5, 300_000.0)
"""For a path that carries no more than the sub-stream, as far as is known."""
REPEATED = Pace(4.0, 2_000_000.0)
"""For the first pictures, after the path has dropped many that were sent at once."""


class Pacer:
    """Divides pictures over time that a narrow path would drop if they were sent at once."""

    def __init__(self) -> None:
        self._room = PACED_BURST
        self._at_s = 0.0

    def room(self, packets: int, bits_per_s: float, now_s: float) -> int:
        """Return how many of these packets may be sent now, and count them as sent."""
        rate = bits_per_s / (8 * MAX_PAYLOAD_BYTES)
        self._room = min(PACED_BURST, self._room + rate * (now_s - self._at_s))
        self._at_s = now_s
        count = min(packets, int(self._room))
        self._room -= count
        return count
