"""Which times a sequence of packets covers: a step of usual length is no gap, and a longer one
is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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

    def add_regular(
        self, first_ns: int, newest_ns: int, end_ns: int, known_end_ns: int | None
    ) -> None:
        """Add a whole file without an interval that is longer than a third of HOLE_NS.

        It begins with the picture at `first_ns`. `end_ns` is the latest end of a picture, which
        lasts as long as the mean interval before it.
        """
        self._start_ns, self._newest_ns = first_ns, newest_ns
        self.end_ns = max(self.end_ns, end_ns)
        self._last_decode_ns = first_ns
        self.close(known_end_ns)

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


def cover_files(
    walls_ns: NDArray[np.int64],
    decodes_ns: NDArray[np.int64],
    firsts: NDArray[np.int64],
    known_ends_ns: Sequence[int | None],
    end_ns: int = 0,
) -> tuple[list[tuple[int, int]], int]:
    """Return the ranges and the end of the last picture of files, as `PacketCoverage` does.

    `firsts` has the place of the first packet of each file, and `known_ends_ns` the end in its
    name. Files without a long interval are evaluated together; the others packet by packet.
    `end_ns` is the end of the last picture of the files before.
    """
    lasts = np.append(firsts[1:], len(walls_ns))
    place = np.arange(len(walls_ns)) - np.repeat(firsts, lasts - firsts)
    spent_ns = decodes_ns - np.repeat(decodes_ns[firsts], lasts - firsts)
    intervals_ns = np.diff(decodes_ns, prepend=decodes_ns[:1])
    intervals_ns[firsts] = 0
    has_long = np.maximum.reduceat(intervals_ns, firsts) > HOLE_NS // UNUSUAL
    ends = np.maximum.reduceat(walls_ns + spent_ns // np.maximum(place, 1), firsts)
    newest = np.maximum.reduceat(walls_ns, firsts)
    coverage = PacketCoverage()
    coverage.end_ns = end_ns
    rows = zip(firsts.tolist(), lasts.tolist(), ends.tolist(), newest.tolist(), strict=True)
    for (first, last, last_ns, newest_ns), is_irregular, known_ns in zip(
        rows, has_long.tolist(), known_ends_ns, strict=True
    ):
        if is_irregular:
            for wall_ns, decode_ns in zip(
                walls_ns[first:last].tolist(), decodes_ns[first:last].tolist(), strict=True
            ):
                coverage.add(wall_ns, decode_ns)
            coverage.close(known_ns)
        else:
            coverage.add_regular(int(walls_ns[first]), newest_ns, last_ns, known_ns)
    return coverage.ranges, coverage.end_ns
