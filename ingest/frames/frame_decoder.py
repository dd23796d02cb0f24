"""Decodes the packets of one session into pictures, whose colours are converted when they are used.

Decoding cannot skip single packets, because each picture builds on those before it. The loop filter
is left out, in one thread for each camera.
"""

from __future__ import annotations

from functools import cached_property
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from domain import metrics
from domain.cpu_time import CpuTime
from domain.media.packets import Packet, StreamInfo
from ingest.frames.decoder_devices import DecoderDevices
from ingest.frames.turn import DecodeAnyTime, DecodeTurn

_MAX_PENDING = 64
_LUMA_FIRST = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}
"""The first plane of these formats is brightness, a byte a pixel."""
_CONVERT = metrics.ANALYSIS_CPU_S.labels("convert")


class Decoded:
    """The pixels of a picture in the format of its decoder.

    Colours are converted when they are first used, which is never for most pictures.
    """

    def __init__(self, picture: VideoFrame, reformatter: VideoReformatter) -> None:
        self._picture = picture
        self._reformatter = reformatter

    @cached_property
    def bgr(self) -> NDArray[np.uint8]:
        with CpuTime(_CONVERT):
            return cast(
                NDArray[np.uint8],
                self._reformatter.reformat(self._picture, format="bgr24", threads=1).to_ndarray(),
            )

    @property
    def grey(self) -> NDArray[np.uint8]:
        if self._picture.format.name not in _LUMA_FIRST:
            return np.asarray(self.bgr[..., 1])
        plane = self._picture.planes[0]
        rows = np.frombuffer(cast(bytes, plane), np.uint8).reshape(-1, plane.line_size)
        return np.asarray(rows[: self._picture.height, : self._picture.width])


class FrameDecoder:
    """The codec context of one session.

    It gives each picture with its packet, found by pts, because B-frames leave the decoder in
    another order.
    """

    def __init__(
        self,
        stream: StreamInfo,
        devices: DecoderDevices | None = None,
        turn: DecodeTurn | None = None,
    ) -> None:
        """Decode on one of `devices` if one works; by default, in software.

        Software waits for a `turn` with each packet; the caller ends it.
        """
        self.stream = stream
        self._turn: DecodeTurn = turn or DecodeAnyTime()
        codec = "h264" if stream.codec == "h264" else "hevc"
        self._context = (devices or DecoderDevices()).create(stream.camera_id, codec)
        self._context.thread_count = 1
        self._context.extradata = stream.extradata
        self._context.options = {"skip_loop_filter": "all"}
        self._pending: dict[int, Packet] = {}
        self.reformatter = VideoReformatter()

    def decode(self, packet: Packet) -> list[tuple[VideoFrame, Packet]]:
        """Return the pictures that this packet completes, each with its own packet.

        Raises av.FFmpegError if the packet is broken; the next one may follow.
        """
        if not self._context.is_hwaccel:
            self._turn.begin()
        self._pending[packet.pts] = packet
        if len(self._pending) > _MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        raw = av.Packet(packet.data)
        raw.pts, raw.dts, raw.time_base = packet.pts, packet.dts, packet.stream.time_base
        pictures = ((picture, self._source_of(picture)) for picture in self._context.decode(raw))
        return [(picture, source) for picture, source in pictures if source is not None]

    def _source_of(self, picture: VideoFrame) -> Packet | None:
        return None if picture.pts is None else self._pending.pop(picture.pts, None)
