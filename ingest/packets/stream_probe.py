"""What a decoder sees in a keyframe: the one place where ingest asks libavcodec about a
stream's shape.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import av
from av.video.codeccontext import VideoCodecContext


@dataclass(frozen=True, slots=True)
class Shape:
    """Width and height in pixels, zeros where the keyframe is too broken to tell; `frame_s` is
    0 where its timing is not said.
    """

    width_px: int
    height_px: int
    reorder_depth: int
    """How many pictures wait in the decoder for ones that come later and are shown before them."""
    frame_s: float


_MAX_KNOWN = 4_096
_known: dict[tuple[str, bytes], Shape] = {}
"""By codec and parameter sets, which decide it: a camera that comes back needs no decoder,
whose megabytes leave holes in the heap.
"""


def shape_of(codec: str, extradata: bytes, keyframe: bytes) -> Shape:
    """The shape of a stream with these parameter sets; the keyframe is looked at where they are
    new.
    """
    known = _known.get((codec, extradata))
    if known is not None:
        return known
    shape = _decoded(codec, extradata, keyframe)
    if shape.width_px:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[codec, extradata] = shape
    return shape


def _decoded(codec: str, extradata: bytes, keyframe: bytes) -> Shape:
    context = VideoCodecContext.create("h264" if codec == "h264" else "hevc", "r")
    context.extradata = extradata
    context.thread_count = 1
    with suppress(av.FFmpegError):
        context.decode(av.Packet(keyframe))
    rate = float(context.framerate or 0)
    return Shape(
        context.width, context.height, context.reorder_depth, 1 / rate if rate >= 1 else 0.0
    )
