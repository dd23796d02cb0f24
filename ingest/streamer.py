"""Keeps one camera pulled: connects, connects again for ever with backoff, and says how it
stands.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from domain import metrics
from domain.camera_states import CameraState, CameraStatus, Why
from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.errors import SourceError, SourceUnreachable
from domain.media.fanout import Fanout
from domain.media.packet_batch import PacketBatch, PacketOrBatch, newest_pts_ns, newest_wall_ns
from domain.media.packets import AudioPacket, Packet, StreamInfo
from domain.registry import Camera, Credentials, Networks
from domain.settings import Settings
from ingest.health.announce import Announcer
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import Moment
from ingest.health.health import CameraHealth
from ingest.packets.packet_builder import SourceCounts
from ingest.rtsp.backoff import Backoff
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.source import Receiver, RtspSource

_log = logging.getLogger(__name__)


class PacketSource(Protocol):
    """What a streamer pulls from: an `RtspSource`, or in tests anything that gives packets."""

    @property
    def counts(self) -> SourceCounts: ...

    def open(self, loop: PullLoop, receiver: Receiver, /) -> None: ...

    def close(self) -> None: ...

    def read_now(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Mark:
    """How much had come, once a second."""

    at_ns: int
    packets: int
    size_bytes: int


class _Session:
    """What came over one connection. Written by the puller; `status` reads single fields of it."""

    def __init__(self) -> None:
        self.last: Sequence[PacketOrBatch] = ()
        """The newest that came, if anything has."""
        self.first_s: float | None = None
        self.packets = 0
        self.size_bytes = 0
        self.counted = (0,) * 5
        """What has been told to the metrics, one by one."""
        self.next_look_ns = 0
        self._number = 0
        self.marks: deque[_Mark] = deque(maxlen=6)

    def begin(self, keyframe: Packet) -> None:
        """Look at once where the session is another: our clock may have been set back, and
        `next_look_ns` be an hour away.
        """
        if keyframe.stream.session != self._number:
            self._number, self.next_look_ns = keyframe.stream.session, 0

    def mark(self, newest: PacketOrBatch) -> None:
        self.marks.append(_Mark(newest_pts_ns(newest), self.packets, self.size_bytes))
        self.next_look_ns = newest.received_ns + NS_PER_S

    def rates(self) -> tuple[float, int]:
        """Frames and bits a second over the last five seconds of media."""
        marks = tuple(self.marks)
        if len(marks) < 2 or marks[-1].at_ns <= marks[0].at_ns:
            return 0.0, 0
        passed_s = (marks[-1].at_ns - marks[0].at_ns) / NS_PER_S
        frames, size_bytes = (
            marks[-1].packets - marks[0].packets,
            marks[-1].size_bytes - marks[0].size_bytes,
        )
        return round(frames / passed_s, 2), round(size_bytes * 8 / passed_s)


class Streamer:
    """Pulls one camera into its fan-out, in a pull loop. Other threads may call `start`, `stop`,
    `join`, `tick` and `status` only.
    """

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        networks: Networks,
        fanout: Fanout,
        settings: Settings,
        clock: Clock,
        source: PacketSource | None = None,
        failures: DecodeFailures | None = None,
    ) -> None:
        """`failures` are those of the camera's decoder, where it has one."""
        self._camera = camera
        self._fanout = fanout
        self._clock = clock
        self._source: PacketSource = source or RtspSource(camera, credentials, networks, settings)
        self._backoff = Backoff()
        self._loop: PullLoop | None = None
        self._is_wanted = False
        self._attempt = 0
        self._is_over = threading.Event()
        self._is_over.set()
        self._is_open = False
        self._session = _Session()
        self._health = CameraHealth(self._now(), failures)
        self._node = settings.node
        self._reconnects = 0
        self._steps = clock.steps
        self._has_said_left_out = False
        self._announcer = Announcer(camera.id, clock)
        self._counters = (
            metrics.PACKETS.labels(camera.id),
            metrics.PACKETS_BROKEN.labels(camera.id, "source"),
            metrics.PACKETS_BROKEN.labels(camera.id, "stranger"),
            metrics.RTP_LOST.labels(camera.id),
            metrics.CLOCK_JUMPS.labels(camera.id),
        )
        self._live = metrics.CAMERA_LIVE.labels(camera.id)
        self._skew = metrics.CAMERA_SKEW_S.labels(camera.id)
        self._told_skew_ns: int | None = None

    def start(self, loop: PullLoop) -> None:
        """Pull until `stop`: after each connection that ends, wait (longer after each that gave
        little) and connect again.
        """
        self._loop = loop
        self._fanout.on_tap = lambda: loop.call(self, self._source.read_now)
        self._announcer.share(loop.warn)
        self._is_over.clear()
        loop.call(self, self._begin)

    def stop(self) -> None:
        """Hang up, if it was started; `join` waits for it."""
        if self._loop is not None:
            self._loop.call(self, self._halt)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is pulled; False where that took too long."""
        return self._is_over.wait(timeout_s)

    @property
    def has_waiting_consumer(self) -> bool:
        return self._fanout.has_waiting_consumer

    @property
    def may_need_packets_soon(self) -> bool:
        return self._fanout.may_need_packets_soon

    def on_packets(self, received: list[PacketOrBatch]) -> None:
        session = self._session
        self._fanout.put(*received)
        for one in received:
            if isinstance(one, Packet) and one.is_keyframe:
                session.begin(one)
                self._health.keyframe(
                    one.stream.codec, one.data, session.packets, session.size_bytes, self._now()
                )
            session.packets += one.count if isinstance(one, PacketBatch) else 1
            session.size_bytes += len(one.data)
        session.last = received[-1:]
        if received[-1].received_ns >= session.next_look_ns:
            self._look(session, received[-1])

    def on_audio(self, packets: list[AudioPacket]) -> None:
        for packet in packets:
            self._fanout.put_audio(packet)

    def ended(self, error: Exception | None) -> None:
        """The connection is over; None where it was to be."""
        self._is_open = False
        self._fanout.forget()
        self._health.closed()
        self._count(self._session)
        self._live.set(0)
        if not self._is_wanted:
            self._health.idle(self._now())
            self._announcer.gone()
            self._is_over.set()
        elif error is None:  # and wanted again meanwhile
            self._connect(self._attempt)
        elif self._loop is not None:
            self._failed(error)
            self._attempt += 1
            self._loop.call_later(
                self._backoff.next_s(self._media_s()), self, partial(self._connect, self._attempt)
            )

    def failed(self, error: Exception) -> None:
        self.ended(error)

    def _begin(self) -> None:
        if self._is_wanted:
            return
        self._is_wanted = True
        self._is_over.clear()
        self._health.wanted(self._now())
        if not self._is_open:  # else its end is awaited
            self._connect(self._attempt)

    def _connect(self, attempt: int) -> None:
        """Unless it was stopped since `attempt` was decided on."""
        if self._loop is not None and self._is_wanted and attempt == self._attempt:
            self._session = _Session()
            self._health.connecting(self._now())
            self._is_open = True
            self._source.open(self._loop, self)

    def _halt(self) -> None:
        if not self._is_wanted:
            return
        self._is_wanted = False
        self._attempt += 1
        if self._is_open:
            self._source.close()
        else:
            self.ended(None)

    def tick(self) -> None:
        """Update the health by what the source counted, and report the state in metrics and log.
        It is called about once a second.
        """
        counts = self._source.counts
        if counts.before_keyframe_packets:
            self._health.unusable(counts.unreadable_keyframes, counts.lacking_sets)
        now = self._now()
        self._announcer.state(self._health.standing(now), now)

    def status(self) -> CameraStatus:
        """The state of the camera with what the last `tick` added, and its present counts. It
        changes nothing. The caller fills in `recorded_until_ns` and `lost_packets`.
        """
        session = self._session
        now = self._health.standing(self._now())
        newest = last[-1] if (last := session.last) else None
        stream = newest.stream if newest is not None else None
        has_rates = now.state.is_live or now.state in (CameraState.FROZEN, CameraState.UNDECODABLE)
        fps, bitrate_bps = session.rates() if has_rates else (0.0, 0)
        return CameraStatus(
            self._camera.id,
            now.state,
            now.since_ns + self._clock.stepped_ns,
            now.last_error,
            reconnects=self._reconnects,
            node=self._node,
            why=now.why,
            last_error_ns=now.last_error_ns and now.last_error_ns + self._clock.stepped_ns,
            clock_skew_ms=_ms(self._health.skew_ns),
            last_packet_wall_ns=newest_wall_ns(newest) if newest is not None else 0,
            codec=stream.codec if stream is not None else "",
            width_px=stream.width_px if stream is not None else 0,
            height_px=stream.height_px if stream is not None else 0,
            wall_source=newest.wall_source.value if newest is not None else "",
            fps=fps,
            bitrate_bps=bitrate_bps,
        )

    @property
    def bitrate_bps(self) -> int:
        """Of the last five seconds of its present connection; 0 before there are any, or where
        it is over.
        """
        return self._session.rates()[1] if self._is_open else 0

    def _look(self, session: _Session, newest: PacketOrBatch) -> None:
        """Once a second of packets: what need not be done for each."""
        if session.first_s is None:
            session.first_s = self._clock.monotonic_s()
            self._connected(newest.stream)
        self._count(session)
        session.mark(newest)
        if self._clock.steps != self._steps:
            self._steps = self._clock.steps
            self._health.clock_stepped(str(self._steps[-1]), self._now())
        skew_ns = self._source.counts.timeline.skew_ns
        if skew_ns is not None:
            if self._told_skew_ns is None or abs(skew_ns - self._told_skew_ns) >= NS_PER_MS:
                self._told_skew_ns = skew_ns
                self._skew.set(skew_ns / NS_PER_S)
            self._health.skewed(skew_ns, self._now())

    def _count(self, session: _Session) -> None:
        now = self._source.counts
        packets = session.packets + now.before_keyframe_packets
        counts = (packets, now.broken_packets, now.strange_packets, now.lost_packets, now.jumps)
        for metric, count, before in zip(self._counters, counts, session.counted, strict=True):
            if count > before:
                metric.inc(count - before)
        session.counted = counts

    def _connected(self, stream: StreamInfo) -> None:
        sound = stream.audio.codec if stream.audio is not None else "no sound"
        _log.info(
            "%s: live, %s %dx%d, %s",
            self._camera.id,
            stream.codec,
            stream.width_px,
            stream.height_px,
            sound,
        )
        if self._source.counts.left_out and not self._has_said_left_out:
            self._has_said_left_out = True
            _log.warning(
                "%s: audio is not recorded: %s", self._camera.id, self._source.counts.left_out
            )
        self._live.set(1)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, SourceError):
            _log.error(
                "%s: pulling failed because of a software fault; it restarts",
                self._camera.id,
                exc_info=error,
            )
            metrics.JOB_FAILURES.labels(self._camera.id, "pull").inc()
            error = SourceUnreachable(
                f"a software fault of Sightline: {type(error).__name__}", Why.FAILED
            )
        metrics.RECONNECTS.labels(self._camera.id, error.state.value).inc()
        self._announcer.error(error)
        self._health.failed(error, self._now())
        self._reconnects += 1

    def _now(self) -> Moment:
        return Moment(self._clock.monotonic_s(), self._clock.steady_ns())

    def _media_s(self) -> float:
        """How long the last connection gave packets, in seconds."""
        first_s = self._session.first_s
        return 0.0 if first_s is None else self._clock.monotonic_s() - first_s


def _ms(time_ns: int | None) -> int | None:
    return None if time_ns is None else time_ns // NS_PER_MS
