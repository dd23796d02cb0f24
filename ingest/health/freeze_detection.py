"""Whether a camera's picture stands still, told from what its encoder made of it, without decoding.
Pure.

Two pictures of a living sensor are never the same: its noise alone makes every keyframe another
one, also of an empty street at night. So the picture is frozen where keyframes are the same byte by
byte, several times in a row, and nearly nothing lies between them. Parameter sets and SEI are left
out, as cameras write the time into SEI, and so is the first slice's header, where H.265 counts
pictures. Each keyframe may be the same as the last or the one before that: H.264 has consecutive
IDR pictures tell themselves apart by a number (idr_pic_id, 7.4.3) that may shift all bits after it.

Not seen: a picture that is frozen under a clock that the camera draws into it; one that an encoder
pads to a constant rate, or adds noise to; seconds that are played again and again.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import NamedTuple

from ingest.packets import nal

REPEATS = 3
"""So many keyframes in a row must have shown nothing new."""
AT_LEAST_S = 10.0
_LITTLE_BYTES = 256
"""A picture in which nothing moves takes less, at any size; or less than the next part of its
keyframe.
"""
_LITTLE_SHARE = 100
_HEADER_BYTES = 64


class Moment(NamedTuple):
    """Now: monotonic seconds to reckon with, and nanoseconds of steady time to show: wall time
    without the steps of our clock.
    """

    s: float
    ns: int


class _Picture(NamedTuple):
    """What is kept of a keyframe: size, and a sum only where another one near it had the same
    size.
    """

    size_bytes: int
    sum: int | None


class FreezeDetection:
    """Of one connection. `keyframe` for each; `since` is the first of the pictures that are all
    the same, or None.
    """

    def __init__(self) -> None:
        self.since: Moment | None = None
        self.ended: Moment | None = None
        """When the picture last began to change again."""
        self._recent: deque[_Picture] = deque(maxlen=2)
        self._first: Moment | None = None
        self._repeats = 0
        self._packets = self._size_bytes = 0

    def keyframe(self, codec: str, data: bytes, packets: int, size_bytes: int, now: Moment) -> None:
        """One came; `packets` and `size_bytes` count what this connection gave before it."""
        between, between_bytes = packets - self._packets, size_bytes - self._size_bytes
        self._packets, self._size_bytes = packets + 1, size_bytes + len(data)
        picture = self._picture(data, max(0, nal.keyframe_head(codec, data)))
        is_known = picture.sum is not None and picture in self._recent
        if is_known and between_bytes <= between * max(_LITTLE_BYTES, len(data) // _LITTLE_SHARE):
            self._repeated(now)
        else:
            self._changed(now)
        self._recent.append(picture)

    def _picture(self, data: bytes, head: int) -> _Picture:
        """A sum of every keyframe would cost a good part of pulling it, and those of a living
        sensor hardly ever have the same size.
        """
        size_bytes = len(data) - head
        is_likely = any(size_bytes == other.size_bytes for other in self._recent)
        return _Picture(
            size_bytes, zlib.crc32(memoryview(data)[head + _HEADER_BYTES :]) if is_likely else None
        )

    def _repeated(self, now: Moment) -> None:
        self._repeats += 1
        first = self._first or now
        if self._repeats >= REPEATS and now.s - first.s >= AT_LEAST_S:
            self.since = first

    def _changed(self, now: Moment) -> None:
        if self.since is not None:
            self.since, self.ended = None, now
        self._repeats, self._first = 0, now
