"""Which times a sequence of packets covers: a step of usual length is no gap, and a longer one
is.
"""

from __future__ import annotations

from domain.clock import NS_PER_S

HOLE_NS = NS_PER_S
"""Packets further apart than this, and than three usual intervals of their camera, leave a gap."""
UNUSUAL = 3
LONGEST_USUAL_NS = 10 * NS_PER_S
"""The most that one interval contributes to the usual one, so that a gap of an hour does not hide
the next.
"""
LEARNT_PART = 8
"""Each interval moves the usual one by this part of the difference."""


class PacketCoverage:
    """Receives the packets of one file after the other, in decoding order; `ranges` are wall times,
    [start, end), by start.
    """

    def __init__(self, usual_before_ns: int = 0) -> None:
        """Use `usual_before_ns` as the usual interval before each file.

        The recorder carries it from file to file. LONGEST_USUAL_NS reports only gaps that the
        recorder must have found too.
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
        """Add a picture shown at `wall_ns`; `decode_ns` orders it, and is equal if the camera does
        not reorder pictures.
        """
        if self._last_decode_ns is None:
            self._start_ns = self._newest_ns = wall_ns
        else:
            self._follow(wall_ns, decode_ns - self._last_decode_ns)
        self._last_decode_ns = decode_ns
        self._newest_ns = max(self._newest_ns, wall_ns)
        self.end_ns = max(self.end_ns, wall_ns + self._usual_ns)

    def close(self, known_end_ns: int | None) -> None:
        """End the file, which by its name lasts until `known_end_ns`.

        No packet has the duration of the last picture. The name is used if it ends after that
        picture begins, and no later than a gap would be detected.
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
