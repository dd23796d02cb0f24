"""One viewer: its end of ICE, DTLS, SRTP and RTCP, and what it is sent. It has no timer and no
task: the server calls it for each datagram, for each new frame, and several times a second.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.limits.rate_limits import TokenBuckets
from api.webrtc.congestion.control import CongestionControl
from api.webrtc.congestion.policy import CongestionAction
from api.webrtc.frame_history import RtpFrame
from api.webrtc.ice_session import IceSession
from api.webrtc.protocols import stun
from api.webrtc.protocols.dtls import DtlsIdentity, DtlsServer
from api.webrtc.protocols.rtcp import (
    RtcpFeedback,
    goodbye,
    ntp_of,
    read_feedback,
    sender_report,
)
from api.webrtc.protocols.srtp import SrtcpSession, rtp_protection
from api.webrtc.rtp_sender import RtpSender
from api.webrtc.sdp import SdpOffer
from api.webrtc.sound_session import SoundSession
from api.webrtc.sound_stream import SoundUnit
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import Runs, UdpPath
from api.webrtc.viewer_frames import ViewerFrames
from domain.clock import Clock
from domain.errors import BadInput, SightlineError, StoreError
from domain.media.viewer_metrics import (
    LIVE_BYTES,
    LIVE_DATAGRAMS_NOT_SENT,
    LIVE_RETRANSMITTED,
    LIVE_SKIPPED,
)

CONNECT_WITHIN_S = 20.0
BURST_PACKETS = 96
"""What one viewer is sent at a time while it catches up."""
REPORT_EVERY_S = 1.0
ON_TIME_FRAMES = 2
"""A viewer that is behind by more frames catches up."""


class DatagramSender(Protocol):
    def send(self, packets: Sequence[bytes], path: UdpPath, runs: Runs | None = None, /) -> int:
        """Send packets in order, and return how many were accepted (`udp_socket.py`)."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one viewer may ask for, by the second."""

    checks: TokenBuckets
    keyframes: TokenBuckets

    @classmethod
    def of(cls, clock: Clock) -> SessionLimits:
        """Return the limits of all viewers of a process."""
        return cls(TokenBuckets(clock, 20), TokenBuckets(clock, 0.5))


@dataclass(frozen=True, slots=True)
class Viewing:
    """What one viewer watches."""

    session: str
    """The id of the session."""
    camera_id: str
    has_substream: bool


