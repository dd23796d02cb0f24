"""Time stamps made whole: every packet gets a pts and a dts that a muxer takes. Pure.

libavformat leaves out the first pts of some streams, and the first dts of streams with B-frames;
RTP itself carries pts only.
"""

from __future__ import annotations

from heapq import heappush, heapreplace

_MAX_LEARNT = 4
"""A stream that does not say how deep it reorders is believed to need no more than this."""


class Timestamps:
    """The stamps of one connection, in ticks of its time base. dts rises with every packet and
    never passes pts.
    """

    def __init__(self, reorder_depth: int) -> None:
        self._reorder_depth = reorder_depth
        self._shift = 0
        self._last_pts = 0
        self._last_dts: int | None = None

    def pts(self, pts: int | None, dts: int | None, duration: int) -> int:
        """The packet's pts: where the source leaves it out, 0 on the first packet (libavformat
        counts from there), else the likely next.
        """
        if pts is None:
            if self._last_dts is None:
                return 0
            return self._last_pts + duration if dts is None else dts + self._shift
        return pts + self._shift

    @property
    def shift(self) -> int:
        """What `pts` adds."""
        return self._shift

    def leaves(self, pts: int) -> bool:
        """Whether `keep` would give a packet of `pts` that is shown as soon as it is decoded
        its own pts and dts.
        """
        return self._last_dts is not None and pts > self._last_dts

    def pass_by(self, newest_pts: int) -> None:
        """As `keep` for packets of rising pts up to this one, where it `leaves` the first as it
        is.
        """
        self._last_pts = self._last_dts = newest_pts

    def jump(self, pts: int, to: int) -> int:
        """The source's counter leapt to `pts` (as `pts()` gave it), which should have been
        `to`: shift all that follow. Returns `to`.
        """
        self._shift += to - pts
        return to

    def settle(self, pts: int, dts: int | None, duration: int) -> tuple[int, int]:
        """The final (pts, dts) of the packet whose pts was found by `pts()`."""
        last = self._last_dts
        step = duration or 1
        likely = pts - self._reorder_depth * step if last is None else last + step
        return self.keep(pts, likely if dts is None else dts + self._shift)

    def keep(self, pts: int, dts: int) -> tuple[int, int]:
        """The final (pts, dts) of a packet whose both are shifted already."""
        last, decode = self._last_dts, min(dts, pts)
        if last is not None and decode <= last:
            decode = last + 1
        self._last_pts, self._last_dts = max(pts, decode), decode
        return self._last_pts, decode


class DecodeTimes:
    """dts from the pts of packets in decoding order, as libavformat has them: the least of the
    newest pts, as many as are reordered.
    """

    def __init__(self) -> None:
        self._newest: list[int] = []
        self._depth = 0
        self._step = 1
        self._learnt = 0

    def deepen(self, depth: int, step: int) -> None:
        """The stream says that pictures wait for up to `depth` others, `step` ticks apart (0:
        unknown).
        """
        self._step = step or 1
        if depth > self._depth and not self._learnt:
            self._depth = depth
            self._newest = []

    def leaves(self, pts: int) -> bool:
        """Whether the dts of a packet of `pts`, and of those that follow and rise, would be
        their pts.
        """
        return len(self._newest) == 1 and self._newest[0] <= pts

    def pass_by(self, newest_pts: int) -> None:
        """As `of` for packets of rising pts up to this one, where it `leaves` the first as it
        is.
        """
        self._newest[0] = newest_pts

    def of(self, pts: int) -> int:
        """The dts of the next packet; before the first pictures of all there is room for those
        that wait.
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
