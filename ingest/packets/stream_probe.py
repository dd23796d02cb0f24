"""Asks libavcodec for the picture size and the timing of a stream. No other module of ingest does
that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import av
from av.video.codeccontext import VideoCodecContext


@dataclass(frozen=True, slots=True)
class Shape:
    """Width and height in pixels, or zeros if the keyframe is too damaged; `frame_s` is 0 if the
    timing is not stated.
    """

    width_px: int
    height_px: int
    reorder_depth: int
    """The number of pictures that a decoder holds for ones that are decoded later and shown
    earlier.
    """
    frame_s: float


_MAX_KNOWN = 4_096
_known: dict[tuple[str, bytes], Shape] = {}
"""The known shapes by codec and parameter sets, which determine them. A camera that reconnects then
needs no decoder, whose large allocations fragment the heap.
"""


def shape_of(codec: str, extradata: bytes, keyframe: bytes) -> Shape:
    """Return the shape of a stream with these parameter sets; the keyframe is decoded only if they
    are new.
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
