"""Detects a frozen picture from the encoded packets, without decoding. Pure.

Two pictures of a working sensor are never equal: noise alone changes every keyframe, even of an
empty street at night. The picture is frozen if several keyframes in a row are equal byte by byte,
and nearly nothing lies between them.

Parameter sets and SEI are ignored, because cameras write the time into SEI. The header of the first
slice is ignored too, because H.265 counts pictures there. A keyframe may equal the last one or the
one before. In H.264, consecutive IDR pictures differ by a number (idr_pic_id, 7.4.3) that may shift
all bits after it.

It does not detect a frozen picture with a clock drawn into it by the camera, with padding to a
constant bitrate or with added noise. Nor does it detect seconds that are replayed in a loop.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import NamedTuple

from ingest.packets import nal

REPEATS = 3
"""The number of equal keyframes in a row that is required."""
MIN_FREEZE_S = 10.0
_LITTLE_BYTES = 256
"""A picture without motion takes fewer bytes than this, or a smaller part of its keyframe than the
next constant.
"""
_LITTLE_SHARE = 100
_HEADER_BYTES = 64


class Moment(NamedTuple):
    """One moment: monotonic seconds for measuring, and nanoseconds of steady time for display."""

    s: float
    ns: int


class _Picture(NamedTuple):
    """The size of a keyframe, and its checksum if a recent one had the same size."""

    size_bytes: int
    sum: int | None


class FreezeDetection:
    """Detects a freeze in one connection. Call `keyframe` for each keyframe; `since` is the time of
    the first of the equal pictures, or None.
    """

    def __init__(self) -> None:
        self.since: Moment | None = None
        self.ended: Moment | None = None
        """When the picture last started to change again."""
        self._recent: deque[_Picture] = deque(maxlen=2)
        self._first: Moment | None = None
        self._repeats = 0
        self._packets = self._size_bytes = 0

    def keyframe(self, codec: str, data: bytes, packets: int, size_bytes: int, now: Moment) -> None:
        """Process one keyframe. `packets` and `size_bytes` count what this connection received
        before it.
        """
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
        """Compute the checksum only if a recent keyframe has the same size. Checksums of all would
        be a large part of the cost of pulling.
        """
        size_bytes = len(data) - head
        is_likely = any(size_bytes == other.size_bytes for other in self._recent)
        return _Picture(
            size_bytes, zlib.crc32(memoryview(data)[head + _HEADER_BYTES :]) if is_likely else None
        )

    def _repeated(self, now: Moment) -> None:
        self._repeats += 1
        first = self._first or now
        if self._repeats >= REPEATS and now.s - first.s >= MIN_FREEZE_S:
            self.since = first

    def _changed(self, now: Moment) -> None:
        if self.since is not None:
            self.since, self.ended = None, now
        self._repeats, self._first = 0, now
