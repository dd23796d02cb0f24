"""One connection to a camera in the pull loop, from connecting to playback. It never blocks, and
needs no thread.
"""

from __future__ import annotations

import errno
import secrets
import select
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Protocol

from domain.camera_states import Why
from domain.clock import NS_PER_S
from domain.errors import SourceError, SourceTimeout, SourceUnreachable
from domain.media.packet_batch import PacketOrBatch, newest_pts_ns
from domain.media.packets import AudioPacket
from domain.messages.message import system_reason
from ingest.rtsp import receive_queue
from ingest.rtsp.endpoint import Pull, unreachable
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.read_cadence import TICK_S, ReadCadence
from ingest.rtsp.reader import Playing, Redirect, Talk, UnsupportedStream, start_playback
from ingest.rtsp.session import RtspSession
from ingest.rtsp.silence import ReceivedCounts, Silence
from ingest.rtsp.transport import Interleaved
from ingest.rtsp.udp import Datagrams
from ingest.rtsp.wire import MAX_ANSWER_BYTES, Wire

CHECK_S = 0.5
"""The interval of the periodic work: checks for silence, reports and keep-alive requests."""
_REPORT_S = 5.0
_READS = 2
"""The number of reads at one tick. The rest waits for the next tick, so that a camera that sends
without end delays no other.
"""
End = Exception | Redirect | UnsupportedStream


class PacketSink(Protocol):
    """The receiver of a connection's packets."""

    @property
    def has_waiting_consumer(self) -> bool:
        """Whether a viewer or a decoder waits for the next packet."""

    @property
    def may_need_packets_soon(self) -> bool:
        """Whether a consumer may start to wait because of the packets that it receives."""

    def on_packets(self, received: list[PacketOrBatch], /) -> None: ...

    def on_audio(self, packets: list[AudioPacket], /) -> None: ...


