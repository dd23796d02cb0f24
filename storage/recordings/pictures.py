"""Decodes one picture of a recorded segment, and encodes pictures as JPEG."""

from __future__ import annotations

import io
from fractions import Fraction
from operator import itemgetter

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from domain.errors import DataLoss, NotFound
from domain.media.packets import ticks_to_ns

QUALITY = "4"
"""The quality of MJPEG, from 2 (best) to 31."""
_OPTIONS = {"ignore_editlist": "1"}


def picture_at(segment: bytes, start_ns: int, at_ns: int, first_shown: int) -> tuple[bytes, int]:
    """Return the picture shown at `at_ns`, and the time from which it was shown (UTC ns). Raises
    NotFound if there is none yet, DataLoss.

    `first_shown` is the presentation time of the picture at the segment's start, in ticks of the
    track, as its layout has it. The segment may lack its first fragments, and with them that
    picture. An edit list, which not every segment with B-frames has, is ignored.
    """
    try:
        with av.open(io.BytesIO(segment), "r", format="mp4", options=_OPTIONS) as container:
            stream = container.streams.video[0]
            packets = _since_keyframe(container, stream, at_ns - start_ns, first_shown)
            frames = [frame for packet in packets for frame in stream.codec_context.decode(packet)]
            frames += stream.codec_context.decode(None)
            shown = [(start_ns + _ns(frame.pts, first_shown, stream), frame) for frame in frames]
            before = [one for one in shown if one[0] <= at_ns]
            if not before:
                raise NotFound("no picture had come by then")
            shown_ns, frame = max(before, key=itemgetter(0))
            return _jpeg(frame), shown_ns
    except (av.FFmpegError, IndexError) as error:
        raise DataLoss("a segment cannot be decoded: {error}", error=error) from error


def jpeg_of(bgr: NDArray[np.uint8]) -> bytes:
    """Return a picture, an array (height, width, 3) of blue, green and red, as JPEG."""
    return _jpeg(av.VideoFrame.from_ndarray(bgr, format="bgr24"))


def _since_keyframe(
    container: InputContainer, stream: VideoStream, until_ns: int, first_shown: int
) -> list[av.Packet[VideoStream]]:
    """Return the packets from the last keyframe shown by `until_ns` to those decoded by then."""
    packets: list[av.Packet[VideoStream]] = []
    for packet in container.demux(stream):
        if packet.pts is None or packet.dts is None:
            continue
        if _ns(packet.dts, first_shown, stream) > until_ns:
            break
        packets = (
            [packet]
            if packet.is_keyframe and _ns(packet.pts, first_shown, stream) <= until_ns
            else [*packets, packet]
        )
    return packets


def _ns(ticks: int | None, first_shown: int, stream: VideoStream) -> int:
    return ticks_to_ns((ticks or 0) - first_shown, Fraction(stream.time_base or 1))


def _jpeg(frame: av.VideoFrame) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.options = {"qmin": QUALITY, "qmax": QUALITY}
    encoder.time_base = Fraction(1, 25)  # of one picture, so any
    picture = frame.reformat(format="yuvj420p", dst_color_range="JPEG")
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
