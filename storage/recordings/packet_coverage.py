"""Which moments a run of packets covers: where one follows the other as usual it has no hole,
and where not it does.
"""

from __future__ import annotations

from domain.clock import NS_PER_S

HOLE_NS = NS_PER_S
"""Packets further apart than this, and than three times what is usual for their camera, leave a
hole.
"""
UNUSUAL = 3
LONGEST_USUAL_NS = 10 * NS_PER_S
"""No more than this is learnt from one interval, so that a hole of an hour does not make the
next one usual.
"""
LEARNT_PART = 8
"""The usual interval moves by one part in so many towards each interval."""


class PacketCoverage:
    """Fed with the packets of one file after the other, in decoding order; `ranges` are wall
    times, [start, end), by start.
    """

    def __init__(self, usual_before_ns: int = 0) -> None:
        """`usual_before_ns` is how far apart packets may usually have been before each file.

        The recorder remembers it from file to file. LONGEST_USUAL_NS makes a hole only of what the
        recorder must have taken for one.
        """
        self._usual_before_ns = self._recent_ns = usual_before_ns
        self.ranges: list[tuple[int, int]] = []
        self.end_ns = 0
        """The end of the last picture."""
        self._start_ns = self._newest_ns = 0
        self._last_decode_ns: int | None = None
        self._spent_ns = 0
        self._intervals = 0

    def add(self, wall_ns: int, decode_ns: int) -> None:
        """A picture shown at `wall_ns`; `decode_ns` orders it, and is the same where a camera
        does not reorder.
        """
        if self._last_decode_ns is None:
            self._start_ns = self._newest_ns = wall_ns
        else:
            self._follow(wall_ns, decode_ns - self._last_decode_ns)
        self._last_decode_ns = decode_ns
        self._newest_ns = max(self._newest_ns, wall_ns)
        self.end_ns = max(self.end_ns, wall_ns + self._usual_ns)

    def close(self, known_end_ns: int | None) -> None:
        """The file is over. By its name it lasts until `known_end_ns`.

        How long the last picture is shown, no packet says: the name is believed where it ends after
        that picture begins, and no later than a hole would be seen.
        """
        if self._last_decode_ns is None:
            return
        end_ns = self.end_ns
        if known_end_ns is not None and self._newest_ns <= known_end_ns <= end_ns + self._limit_ns:
            end_ns = known_end_ns
        self.ranges.append((self._start_ns, end_ns))
        self._last_decode_ns, self._spent_ns, self._intervals = None, 0, 0
        self._recent_ns = self._usual_before_ns

    def _follow(self, wall_ns: int, interval_ns: int) -> None:
        if self._intervals and interval_ns > self._limit_ns:
            self.ranges.append((self._start_ns, self.end_ns))
            self._start_ns = wall_ns
            return
        self._recent_ns += (min(interval_ns, LONGEST_USUAL_NS) - self._recent_ns) // LEARNT_PART
        self._spent_ns += interval_ns
        self._intervals += 1

    @property
    def _usual_ns(self) -> int:
        return self._spent_ns // self._intervals if self._intervals else 0

    @property
    def _limit_ns(self) -> int:
        return max(HOLE_NS, UNUSUAL * max(self._usual_ns, self._recent_ns))
