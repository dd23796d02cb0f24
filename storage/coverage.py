"""Which moments a run of packets covers: where one follows the other as usual it has no hole, and where not it does."""

from __future__ import annotations

from domain.clock import NS_PER_S

HOLE_NS = NS_PER_S
"""Packets further apart than this, and than three times what is usual for their camera, leave a hole."""
_UNUSUAL = 3


class Coverage:
    """Fed with the packets of one file after the other, in decoding order; `ranges` are wall times, [start, end), by start."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.end_ns = 0
        """The end of the last picture."""
        self._start_ns = 0
        self._last_decode_ns: int | None = None
        self._spent_ns = 0
        self._intervals = 0

    def add(self, wall_ns: int, decode_ns: int) -> None:
        """A picture shown at `wall_ns`; `decode_ns` orders it, and is the same where a camera does not reorder."""
        if self._last_decode_ns is None:
            self._start_ns = wall_ns
        else:
            self._follow(wall_ns, decode_ns - self._last_decode_ns)
        self._last_decode_ns = decode_ns
        self.end_ns = max(self.end_ns, wall_ns + self._usual_ns)

    def close(self, known_end_ns: int | None) -> None:
        """The file is over; by its name it lasts until `known_end_ns`, which is believed as far as its packets bear it out."""
        if self._last_decode_ns is None:
            return
        end_ns = self.end_ns
        if known_end_ns is not None and known_end_ns - end_ns <= self._limit_ns:
            end_ns = max(end_ns, known_end_ns)
        self.ranges.append((self._start_ns, end_ns))
        self._last_decode_ns, self._spent_ns, self._intervals = None, 0, 0

    def _follow(self, wall_ns: int, interval_ns: int) -> None:
        if self._intervals and interval_ns > self._limit_ns:
            self.ranges.append((self._start_ns, self.end_ns))
            self._start_ns = wall_ns
            return
        self._spent_ns += interval_ns
        self._intervals += 1

    @property
    def _usual_ns(self) -> int:
        return self._spent_ns // self._intervals if self._intervals else 0

    @property
    def _limit_ns(self) -> int:
        return max(HOLE_NS, _UNUSUAL * self._usual_ns)
