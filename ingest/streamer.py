"""Pulls one camera: it connects, reconnects with backoff without end, and reports the camera's
state.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

from prometheus_client import Counter

from domain import metrics
from domain.camera_states import CameraState, CameraStatus, Why
from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.errors import SourceError, SourceUnreachable
from domain.media.fanout import Fanout
from domain.media.packet_batch import PacketBatch, PacketOrBatch, newest_pts_ns, newest_wall_ns
from domain.media.packets import AudioPacket, Packet, StreamInfo
from domain.registry import Camera
from domain.settings import Settings
from ingest.health.announce import StatePublisher
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import Moment
from ingest.health.health import CameraHealth
from ingest.packets.packet_builder import SourceCounts
from ingest.rtsp.backoff import UNREACHABLE, Backoff, UnreachableCameras
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.source import Receiver

_log = logging.getLogger(__name__)


class PacketSource(Protocol):
    """The source from which a streamer pulls: an `RtspSource`, or a substitute in tests."""

    @property
    def counts(self) -> SourceCounts: ...

    def open(self, loop: PullLoop, receiver: Receiver, /) -> None: ...

    def close(self) -> None: ...

    def read_now(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Sample:
    """The counts at one time, taken once a second."""

    at_ns: int
    packets: int
    size_bytes: int


class _Session:
    """The packets and counts of one connection. The pull thread writes it; `status` reads single
    fields of it.
    """

    def __init__(self) -> None:
        self.last: Sequence[PacketOrBatch] = ()
        """The newest packets, if any have arrived."""
        self.first_s: float | None = None
        self.packets = 0
        self.size_bytes = 0
        self.counted = (0,) * 5
        """The counts that the metrics already contain."""
        self.next_update_ns = 0
        self._number = 0
        self.samples: deque[_Sample] = deque(maxlen=6)

    def on_keyframe(self, keyframe: Packet) -> None:
        """Update at the next packet if the session is another one. This node's clock may have been
        set back, so that `next_update_ns` would be an hour away.
        """
        if keyframe.stream.session != self._number:
            self._number, self.next_update_ns = keyframe.stream.session, 0

    def sample(self, newest: PacketOrBatch) -> None:
        self.samples.append(_Sample(newest_pts_ns(newest), self.packets, self.size_bytes))
        self.next_update_ns = newest.received_ns + NS_PER_S

    def rates(self) -> tuple[float, int]:
        """Return frames and bits per second over the last five seconds of media."""
        samples = tuple(self.samples)
        if len(samples) < 2 or samples[-1].at_ns <= samples[0].at_ns:
            return 0.0, 0
        passed_s = (samples[-1].at_ns - samples[0].at_ns) / NS_PER_S
        frames, size_bytes = (
            samples[-1].packets - samples[0].packets,
            samples[-1].size_bytes - samples[0].size_bytes,
        )
        return round(frames / passed_s, 2), round(size_bytes * 8 / passed_s)


class Streamer:
    """Pulls one camera into its fan-out, in a pull loop. Other threads may only call `start`,
    `stop`, `join`, `tick` and `status`.
    """

    def __init__(
        self,
        camera: Camera,
        source: PacketSource,
        fanout: Fanout,
        settings: Settings,
        clock: Clock,
        failures: DecodeFailures | None = None,
        is_urgent: bool = False,
    ) -> None:
        """`failures` are those of the camera's decoder, if it has one.

        `is_urgent` applies to a camera that is pulled only while a viewer or a trigger requests it.
        It is tried often, also while many other cameras are unreachable.
        """
        self._camera = camera
        self._fanout = fanout
        self._clock = clock
        self._source = source
        self._backoff = Backoff()
        self._is_urgent = is_urgent
        self._loop: PullLoop | None = None
        self._is_requested = False
        self._attempt = 0
        self._is_over = threading.Event()
        self._is_over.set()
        self._is_open = False
        self._session = _Session()
        self._health = CameraHealth(self._now(), failures)
        self._node = settings.node
        self._reconnects = 0
        self._steps = clock.steps
        self._has_logged_unsupported_audio = False
        self._state_publisher = StatePublisher(camera.id, clock)
        self._live = metrics.CAMERA_LIVE.labels(camera.id)
        self._published_skew_ns: int | None = None

    @cached_property
    def _counters(self) -> tuple[Counter, ...]:
        """The counters of packets. They exist once anything arrived: a series costs time at the
        start and in each answer with the metrics, and a city has thousands of dead cameras.
        """
        return (
            metrics.PACKETS.labels(self._camera.id),
            metrics.PACKETS_BROKEN.labels(self._camera.id, "source"),
            metrics.PACKETS_BROKEN.labels(self._camera.id, "stranger"),
            metrics.RTP_LOST.labels(self._camera.id),
            metrics.CLOCK_JUMPS.labels(self._camera.id),
        )

    def start(self, loop: PullLoop) -> None:
        """Pull until `stop`. After each connection, wait and connect again; the wait grows while
        connections deliver little.
        """
        self._loop = loop
        self._fanout.on_tap = lambda: loop.call(self, self._source.read_now)
        self._state_publisher.use_gate(loop.warn)
        self._is_over.clear()
        loop.call(self, self._start)

    def stop(self) -> None:
        """Close the connection, if the streamer was started; `join` waits for that."""
        if self._loop is not None:
            self._loop.call(self, self._stop)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is pulled. Return False if that exceeded `timeout_s`."""
        return self._is_over.wait(timeout_s)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, or an attempt to make one."""
        return self._is_open

    @property
    def reconnects(self) -> int:
        """How many connections have failed."""
        return self._reconnects

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
                session.on_keyframe(one)
                self._health.keyframe(
                    one.stream.codec, one.data, session.packets, session.size_bytes, self._now()
                )
            session.packets += one.count if isinstance(one, PacketBatch) else 1
            session.size_bytes += len(one.data)
        session.last = received[-1:]
        if received[-1].received_ns >= session.next_update_ns:
            self._update(session, received[-1])

    def on_audio(self, packets: list[AudioPacket]) -> None:
        for packet in packets:
            self._fanout.put_audio(packet)

    def ended(self, error: Exception | None) -> None:
        """Handle the end of the connection; `error` is None if it was requested."""
        self._is_open = False
        self._fanout.forget()
        self._health.closed()
        self._count(self._session)
        self._live.set(0)
        if not self._is_requested:
            self._health.idle(self._now())
            self._state_publisher.withdraw()
            if self._loop is not None:
                self._loop.unreachable.discard(self._camera.id)
            self._is_over.set()
        elif error is None:  # `start` was called again in the meantime
            self._connect(self._attempt)
        elif self._loop is not None:
            self._failed(error)
            self._attempt += 1
            self._loop.call_later(
                self._wait_s(self._loop.unreachable, error),
                self,
                partial(self._connect, self._attempt),
            )

    def failed(self, error: Exception) -> None:
        self.ended(error)

    def _wait_s(self, unreachable: UnreachableCameras, error: Exception) -> float:
        """Return how long to wait for the next connection."""
        if isinstance(error, SourceError) and error.why in UNREACHABLE:
            unreachable.add(self._camera.id)
            return self._backoff.next_s(self._media_s(), unreachable.step_s, self._is_urgent)
        unreachable.discard(self._camera.id)
        return self._backoff.next_s(self._media_s())

    def _start(self) -> None:
        if self._is_requested:
            return
        self._is_requested = True
        self._is_over.clear()
        self._health.requested(self._now())
        if not self._is_open:  # otherwise `ended` connects again
            self._connect(self._attempt)

    def _connect(self, attempt: int) -> None:
        """Connect, unless the streamer was stopped after `attempt` was scheduled."""
        if self._loop is not None and self._is_requested and attempt == self._attempt:
            self._session = _Session()
            self._health.connecting(self._now())
            self._is_open = True
            self._source.open(self._loop, self)

    def _stop(self) -> None:
        if not self._is_requested:
            return
        self._is_requested = False
        self._attempt += 1
        if self._is_open:
            self._source.close()
        else:
            self.ended(None)

    def tick(self) -> None:
        """Update the health from the source's counts, and report the state in metrics and log. Call
        it about once a second.
        """
        counts = self._source.counts
        if counts.before_keyframe_packets:
            self._health.no_usable_keyframe(counts.unreadable_keyframes, counts.lacking_sets)
        now = self._now()
        self._state_publisher.publish(self._health.status(now), now)

    def status(self) -> CameraStatus:
        """Return the state of the camera as of the last `tick`, with the present counts. It changes
        nothing. The caller fills in `recorded_until_ns` and `lost_packets`.
        """
        session = self._session
        now = self._health.status(self._now())
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
        """The bitrate over the last five seconds of the present connection; 0 without one or before
        it is known.
        """
        return self._session.rates()[1] if self._is_open else 0

    def _update(self, session: _Session, newest: PacketOrBatch) -> None:
        """Do the work that is needed only once per second of packets."""
        if session.first_s is None:
            session.first_s = self._clock.monotonic_s()
            self._connected(newest.stream)
        self._count(session)
        session.sample(newest)
        if self._clock.steps != self._steps:
            self._steps = self._clock.steps
            self._health.clock_stepped(self._steps[-1].message, self._now())
        skew_ns = self._source.counts.timeline.skew_ns
        if skew_ns is not None:
            if (
                self._published_skew_ns is None
                or abs(skew_ns - self._published_skew_ns) >= NS_PER_MS
            ):
                self._published_skew_ns = skew_ns
                metrics.CAMERA_SKEW_S.labels(self._camera.id).set(skew_ns / NS_PER_S)
            self._health.skewed(skew_ns, self._now())

    def _count(self, session: _Session) -> None:
        now = self._source.counts
        packets = session.packets + now.before_keyframe_packets
        counts = (packets, now.broken_packets, now.strange_packets, now.lost_packets, now.jumps)
        if counts == session.counted:
            return
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
        if self._source.counts.unsupported_audio and not self._has_logged_unsupported_audio:
            self._has_logged_unsupported_audio = True
            _log.warning(
                "%s: audio is not recorded: %s",
                self._camera.id,
                self._source.counts.unsupported_audio,
            )
        self._live.set(1)
        if self._loop is not None:
            self._loop.unreachable.discard(self._camera.id)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, SourceError):
            _log.error(
                "%s: pulling failed because of a software fault; it restarts",
                self._camera.id,
                exc_info=error,
            )
            metrics.JOB_FAILURES.labels(self._camera.id, "pull").inc()
            error = SourceUnreachable(
                "a software fault of Sightline: {kind}", Why.FAILED, kind=type(error).__name__
            )
        metrics.RECONNECTS.labels(self._camera.id, error.state.value).inc()
        self._state_publisher.log_error(error)
        self._health.failed(error, self._now())
        self._reconnects += 1

    def _now(self) -> Moment:
        return Moment(self._clock.monotonic_s(), self._clock.steady_ns())

    def _media_s(self) -> float:
        """Return for how long the last connection delivered packets, in seconds."""
        first_s = self._session.first_s
        return 0.0 if first_s is None else self._clock.monotonic_s() - first_s


def _ms(time_ns: int | None) -> int | None:
    return None if time_ns is None else time_ns // NS_PER_MS
