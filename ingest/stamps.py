"""Time stamps made whole: every packet gets a pts and a dts that a muxer takes. Pure.

libavformat leaves out the first pts of some streams, and the first dts of streams with B-frames; RTP itself carries pts only.
"""

from __future__ import annotations


class Stamps:
    """The stamps of one connection, in ticks of its time base. dts rises with every packet and never passes pts."""

    def __init__(self, reorder_depth: int) -> None:
        self._reorder_depth = reorder_depth
        self._shift = 0
        self._last_pts = 0
        self._last_dts: int | None = None

    def pts(self, pts: int | None, dts: int | None, duration: int) -> int:
        """The packet's pts: where the source leaves it out, 0 on the first packet (libavformat counts from there), else the likely next."""
        if pts is None:
            if self._last_dts is None:
                return 0
            return self._last_pts + duration if dts is None else dts + self._shift
        return pts + self._shift

    def jump(self, pts: int, to: int) -> int:
        """The source's counter leapt to `pts` (as `pts()` gave it), which should have been `to`: shift all that follow. Returns `to`."""
        self._shift += to - pts
        return to

    def settle(self, pts: int, dts: int | None, duration: int) -> tuple[int, int]:
        """The final (pts, dts) of the packet whose pts was found by `pts()`."""
        last = self._last_dts
        step = duration or 1
        likely = pts - self._reorder_depth * step if last is None else last + step
        decode = min(likely if dts is None else dts + self._shift, pts)
        if last is not None and decode <= last:
            decode = last + 1
        self._last_pts, self._last_dts = max(pts, decode), decode
        return self._last_pts, decode
