"""Frames for analytics: every packet of a fresh tap decoded in software, and only those that are
due turned into pictures.

Decoding cannot leave packets out (each picture builds on those before it); what can be saved is the
loop filter and the conversion to BGR, so frames that nobody asked for, that analytics is too late
for, or in which nothing moves, end as YUV. The recorder never waits: it has a tap of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import Moment

IDLE_S = 0.25
"""Without packets for this long, the reader yields None: time has passed, and nothing came."""
REST_S = 2.0
"""The same where none are expected, for nothing moves and nothing is in view."""
LATE_NS = 500 * NS_PER_MS
"""A frame this much older than the newest packet comes late: analytics is behind, and gets
fewer of them.
"""
CAUGHT_UP_NS = NS_PER_S
"""What comes so soon after a burst of packets that were held is late because of it, and is
looked at all the same.
"""
LATE_STEP_NS = 500 * NS_PER_MS
"""How far apart late frames are, at most: two looks a second still find what passes. Every
camera of a busy machine slows down alike.
"""
_MOST_PENDING = 64
_LUMA_FIRST = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}
"""Formats whose first plane is brightness, a byte a pixel."""
_LONGEST_BURST_NS = 60 * NS_PER_S
"""What is older than this before a burst is of a camera whose clock was set back."""
_DECODE, _CONVERT = (
    metrics.ANALYSIS_CPU_S.labels("decode"),
    metrics.ANALYSIS_CPU_S.labels("convert"),
)


class Decimator:
    """Chooses an even part of a sequence. `takes` is called for each item, with the part wanted."""

    def __init__(self) -> None:
        self._credit = 0.0

    def takes(self, part: float) -> bool:
        self._credit += part
        if self._credit < 1.0 - 1e-9:
            return False
        self._credit -= 1.0
        return True


class FrameReader:
    """One camera's frames at about `fps`, for one decoding thread; iterate it. Ends when the
    tap is closed and drained.
    """

    def __init__(
        self,
        tap: Tap,
        clock: Clock,
        fps: float,
        camera_id: str,
        failures: DecodeFailures | None = None,
    ) -> None:
        """`failures` gets what cannot be decoded."""
        self._failures = failures or DecodeFailures()
        self._tap = tap
        self._clock = clock
        self._step_ns = 0
        self.pace(fps)
        self._camera_id = camera_id
        self.rests = False
        """No packets are expected."""
        self.part = 1.0
        """Of the frames due, those that are given, evenly."""
        self.arrived_ns: int | None = None
        """When the packet of the last frame given came; None where it was held before it was
        decoded.
        """
        self.quiet_until: Callable[[int], int] = lambda wall_ns: 0
        """Asked of a packet's wall time: until when nothing is to be seen from there on; 0
        where something may be.
        """
        self._due_ns = 0
        self._caught_up = (0, 0)
        self._given_ns = 0
        self._newest_wall_ns = 0
        self._decoder: _Decoder | None = None
        self._wants_keyframe = True
        self._decoded = metrics.FRAMES_DECODED.labels(camera_id)
        self._late, self._spared = (
            metrics.FRAMES_SKIPPED.labels(camera_id, why) for why in ("late", "backlog")
        )
        self._thinning = Decimator()
        self._dropped = metrics.PACKETS_DROPPED.labels(camera_id, tap.name)
        self._seen_drops = 0
        self._broken = metrics.PACKETS_BROKEN.labels(camera_id, "decoder")

    def pace(self, fps: float) -> None:
        """Frames a second from now on, from any thread; 0: none, and nothing is decoded."""
        self._step_ns = round(NS_PER_S / fps) if fps else 0

    def catch_up(self, from_ns: int, to_ns: int) -> None:
        """Packets from before `from_ns` come only to be decoded; those up to `to_ns` come late,
        and are wanted all the same.
        """
        self._caught_up = from_ns, to_ns

    def __iter__(self) -> Iterator[Frame | None]:
        while True:
            packets = self._tap.take(REST_S if self.rests else IDLE_S)
            if not packets:
                if self._tap.closed:
                    return
                yield None
                continue
            self._count_drops()
            if not self._step_ns:
                self._wants_keyframe = (
                    True  # what was not decoded is missing from what comes after it
                )
                yield None
                continue
            self._newest_wall_ns = max(self._newest_wall_ns, packets[-1].wall_ns)
            for packet in self._needed(packets):
                yield from self._frames(packet)

    def _needed(self, packets: Sequence[Packet]) -> Iterator[Packet]:
        """All but those before a keyframe up to which nothing is to be seen: who is behind need
        not decode an empty road to catch up.
        """
        keyframes = [at for at, packet in enumerate(packets) if packet.is_keyframe]
        at = 0
        while at < len(packets):
            if keyframes and keyframes[-1] > at:
                until_ns = self.quiet_until(packets[at].wall_ns)
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
                self.arrived_ns = (
                    source.received_ns if source.wall_ns > self._caught_up[1] else None
                )
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
        from_ns, to_ns = self._caught_up
        if wall_ns < from_ns and from_ns - wall_ns < _LONGEST_BURST_NS:
            return False
        if wall_ns < self._due_ns and self._due_ns - wall_ns < 2 * self._step_ns:
            return False
        # From the time that was due, not from the frame that came: so the mean rate is right where
        # it does not divide the camera's.
        self._due_ns = (
            self._due_ns + self._step_ns
            if wall_ns - self._due_ns < self._step_ns
            else wall_ns + self._step_ns
        )
        is_late = self._newest_wall_ns - wall_ns > LATE_NS and wall_ns > to_ns + CAUGHT_UP_NS
        if is_late and 0 <= wall_ns - self._given_ns < LATE_STEP_NS:
            self._late.inc()
            return False
        if not is_late and not self._thinning.takes(self.part):  # of so few none is to spare
            self._spared.inc()
            return False
        self._given_ns = wall_ns
        return True

    def _count_drops(self) -> None:
        self._dropped.inc(self._tap.dropped_packets - self._seen_drops)
        self._seen_drops = self._tap.dropped_packets


class Decoded:
    """The pixels of a picture as its decoder left it: colours are made once, when first asked
    for, and most pictures are not.
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
    """One session's codec context. Pictures come with the packet they are of, found by pts:
    B-frames leave the decoder in another order.
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
        """The pictures that this packet brings out. Raises av.FFmpegError where the packet is
        broken; the next may be fed all the same.
        """
        self._pending[packet.pts] = packet
        if len(self._pending) > _MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        raw = av.Packet(packet.data)
        raw.pts, raw.dts, raw.time_base = packet.pts, packet.dts, packet.stream.time_base
        found = ((picture, self._source_of(picture)) for picture in self._context.decode(raw))
        return [(picture, source) for picture, source in found if source is not None]

    def _source_of(self, picture: VideoFrame) -> Packet | None:
        return None if picture.pts is None else self._pending.pop(picture.pts, None)
