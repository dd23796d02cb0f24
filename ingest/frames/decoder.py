"""Frames for analytics: the packets of a tap are decoded in software, and frames that are due are
given to the caller.

Decoding cannot skip single packets, because each picture builds on those before it. The loop filter
and the conversion to BGR can be saved. Frames that are not due, that analytics is too late for, or
in which nothing moves therefore stay YUV. The recorder has a tap of its own, and never waits.

`decode_control.py` describes who decides which packets reach the tap, and the order of the calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from domain import metrics
from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.cpu_time import CpuTime
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet, StreamInfo
from ingest.frames.decode_control import DecodeControl, DecodeEverything
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import Moment

IDLE_S = 0.25
"""Without packets for this long, the reader yields None, so that the caller notices that time has
passed.
"""
CLOSED_GATE_IDLE_S = 2.0
"""The same while the decode gate is closed, and no packets are expected."""
LATE_NS = 500 * NS_PER_MS
"""A frame this much older than the newest packet is late: analytics is too slow, and gets fewer
frames.
"""
CAUGHT_UP_NS = NS_PER_S
"""Frames up to so long after a burst are late because of the burst, and are analysed."""
LATE_STEP_NS = 500 * NS_PER_MS
"""Late frames are given at this interval: two looks a second still find what passes. All cameras
of an overloaded machine slow down alike.
"""
_MAX_PENDING = 64
_LUMA_FIRST = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}
"""The first plane of these formats is brightness, a byte a pixel."""
_LONGEST_BURST_NS = 60 * NS_PER_S
"""A frame that is older than this before a burst comes from a camera whose clock was set back."""
_DECODE, _CONVERT = (
    metrics.ANALYSIS_CPU_S.labels("decode"),
    metrics.ANALYSIS_CPU_S.labels("convert"),
)


class Decimator:
    """Chooses an even part of a sequence. `takes` is called for each item, with that part."""

    def __init__(self) -> None:
        self._credit = 0.0

    def takes(self, part: float) -> bool:
        self._credit += part
        if self._credit < 1.0 - 1e-9:
            return False
        self._credit -= 1.0
        return True


class FrameReader:
    """Gives one camera's frames at about `fps`, to one analysis thread that iterates it.

    The iteration yields None after a wait without packets, and ends when the tap is closed and
    empty. It raises nothing for packets that cannot be decoded: they are counted.
    """

    def __init__(
        self,
        tap: Tap,
        clock: Clock,
        fps: float,
        camera_id: str,
        failures: DecodeFailures | None = None,
        control: DecodeControl | None = None,
    ) -> None:
        """Decode the packets of `tap`, and report to `failures` which of them cannot be decoded.

        `control` is the gate that puts packets into the tap; without one, all packets are decoded.
        """
        self._failures = failures or DecodeFailures()
        self._control: DecodeControl = control or DecodeEverything()
        self._tap = tap
        self._clock = clock
        self._step_ns = 0
        self.set_rate(fps)
        self._camera_id = camera_id
        self.part = 1.0
        """The part of the frames due that is given, evenly spread. The analysis thread sets it."""
        self.arrived_ns: int | None = None
        """When the packet of the last frame arrived, or None if the gate held it before."""
        self._due_ns = 0
        self._last_output_ns = 0
        self._newest_wall_ns = 0
        self._decoder: _Decoder | None = None
        self._wants_keyframe = True
        self._decoded = metrics.FRAMES_DECODED.labels(camera_id)
        self._late, self._backlog = (
            metrics.FRAMES_SKIPPED.labels(camera_id, reason) for reason in ("late", "backlog")
        )
        self._part_of_due = Decimator()
        self._dropped = metrics.PACKETS_DROPPED.labels(camera_id, tap.name)
        self._seen_drops = 0
        self._broken = metrics.PACKETS_BROKEN.labels(camera_id, "decoder")

    def set_rate(self, fps: float) -> None:
        """Give so many frames a second from now on; with 0 nothing is decoded.

        Any thread may call it.
        """
        self._step_ns = round(NS_PER_S / fps) if fps else 0

    def __iter__(self) -> Iterator[Frame | None]:
        while True:
            packets = self._tap.take(CLOSED_GATE_IDLE_S if self._control.is_closed else IDLE_S)
            if not packets:
                if self._tap.closed:
                    return
                yield None
                continue
            self._count_drops()
            if not self._step_ns:
                # Later packets build on those that are not decoded now.
                self._wants_keyframe = True
                yield None
                continue
            self._newest_wall_ns = max(self._newest_wall_ns, packets[-1].wall_ns)
            for packet in self._needed(packets):
                yield from self._frames(packet)

    def _needed(self, packets: Sequence[Packet]) -> Iterator[Packet]:
        """Yield all packets but those before a keyframe up to which nothing moves.

        A reader that is late need not decode an empty road to catch up.
        """
        keyframes = [at for at, packet in enumerate(packets) if packet.is_keyframe]
        at = 0
        while at < len(packets):
            if keyframes and keyframes[-1] > at:
                until_ns = self._control.quiet_until_ns(packets[at].wall_ns)
                at = max(
                    [
                        at,
                        *(
                            keyframe
                            for keyframe in keyframes
                            if packets[keyframe].wall_ns <= until_ns
                        ),
                    ]
                )
            yield packets[at]
            at += 1

    def _frames(self, packet: Packet) -> Iterator[Frame]:
        decoder = self._decoder
        is_new = decoder is None or decoder.stream != packet.stream
        if not packet.is_keyframe and (is_new or self._wants_keyframe):
            return
        if decoder is None or is_new:
            decoder = self._decoder = _Decoder(packet.stream)
            self._due_ns = 0
        self._wants_keyframe = False
        try:
            with CpuTime(_DECODE):
                decoded = decoder.decode(packet)
        except av.FFmpegError:
            self._count_failure()
            self._wants_keyframe = True
            return
        for picture, source in decoded:
            self._decoded.inc()
            if picture.is_corrupt:
                self._count_failure()
                continue
            self._failures.decoded()
            if self._is_due(source.wall_ns):
                was_held = source.wall_ns <= self._control.burst.to_ns
                self.arrived_ns = None if was_held else source.received_ns
                pixels = Decoded(picture, decoder.reformatter)
                yield Frame(
                    self._camera_id,
                    pixels,
                    source.pts,
                    source.stream.session,
                    source.wall_ns,
                    source.wall_source,
                )

    def _count_failure(self) -> None:
        self._broken.inc()
        self._failures.failed(Moment(self._clock.monotonic_s(), self._clock.steady_ns()))

    def _is_due(self, wall_ns: int) -> bool:
        from_ns, to_ns = self._control.burst
        if wall_ns < from_ns and from_ns - wall_ns < _LONGEST_BURST_NS:
            return False
        if wall_ns < self._due_ns and self._due_ns - wall_ns < 2 * self._step_ns:
            return False
        # The step counts from the time that was due, and not from the frame. The mean rate is then
        # right even if it does not divide the camera's rate.
        self._due_ns = (
            self._due_ns + self._step_ns
            if wall_ns - self._due_ns < self._step_ns
            else wall_ns + self._step_ns
        )
        is_late = self._newest_wall_ns - wall_ns > LATE_NS and wall_ns > to_ns + CAUGHT_UP_NS
        if is_late and 0 <= wall_ns - self._last_output_ns < LATE_STEP_NS:
            self._late.inc()
            return False
        if not is_late and not self._part_of_due.takes(self.part):
            self._backlog.inc()
            return False
        self._last_output_ns = wall_ns
        return True

    def _count_drops(self) -> None:
        self._dropped.inc(self._tap.dropped_packets - self._seen_drops)
        self._seen_drops = self._tap.dropped_packets


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


class _Decoder:
    """The codec context of one session.

    It gives each picture with its packet, found by pts, because B-frames leave the decoder in
    another order.
    """

    def __init__(self, stream: StreamInfo) -> None:
        self.stream = stream
        self._context = VideoCodecContext.create("h264" if stream.codec == "h264" else "hevc", "r")
        self._context.thread_count = 1
        self._context.extradata = stream.extradata
        self._context.options = {"skip_loop_filter": "all"}
        self._pending: dict[int, Packet] = {}
        self.reformatter = VideoReformatter()

    def decode(self, packet: Packet) -> list[tuple[VideoFrame, Packet]]:
        """Return the pictures that this packet completes, each with its own packet.

        Raises av.FFmpegError if the packet is broken; the next one may follow.
        """
        self._pending[packet.pts] = packet
        if len(self._pending) > _MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        raw = av.Packet(packet.data)
        raw.pts, raw.dts, raw.time_base = packet.pts, packet.dts, packet.stream.time_base
        pictures = ((picture, self._source_of(picture)) for picture in self._context.decode(raw))
        return [(picture, source) for picture, source in pictures if source is not None]

    def _source_of(self, picture: VideoFrame) -> Packet | None:
        return None if picture.pts is None else self._pending.pop(picture.pts, None)