class Connection:
    """One connection from `open` to `close`, or to the single call of `ended` with the reason. All
    methods belong to the loop's thread.
    """

    def __init__(
        self, pull: Pull, loop: PullLoop, sink: PacketSink, ended: Callable[[End], None]
    ) -> None:
        self._pull = pull
        self._loop = loop
        self._clock = loop.clock
        self._sink = sink
        self._ended = ended
        self._sockets = ExitStack()
        self._session = RtspSession(pull.credentials, may_send_basic=pull.may_send_basic)
        self._wire = Wire((0, 1), loop.buffer)
        self._media: Interleaved | Datagrams = Interleaved(self._wire)
        self._talk: Talk
        self._is_open = False
        self._is_connected = self._is_answered = False
        self._cadence = ReadCadence(pull.timeout_s, is_udp=pull.endpoint.transport == "udp")
        self._url = ""
        self._ssrc = secrets.randbits(32)
        self._sounds = 0
        self._silence = Silence(pull.timeout_s, self._clock.monotonic_s())

    def open(self) -> None:
        """Connect. Raises SourceUnreachable if that fails immediately."""
        endpoint = self._pull.endpoint
        family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
        try:
            self._socket = self._sockets.enter_context(self._pull.watchdog.sockets.own(family))
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = self._socket.connect_ex((endpoint.address, endpoint.port))
        except OSError as error:
            self._sockets.close()
            raise SourceUnreachable(
                "no connection can be made: {reason}", reason=system_reason(error)
            ) from None
        self._is_open = True
        if code in (0, errno.EINPROGRESS):
            self._loop.watch_urgently(self._socket, self, self._connected, select.EPOLLOUT)
            self._loop.call_later(CHECK_S, self, self._check_periodically)
        else:
            self._loop.call(self, lambda: self._check(code))

    def leave(self) -> None:
        """Read the waiting data, and close the connection."""
        if self._is_open and self._url:
            self._loop.do(self, self._read_media)
        self.close()

    def close(self) -> None:
        """Close the connection, with TEARDOWN if it can be sent without waiting. `ended` is not
        called afterwards.
        """
        if not self._is_open:
            return
        self._is_open = False
        if self._url:
            with suppress(OSError):
                self._socket.send(self._session.tear_down(self._url))
        for own in (self._socket, *self._datagram_sockets()):
            self._loop.forget(own)
        if isinstance(self._media, Datagrams):
            self._media.close()
        self._sockets.close()

    def failed(self, error: Exception) -> None:
        self._end(error)

    def _end(self, end: End) -> None:
        if self._is_open:
            self.close()
            self._ended(end)

    def _check(self, code: int) -> None:
        if code:
            raise unreachable(self._pull.endpoint, code)

    def _connected(self) -> None:
        self._check(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        self._is_connected = True
        self._loop.forget(self._socket)
        self._loop.watch_urgently(self._socket, self, self._answered, select.EPOLLIN)
        pull = self._pull
        if pull.endpoint.transport == "udp":
            own_address = self._socket.getsockname()[0]
            self._media = Datagrams(
                pull.endpoint.address, own_address, pull.udp_ports, pull.counts, self._loop.buffer
            )
        self._talk = start_playback(
            self._session, pull.endpoint.url(), self._media, pull.camera_id, pull.counts
        )
        self._ask(next(self._talk))

    def _watch_datagrams(self) -> None:
        must_be_read_urgently = (
            isinstance(self._media, Datagrams) and self._media.must_be_read_urgently
        )
        for own in self._datagram_sockets():
            if must_be_read_urgently:
                self._loop.watch_urgently(own, self, self._read_datagrams, select.EPOLLIN)
            else:
                self._loop.watch(own, self, self._read_datagrams)

    def _datagram_sockets(self) -> list[socket.socket]:
        return self._media.sockets if isinstance(self._media, Datagrams) else []

    def _ask(self, request: bytes) -> None:
        self._send(request)
        self._silence.restart(self._clock.monotonic_s(), self._received())

    def _answered(self) -> None:
        """Read answers before playback; the first media may follow them."""
        is_over = self._read()
        answers = self._wire.answers
        while answers and not self._url:
            self._is_answered = True
            if self._session.is_awaited(answer := answers.popleft()):
                try:
                    self._ask(self._talk.send(answer))
                except StopIteration as stop:
                    self._on_outcome(stop.value)
        if self._wire.is_too_long and not self._url:
            kib = MAX_ANSWER_BYTES >> 10
            raise SourceUnreachable(
                "the camera's answer is longer than {kib} KiB", Why.MALFORMED, kib=kib
            )
        if self._wire.garbage_bytes and not self._is_answered:
            raise SourceUnreachable("the camera's answer is not RTSP", Why.NOT_RTSP)
        if is_over and self._is_open:
            raise SourceUnreachable("the camera ended the connection", Why.ENDED)

    def _on_outcome(self, outcome: Redirect | UnsupportedStream | Playing) -> None:
        if not isinstance(outcome, Playing):
            self._end(outcome)
            return
        self._url = outcome.url
        now_s = self._clock.monotonic_s()
        self._cadence.start(now_s, receive_queue.most_waiting_bytes(self._socket))
        self._report_s, self._keep_s = now_s + _REPORT_S, now_s + self._session.keep_alive_s
        self._silence.restart(now_s, self._received())
        self._loop.forget(self._socket)
        self._loop.watch(self._socket, self, self._read_media)
        self._watch_datagrams()
        self._deliver()

    def _read_turn(self) -> None:
        """Read the socket at an interval above one tick."""
        began_s = self._clock.monotonic_s()
        self._read_media()
        self._cadence.read_at(began_s)
        self._do_periodic_work()

    def _read_media(self) -> None:
        """Read the data since the last tick."""
        if isinstance(self._media, Datagrams):
            self._media.read(
                self._clock.monotonic_s()
            )  # datagrams first, because the end of the connection may have overtaken them
        is_over = self._read()
        self._deliver(is_over)
        while self._wire.answers:
            if request := self._session.check_answer(self._wire.answers.popleft(), self._url):
                self._send(request)

    def _read_datagrams(self) -> None:
        if isinstance(self._media, Datagrams):
            self._media.read(self._clock.monotonic_s())
            self._deliver()

    def _deliver(self, is_over: bool = False) -> None:
        """Pass on the complete packets. Raises SourceUnreachable if the stream has ended."""
        video, audio = self._media.video, self._media.audio
        if video is None:
            return
        is_over = is_over or video.is_over
        if is_over:
            self._wire.end(self._media)
            video.units.flush()
        if video.units.ready:
            now_s = self._clock.monotonic_s()
            packets = video.packets(self._clock.steady_ns(), self._clock.stepped_ns)
            if packets:
                self._silence.received_s = self._cadence.arrival_s(
                    newest_pts_ns(packets[-1]), self._silence.received_s, now_s
                )
                self._sink.on_packets(packets)
            else:
                self._silence.received_s = now_s
        if audio is not None and audio.units.ready:
            self._sounds += len(audio.units.ready)
            if sound := audio.packets(self._clock.steady_ns()):
                self._sink.on_audio(sound)
        if is_over:
            raise SourceUnreachable("the camera ended the stream", Why.ENDED)

    def _read(self) -> bool:
        """Read the available data. Return True at the end of the connection."""
        for _ in range(_READS):
            room = self._wire.room()[: self._cadence.most_read_bytes]
            try:
                size = self._socket.recv_into(room)
            except BlockingIOError:
                return False
            except OSError as error:
                raise _failed(error) from None
            self._cadence.received(size)
            self._wire.deliver(size, self._media)
            if size < len(room):
                return size == 0
        self._cadence.overflowed()
        return False

    def _check_periodically(self) -> None:
        """Do the periodic work after each `CHECK_S`; at longer intervals, each read does it."""
        self._do_periodic_work()
        if self._is_open and self._cadence.ticks == 1:
            self._loop.call_later(CHECK_S, self, self._check_periodically)

    def _do_periodic_work(self) -> None:
        if not self._is_open:
            return
        now_s = self._clock.monotonic_s()
        self._check_silence(now_s)
        if self._url:
            self._read_datagrams()  # packets that wait for a lost one
            self._send_periodic(now_s)
            self._update_cadence(now_s)

    def _check_silence(self, now_s: float) -> None:
        """Raise SourceTimeout if the camera has been silent for too long."""
        timeout_s, endpoint = self._pull.timeout_s, self._pull.endpoint
        if self._url:
            self._silence.check_picture(now_s, self._received())
        elif self._is_connected:
            self._silence.check_answer(now_s, self._received(), self._wire.pending_bytes)
        elif now_s - self._silence.received_s > timeout_s:
            raise SourceTimeout(
                "{address}:{port} did not answer within {timeout_s} s",
                Why.NO_ANSWER,
                address=endpoint.address,
                port=endpoint.port,
                timeout_s=timeout_s,
            )

    def _received(self) -> ReceivedCounts:
        """Return what was received so far."""
        garbage_bytes, strange = self._wire.garbage_bytes, self._pull.counts.strange_packets
        video = self._media.video
        if video is None:
            return ReceivedCounts(strange_packets=strange, garbage_bytes=garbage_bytes)
        units = video.units
        return ReceivedCounts(
            units.received_packets,
            units.foreign_packets,
            units.broken_units,
            video.reports,
            self._sounds,
            strange,
            garbage_bytes,
        )

    def read_now(self) -> None:
        """Read now what the kernel holds, if a consumer waits for the next packet."""
        if self._is_open and self._cadence.ticks > 1 and self._sink.has_waiting_consumer:
            self._loop.do(self, self._read_turn)

    def _update_cadence(self, now_s: float) -> None:
        """Have the socket read at another interval where the cadence changed.

        The socket was just read, so a new viewer need not wait for what the kernel held.
        """
        if not self._is_open:
            return
        video = self._media.video
        has_changed = self._cadence.update(
            now_s,
            has_waiting_consumer=self._sink.has_waiting_consumer,
            may_need_packets_soon=self._sink.may_need_packets_soon,
            is_rate_regular=video is not None and video.has_steady_clock,
        )
        if not has_changed:
            return
        ticks = self._cadence.ticks
        for track in (self._media.video, self._media.audio):
            if track is not None:
                track.set_read_interval(0 if ticks == 1 else round(ticks * TICK_S * NS_PER_S))
        if ticks > 1:
            receive_queue.enlarge(self._socket, 2 * self._cadence.waiting_bytes)
            self._loop.read_every(self._socket, ticks, self._read_turn)
            return
        self._loop.read_each_tick(self._socket)
        self._loop.call_later(CHECK_S, self, self._check_periodically)

    def _send_periodic(self, now_s: float) -> None:
        """Send reports and keep-alive requests when they are due."""
        if now_s >= self._report_s:
            self._report_s = now_s + _REPORT_S
            if isinstance(self._media, Datagrams):
                self._media.send_reports(self._ssrc)
            else:
                self._send(b"".join(self._media.reports(self._ssrc)))
        if now_s >= self._keep_s:
            self._keep_s = now_s + self._session.keep_alive_s
            self._send(self._session.keep_alive(self._url))

    def _send(self, data: bytes) -> None:
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise _failed(error) from None
        if sent < len(data):
            raise SourceTimeout("the camera takes nothing")


def _failed(error: OSError) -> SourceError:
    return SourceUnreachable("the connection failed: {reason}", reason=system_reason(error))
