"""Completes timestamps: every packet gets a pts and a dts that a muxer accepts. Pure.

libavformat omits the first pts of some streams, and the first dts of streams with B-frames; RTP has
only pts.
"""

from __future__ import annotations

from heapq import heappush, heapreplace

_MAX_LEARNT = 4
"""The largest reorder depth that is learned from a stream that does not state it."""


class Timestamps:
    """The timestamps of one connection, in ticks of its time base. dts rises with every packet and
    never exceeds pts.
    """

    def __init__(self, reorder_depth: int) -> None:
        self._reorder_depth = reorder_depth
        self._shift = 0
        self._last_pts = 0
        self._last_dts: int | None = None

    def pts(self, pts: int | None, dts: int | None, duration: int) -> int:
        """Return the packet's pts. If the source omits it, it is 0 for the first packet, as in
        libavformat, and otherwise the likely next one.
        """
        if pts is None:
            if self._last_dts is None:
                return 0
            return self._last_pts + duration if dts is None else dts + self._shift
        return pts + self._shift

    @property
    def shift(self) -> int:
        """The shift that `pts` adds."""
        return self._shift

    def keeps_unchanged(self, pts: int) -> bool:
        """Whether `finalise` would not change the timestamps of a packet with equal pts and dts."""
        return self._last_dts is not None and pts > self._last_dts

    def advance_to(self, newest_pts: int) -> None:
        """Process packets of rising pts up to this one, the first of which `keeps_unchanged` has
        accepted.
        """
        self._last_pts = self._last_dts = newest_pts

    def compensate_jump(self, pts: int, to: int) -> int:
        """Handle a jump to `pts` (as `pts()` returned it), which should have been `to`: shift all
        that follow. Returns `to`.
        """
        self._shift += to - pts
        return to

    def complete(self, pts: int, dts: int | None, duration: int) -> tuple[int, int]:
        """Return the final (pts, dts) of a packet whose pts comes from `pts()`."""
        last = self._last_dts
        step = duration or 1
        likely = pts - self._reorder_depth * step if last is None else last + step
        return self.finalise(pts, likely if dts is None else dts + self._shift)

    def finalise(self, pts: int, dts: int) -> tuple[int, int]:
        """Return the final (pts, dts) of a packet whose timestamps are already shifted."""
        last, decode = self._last_dts, min(dts, pts)
        if last is not None and decode <= last:
            decode = last + 1
        self._last_pts, self._last_dts = max(pts, decode), decode
        return self._last_pts, decode


class DecodeTimes:
    """Derives dts from the pts of packets in decoding order, as libavformat does: the least of the
    newest pts, as many as are reordered.
    """

    def __init__(self) -> None:
        self._newest: list[int] = []
        self._depth = 0
        self._step = 1
        self._learnt = 0

    def set_depth(self, depth: int, step: int) -> None:
        """Set the reorder depth that the stream states, and the distance of pictures in ticks (0:
        unknown).
        """
        self._step = step or 1
        if depth > self._depth and not self._learnt:
            self._depth = depth
            self._newest = []

    def keeps_unchanged(self, pts: int) -> bool:
        """Whether the dts of a packet of `pts`, and of rising ones after it, equal their pts."""
        return len(self._newest) == 1 and self._newest[0] <= pts

    def advance_to(self, newest_pts: int) -> None:
        """Process packets of rising pts up to this one, the first of which `keeps_unchanged` has
        accepted.
        """
        self._newest[0] = newest_pts

    def next_dts(self, pts: int) -> int:
        """Return the dts of the next packet. The first dts leave room for the pictures that
        wait.
        """
        newest = self._newest
        if not newest:
            self._newest = [pts - wait * self._step for wait in range(self._depth, -1, -1)]
        elif pts < newest[0] and self._learnt < _MAX_LEARNT:
            self._learnt += 1
            heappush(newest, pts)
        else:
            heapreplace(newest, pts)
        return self._newest[0]