class ViewerSession:
    """Only the event loop of the server may use it. `end` is None while the session lasts."""

    def __init__(
        self,
        viewing: Viewing,
        offer: SdpOffer,
        stream: MediaStream,
        identity: DtlsIdentity,
        sender: DatagramSender,
        limits: SessionLimits,
        clock: Clock,
        on_wish: Callable[[ViewerSession, bool], None],
        sound: SoundSession | None = None,
    ) -> None:
        """`on_wish` is called when the viewer needs the sub-stream (True), or the main stream.
        `sound` is None for a viewer who did not request it.
        """
        self.viewing = viewing
        self.offer = offer
        self.stream = stream
        self.sound = sound
        self.ssrc = secrets.randbits(31) + 1
        self.ice = IceSession(offer.ice_name, clock)
        self.ended: SightlineError | None = None
        self.has_left = False
        """Whether the viewer ended the session, or vanished."""
        self._sender = sender
        self._limits = limits
        self._clock = clock
        self._on_wish = on_wish
        self._dtls = DtlsServer(identity, offer.fingerprint)
        self._dtls_due_s: float | None = None
        self._rtp: RtpSender | None = None
        self._rtcp: SrtcpSession | None = None
        self._opened_s = clock.monotonic_s()
        self._reported_s = float("-inf")
        self._frames = ViewerFrames()
        self._unsent: Sequence[bytes] = ()
        self._is_late = False
        """Whether the last frame was sent while the viewer caught up with the newest one."""
        self._path = CongestionControl()
        self._bytes = LIVE_BYTES.labels(viewing.camera_id)

    @property
    def is_connected(self) -> bool:
        return self._rtp is not None

    @property
    def is_reduced(self) -> bool:
        """Whether it is sent the sub-stream because its path is too narrow for the main stream."""
        return self.stream.is_sub and self._path.recovery.is_reduced

    @property
    def is_over(self) -> bool:
        return self.has_left or self.ended is not None

    @property
    def skipped(self) -> int:
        """How many pictures the viewer was not sent, because it was too slow."""
        return self._frames.missed

    def on_check(self, check: stun.IceCheck, path: UdpPath) -> bool:
        """Answer a connectivity check; return whether it is authentic."""
        if self._limits.checks.take(self.viewing.session):
            return False
        answer = self.ice.answer(check, path)
        if answer is None:
            return False
        self._sender.send([answer], path)
        return True

    def on_dtls(self, data: bytes) -> None:
        """Process a datagram of DTLS from a checked address."""
        if self.ice.path is None:
            return
        self._guarded(lambda: self._send_dtls(self._dtls.receive(data)))
        if self._dtls.has_ended:
            self.has_left = True
        if self._dtls.keys is not None and self._rtp is None and not self.is_over:
            keys = self._dtls.keys
            first = secrets.randbelow(1 << 15)
            number = self.offer.payload_type
            protection = rtp_protection(keys)
            self._rtp = RtpSender(number, self.ssrc, first, protection, self.offer.send_time_id)
            self._rtcp = SrtcpSession(keys)
            if self.sound is not None:
                self.sound.begin(protection)

    def on_rtcp(self, data: bytes) -> None:
        """Process a datagram of RTCP. Raises BadInput if it is not authentic, or damaged."""
        if self._rtcp is None or self._rtp is None:
            raise BadInput("RTCP before the end of the handshake")
        feedback = read_feedback(self._rtcp.unprotect(data), self.ssrc)
        if feedback.has_left:
            self.has_left = True
            return
        self._follow_path(feedback)
        self._repair(feedback, self._rtp)

    def pump(self) -> bool:
        """Send the frames that are due. Return whether more wait, which the caller sends soon."""
        if self.stream.error is not None and not self.is_over:
            self.ended = self.stream.error
        newest = self.stream.history.newest
        if self._rtp is None or self.is_over or newest is None:
            return False
        if self._unsent and not self._send_rest():
            return True
        budget = BURST_PACKETS
        for frame in self._due():
            if budget <= 0:
                return True
            budget -= len(frame.payloads)
            self._send_frame(frame, newest, self._rtp)
            if self._unsent:
                return True
        return False

    def on_sound(self, unit: SoundUnit | None) -> None:
        """Send sound of the camera. None says that it has ended, and the pictures continue."""
        if unit is None or self.sound is None or self.is_over or self._rtcp is None:
            return
        assert self.ice.path is not None
        packets = self.sound.packets(unit)
        sent = self._sender.send(packets, self.ice.path)
        LIVE_DATAGRAMS_NOT_SENT.inc(len(packets) - sent)
        self._bytes.inc(sum(map(len, unit.payloads[:sent])))
        report = self.sound.report(unit, self._clock.monotonic_s())
        if report is not None:
            self._sender.send([self._rtcp.protect(report)], self.ice.path)

    def move_to(self, stream: MediaStream) -> None:
        """Continue with another stream of the camera, from its keyframe on."""
        self.stream = stream
        self._path.begin_stream(stream.is_sub)
        self._forget_sent()
        if self._is_late:
            self._unsent = ()
        if not stream.is_sub:
            self._path.recovery.forget()
        self._frames.move()

    def tick(self) -> None:
        """Do what is due: send the handshake again, or end a session that has no viewer."""
        now_s = self._clock.monotonic_s()
        if self._dtls_due_s is not None and now_s >= self._dtls_due_s:
            self._guarded(lambda: self._send_dtls(self._dtls.on_timeout()))
        if not self.is_connected:
            if now_s - self._opened_s > CONNECT_WITHIN_S:
                self.ended = StoreError(
                    "the viewer did not connect by UDP; if its network blocks that, use the "
                    "WebSocket of the camera instead"
                )
        elif not self.ice.has_consent:
            self.has_left = True

    def close(self) -> None:
        """Say goodbye to a viewer that may still be there."""
        if self.ice.path is None:
            return
        if self._rtcp is not None:
            self._sender.send([self._rtcp.protect(goodbye(self.ssrc))], self.ice.path)
        path = self.ice.path
        self._guarded(lambda: _send_all(self._sender, self._dtls.close(), path))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except SightlineError as error:
            if not self.is_over:
                self.ended = error

    def _send_dtls(self, packets: Sequence[bytes]) -> None:
        assert self.ice.path is not None
        for packet in packets:
            self._sender.send([packet], self.ice.path)
        wait_s = self._dtls.next_timeout_s() if self._dtls.keys is None else None
        self._dtls_due_s = None if wait_s is None else self._clock.monotonic_s() + wait_s

    def _due(self) -> Sequence[RtpFrame]:
        missed = self._frames.missed
        frames = self._frames.due(self.stream.history)
        if self._frames.missed > missed:
            skipped = self._frames.missed - missed
            LIVE_SKIPPED.labels(self.viewing.camera_id, "viewer").inc(skipped)
        return frames

    def _send_frame(self, frame: RtpFrame, newest: RtpFrame, rtp: RtpSender) -> None:
        self._frames.sent(frame)
        now_s = self._clock.monotonic_s()
        packets = rtp.frame(frame, newest, now_s)
        self._path.on_sent(len(packets), now_s)
        self._bytes.inc(frame.size_bytes)
        self._is_late = newest.number - frame.number > ON_TIME_FRAMES
        self._offer(packets, frame.runs)
        if rtp.is_on_time and now_s - self._reported_s >= REPORT_EVERY_S:
            self._reported_s = now_s
            ntp = ntp_of(frame.wall_ns)
            self._path.on_sender_report(ntp, now_s)
            report = sender_report(self.ssrc, ntp, rtp.stamp, rtp.packets, rtp.bytes)
            assert self._rtcp is not None
            assert self.ice.path is not None
            self._sender.send([self._rtcp.protect(report)], self.ice.path)

    def _send_rest(self) -> bool:
        """Send what the kernel had no room for; return whether nothing is left."""
        self._offer(self._unsent)
        return not self._unsent

    def _offer(self, packets: Sequence[bytes], runs: Runs | None = None) -> None:
        """Send as many of these packets as path and kernel have room for, and keep the rest."""
        assert self.ice.path is not None
        room = self._room(len(packets)) if self._path.is_paced(self._is_late) else len(packets)
        if room < len(packets):
            sent = self._sender.send(packets[:room], self.ice.path) if room else 0
        else:
            sent = self._sender.send(packets, self.ice.path, runs)
        self._unsent = packets[sent:] if sent < len(packets) else ()

    def _room(self, packets: int) -> int:
        """Return how many of these packets the path has room for now."""
        rate = self.stream.history.bits_per_s
        return self._path.room(packets, rate, self._clock.monotonic_s())

    def _repair(self, feedback: RtcpFeedback, rtp: RtpSender) -> None:
        """Send lost packets again, or the newest group of pictures."""
        assert self.ice.path is not None
        if feedback.nacked:
            now_s = self._clock.monotonic_s()
            again = rtp.again(self._path.may_send_again(rtp.kept(feedback.nacked), now_s))
            LIVE_RETRANSMITTED.inc(len(again))
            self._sender.send(again, self.ice.path)
        keyframe = self.stream.history.keyframe
        if keyframe is None or not feedback.wants_keyframe or not self._frames.has_begun:
            return
        if self._path.is_paced(self._is_late):
            return  # A keyframe is on its way, and would begin again with each request.
        if not self._limits.keyframes.take(self.viewing.session):
            self._forget_sent()
            self._frames.repeat_from(keyframe)

    def _forget_sent(self) -> None:
        """Send no lost packet again that the viewer does not need any more."""
        if self._rtp is not None:
            self._rtp.forget()

    def _follow_path(self, feedback: RtcpFeedback) -> None:
        """Do what reports of lost packets, and of what the path carries, lead to."""
        history, now_s = self.stream.history, self._clock.monotonic_s()
        lost_part = self._path.measure(feedback, now_s)
        if history.newest is None or not self._frames.has_begun:
            return
        has_smaller = self.viewing.has_substream and not self.stream.is_sub
        if feedback.nacked and self._rtp is not None:
            sequences = self._rtp.kept(feedback.nacked)
            self._act(self._path.on_requested(sequences, now_s, has_smaller), history.newest)
        rate = history.bits_per_s
        for action in self._path.actions(feedback, lost_part, rate, now_s, has_smaller):
            self._act(action, history.newest)

    def _act(self, action: CongestionAction, newest: RtpFrame) -> None:
        if action in (CongestionAction.WAIT_FOR_KEYFRAME, CongestionAction.STOP_AND_REDUCE):
            self._frames.wait_for_keyframe(newest.number + 1)
            self._forget_sent()
            self._unsent = ()
        elif action is CongestionAction.REPEAT and self.stream.history.keyframe is not None:
            self._frames.repeat_from(self.stream.history.keyframe)
            self._forget_sent()
            self._unsent = ()
        if action.is_reduction:
            self._on_wish(self, True)
        elif action is CongestionAction.RETURN:
            self._on_wish(self, False)


def _send_all(sender: DatagramSender, packets: Sequence[bytes], path: UdpPath) -> None:
    for packet in packets:
        sender.send([packet], path)
