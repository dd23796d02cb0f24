"""One viewer: its end of ICE, DTLS, SRTP and RTCP, and what it is sent. It has no timer and no
task: the server calls it for each datagram, for each new frame, and several times a second.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.limits.rate_limits import TokenBuckets
from api.webrtc import stun
from api.webrtc.dtls import DtlsIdentity, DtlsServer
from api.webrtc.frame_history import RtpFrame
from api.webrtc.rtcp import (
    ReceiverReport,
    RtcpFeedback,
    goodbye,
    ntp_of,
    read_feedback,
    sender_report,
)
from api.webrtc.rtp_sender import RtpSender
from api.webrtc.sdp import IceCredentials, SdpOffer
from api.webrtc.srtp import SrtcpSession, rtp_protection
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import Runs, UdpPath
from domain.clock import Clock
from domain.errors import BadInput, SightlineError, StoreError
from domain.metrics import LIVE_BYTES, LIVE_RETRANSMITTED, LIVE_SKIPPED

CONNECT_WITHIN_S = 20.0
CONSENT_S = 10.0
"""A viewer that sends no valid check for so long has vanished (RFC 7675: at most 30 s)."""
BURST_PACKETS = 96
"""What one viewer is sent at a time while it catches up."""
REPORT_EVERY_S = 1.0
HIGH_LOSS = 0.2
"""A viewer that loses this part of the packets twice in succession cannot keep up."""
SLOW_WITHIN_S = 30.0
MAX_PATHS = 8


class DatagramSender(Protocol):
    def send(self, packets: Sequence[bytes], path: UdpPath, runs: Runs | None = None, /) -> int:
        """Send packets in order, and return how many were accepted (`udp_socket.py`)."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one viewer may ask for, by the second."""

    checks: TokenBuckets
    packets_again: TokenBuckets
    keyframes: TokenBuckets

    @classmethod
    def of(cls, clock: Clock) -> SessionLimits:
        """Return the limits of all viewers of a process."""
        return cls(TokenBuckets(clock, 20), TokenBuckets(clock, 300), TokenBuckets(clock, 0.5))


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
        on_slow: Callable[[], None],
    ) -> None:
        self.viewing = viewing
        self.offer = offer
        self.stream = stream
        self.ssrc = secrets.randbits(31) + 1
        self.credentials = new_credentials()
        self.peer_name = offer.ice_name
        """The user name fragment of the viewer."""
        self.restarted: IceCredentials | None = None
        """The credentials after a restart of ICE, until the viewer uses them."""
        self.ended: SightlineError | None = None
        self.has_left = False
        """Whether the viewer ended the session, or vanished."""
        self._sender = sender
        self._limits = limits
        self._clock = clock
        self._on_slow = on_slow
        self._dtls = DtlsServer(identity, offer.fingerprint)
        self._dtls_due_s: float | None = None
        self._rtp: RtpSender | None = None
        self._rtcp: SrtcpSession | None = None
        self._path: UdpPath | None = None
        self._paths: set[tuple[str | int, ...]] = set()
        self._opened_s = self._checked_s = clock.monotonic_s()
        self._reported_s = float("-inf")
        self._next_frame: int | None = None
        """The number of the next frame to send; None to wait for a keyframe."""
        self._missed_from: int | None = None
        """The number of the first frame that the viewer missed, while it waits for a keyframe."""
        self._unsent: Sequence[bytes] = ()
        self._lossy_reports = 0
        self._slow_s = float("-inf")
        self._bytes = LIVE_BYTES.labels(viewing.camera_id)

    @property
    def is_connected(self) -> bool:
        return self._rtp is not None

    @property
    def is_over(self) -> bool:
        return self.has_left or self.ended is not None

    def on_check(self, check: stun.IceCheck, path: UdpPath) -> bool:
        """Answer a connectivity check; return whether it is authentic."""
        if self._limits.checks.take(self.viewing.session):
            return False
        restarted = self.restarted
        if restarted is not None and check.to == restarted.name:
            password = restarted.password
        else:
            password = self.credentials.password
        if not check.is_signed_with(password):
            return False
        if path.raw not in self._paths and len(self._paths) >= MAX_PATHS:
            return False
        if restarted is not None and check.to == restarted.name:
            self.credentials, self.restarted = restarted, None
        self._checked_s = self._clock.monotonic_s()
        self._paths.add(path.raw)
        if self._path is None or check.nominates:
            self._path = path
        self._sender.send([stun.success(check, path.host, path.port, password)], path)
        return True

    def on_dtls(self, data: bytes) -> None:
        """Process a datagram of DTLS from a checked address."""
        if self._path is None:
            return
        self._guarded(lambda: self._send_dtls(self._dtls.receive(data)))
        if self._dtls.has_ended:
            self.has_left = True
        if self._dtls.keys is not None and self._rtp is None and not self.is_over:
            keys = self._dtls.keys
            first = secrets.randbelow(1 << 15)
            number = self.offer.payload_type
            self._rtp = RtpSender(number, self.ssrc, first, rtp_protection(keys))
            self._rtcp = SrtcpSession(keys)

    def on_rtcp(self, data: bytes) -> None:
        """Process a datagram of RTCP. Raises BadInput if it is not authentic, or damaged."""
        if self._rtcp is None or self._rtp is None:
            raise BadInput("RTCP before the end of the handshake")
        feedback = read_feedback(self._rtcp.unprotect(data), self.ssrc)
        if feedback.has_left:
            self.has_left = True
            return
        if feedback.report is not None:
            self._judge(feedback.report)
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

    def move_to(self, stream: MediaStream) -> None:
        """Continue with another stream of the camera, from its keyframe on."""
        self.stream = stream
        self._next_frame = self._missed_from = None

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
        elif now_s - self._checked_s > CONSENT_S:
            self.has_left = True

    def close(self) -> None:
        """Say goodbye to a viewer that may still be there."""
        if self._path is None:
            return
        if self._rtcp is not None:
            self._sender.send([self._rtcp.protect(goodbye(self.ssrc))], self._path)
        path = self._path
        self._guarded(lambda: _send_all(self._sender, self._dtls.close(), path))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except SightlineError as error:
            if not self.is_over:
                self.ended = error

    def _send_dtls(self, packets: Sequence[bytes]) -> None:
        assert self._path is not None
        for packet in packets:
            self._sender.send([packet], self._path)
        wait_s = self._dtls.next_timeout_s() if self._dtls.keys is None else None
        self._dtls_due_s = None if wait_s is None else self._clock.monotonic_s() + wait_s

    def _due(self) -> Sequence[RtpFrame]:
        """Return the held frames that the viewer has not been sent. One that missed a frame
        continues at the newest keyframe.
        """
        history = self.stream.history
        if self._next_frame is not None:
            frames = history.since(self._next_frame)
            if not frames or frames[0].number == self._next_frame:
                return frames
            self._next_frame, self._missed_from = None, self._next_frame
        keyframe = history.keyframe
        if keyframe is None or keyframe.number < (self._missed_from or 0):
            return ()
        if self._missed_from is not None:
            missed, self._missed_from = keyframe.number - self._missed_from, None
            LIVE_SKIPPED.labels(self.viewing.camera_id, "viewer").inc(missed)
        return history.since(keyframe.number)

    def _send_frame(self, frame: RtpFrame, newest: RtpFrame, rtp: RtpSender) -> None:
        self._next_frame = frame.number + 1
        packets = rtp.frame(frame, newest)
        self._bytes.inc(frame.size_bytes)
        assert self._path is not None
        sent = self._sender.send(packets, self._path, frame.runs)
        self._unsent = packets[sent:] if sent < len(packets) else ()
        now_s = self._clock.monotonic_s()
        if rtp.is_on_time and now_s - self._reported_s >= REPORT_EVERY_S:
            self._reported_s = now_s
            report = sender_report(
                self.ssrc, ntp_of(frame.wall_ns), rtp.stamp, rtp.packets, rtp.bytes
            )
            assert self._rtcp is not None
            self._sender.send([self._rtcp.protect(report)], self._path)

    def _send_rest(self) -> bool:
        """Send what the kernel had no room for; return whether nothing is left."""
        assert self._path is not None
        self._unsent = self._unsent[self._sender.send(self._unsent, self._path) :]
        return not self._unsent

    def _repair(self, feedback: RtcpFeedback, rtp: RtpSender) -> None:
        """Send lost packets again, or the newest group of pictures."""
        assert self._path is not None
        name = self.viewing.session
        nacked = [one for one in feedback.nacked if not self._limits.packets_again.take(name)]
        if nacked:
            again = rtp.again(nacked)
            LIVE_RETRANSMITTED.inc(len(again))
            self._sender.send(again, self._path)
        keyframe = self.stream.history.keyframe
        is_possible = keyframe is not None and self._next_frame is not None
        if feedback.wants_keyframe and is_possible and not self._limits.keyframes.take(name):
            assert keyframe is not None
            self._next_frame = keyframe.number

    def _judge(self, report: ReceiverReport) -> None:
        """Let a viewer that loses many packets wait for a keyframe; the next time, ask for the
        sub-stream.
        """
        self._lossy_reports = self._lossy_reports + 1 if report.lost_part >= HIGH_LOSS else 0
        newest = self.stream.history.newest
        if self._lossy_reports < 2 or newest is None or self._next_frame is None:
            return
        self._lossy_reports = 0
        now_s = self._clock.monotonic_s()
        is_again, self._slow_s = now_s - self._slow_s < SLOW_WITHIN_S, now_s
        self._next_frame, self._missed_from = None, newest.number + 1
        if is_again and self.viewing.has_substream:
            self._on_slow()


def _send_all(sender: DatagramSender, packets: Sequence[bytes], path: UdpPath) -> None:
    for packet in packets:
        sender.send([packet], path)


def new_credentials() -> IceCredentials:
    """Return random credentials of this end of ICE (RFC 8445, 5.3)."""
    return IceCredentials(secrets.token_hex(8), secrets.token_hex(16))
