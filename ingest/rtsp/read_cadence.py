"""How often the pull loop reads the socket of a camera. Pure: the caller gives the time.

A socket that is read seldom costs less, but its packets arrive later and wait in the kernel. The
read interval is counted in ticks of the pull loop: 1, `LONG_TICKS` or `LONGEST_TICKS`.
`docs/ingest.md` has a table of the intervals.
"""

from __future__ import annotations

from domain.clock import NS_PER_S
from ingest.packets.native.depacketiser import CAPACITY_BYTES

TICK_S = 0.1
LONG_TICKS, LONGEST_TICKS = 5, 10
MEASURE_EVERY_S = 5.0
"""The bitrate is measured over this time."""
_EACH_TICK_BYTES = 256 << 10
"""The most that one read takes at an interval of one tick, so that a camera that sends without end
delays no other.
"""
SHORT_TIMEOUT_S = 5.0
"""With a shorter timeout a silence must be noticed sooner than `LONGEST_TICKS` permit."""


class ReadCadence:
    """The read interval of one connection: what it sends and who waits for it decide.

    All calls come from the thread of the pull loop.
    """

    def __init__(self, timeout_s: float, *, is_udp: bool) -> None:
        """Start with a read at each tick, as long as the bitrate is not known.

        `timeout_s` is the silence after which the camera counts as lost. Sockets for UDP hold few
        datagrams, so they are read at each tick.
        """
        self.ticks = 1
        """The present read interval."""
        self._most_ticks = 1
        """The longest interval that the bitrate permits."""
        self._timeout_s = timeout_s
        self._is_udp = is_udp
        self._most_waiting_bytes = 0
        self._bytes_s = 0.0
        self._received_bytes = 0
        self._measure_at_s: float | None = None
        self._last_read_s, self._newest_pts_ns = 0.0, 0

    def start(self, now_s: float, most_waiting_bytes: int) -> None:
        """Begin to measure: the camera plays from now on, and so much may wait in the kernel."""
        self._measure_at_s = now_s + MEASURE_EVERY_S
        self._most_waiting_bytes = most_waiting_bytes

    @property
    def waiting_bytes(self) -> int:
        """What arrives between two reads at the present interval, by the last measurement."""
        return round(self._bytes_s * self.ticks * TICK_S)

    @property
    def most_read_bytes(self) -> int:
        """The most that one read takes."""
        return _EACH_TICK_BYTES if self.ticks == 1 else CAPACITY_BYTES

    def received(self, size_bytes: int) -> None:
        """Count the bytes of one read."""
        self._received_bytes += size_bytes

    def overflowed(self) -> None:
        """Permit no interval above one tick until the next measurement: a read left data behind."""
        self._most_ticks = 1

    def update(
        self,
        now_s: float,
        *,
        has_waiting_consumer: bool,
        may_need_packets_soon: bool,
        is_rate_regular: bool,
    ) -> bool:
        """Choose the interval again, and return whether it changed.

        `has_waiting_consumer` says that a viewer or decoder waits for the next packet, and
        `may_need_packets_soon` that one may begin to wait because of a packet. `is_rate_regular`
        says that the counter of the camera runs at the right rate.
        """
        if self._measure_at_s is not None and now_s >= self._measure_at_s:
            self._measure_at_s = now_s + MEASURE_EVERY_S
            self._measure()
        before = self.ticks
        if has_waiting_consumer or self._is_udp:
            self.ticks = 1
        elif may_need_packets_soon or self._timeout_s < SHORT_TIMEOUT_S or not is_rate_regular:
            self.ticks = min(self._most_ticks, LONG_TICKS)
        else:
            self.ticks = self._most_ticks
        return self.ticks != before

    def _measure(self) -> None:
        """Find the longest interval that the bitrate permits.

        The longest one follows only after a long one, which a mistaken measurement would overfill
        less.
        """
        self._bytes_s, self._received_bytes = self._received_bytes / MEASURE_EVERY_S, 0
        permitted_s = self._most_waiting_bytes / max(1.0, self._bytes_s)
        if permitted_s < LONG_TICKS * TICK_S:
            self._most_ticks = 1
        elif self.ticks == 1 or permitted_s < LONGEST_TICKS * TICK_S:
            self._most_ticks = LONG_TICKS
        else:
            self._most_ticks = LONGEST_TICKS

    def read_at(self, began_s: float) -> None:
        """Note when the last read at an interval above one tick began."""
        self._last_read_s = began_s

    def arrival_s(self, newest_pts_ns: int, previous_s: float, now_s: float) -> float:
        """Estimate when the last of the packets that were just read arrived.

        At an interval above one tick, the camera's own time stamps tell how long after the packet
        of `previous_s` it was. It arrived after the last read, and before now.
        """
        if self.ticks == 1:
            return now_s
        before_ns, self._newest_pts_ns = self._newest_pts_ns, newest_pts_ns
        likely_s = previous_s + (newest_pts_ns - before_ns) / NS_PER_S
        return min(now_s, max(self._last_read_s, likely_s))
