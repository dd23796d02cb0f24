"""A stream, one session of it, and the end of its viewer, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from aiortc.rtp import (
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtpPacket,
    pack_remb_fci,
)

from api.webrtc.congestion.receiver_reports import LOSS_WINDOW_S
from api.webrtc.pictures import Picture
from api.webrtc.protocols import stun
from api.webrtc.protocols.dtls import DtlsIdentity
from api.webrtc.protocols.rtcp import is_rtcp
from api.webrtc.sdp import SdpOffer
from api.webrtc.sound_session import SoundSession
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import Runs, UdpPath
from api.webrtc.viewer_session import SessionLimits, ViewerSession, Viewing
from domain.clock import ManualClock
from domain.media.held_gop import MemoryLimit
from tests.api.webrtc.protocols.test_dtls import Client
from tests.api.webrtc.protocols.test_srtp import viewer as srtp_of
from tests.api.webrtc.protocols.test_stun import check_of

PATH = UdpPath("192.0.2.7", 5000, ("192.0.2.7", 5000), ())
TICKS = 1_760_000_000 * 90_000
GOP = 25


@dataclass
class Wire:
    """What was sent; `room` is how many packets the kernel still accepts."""

    sent: list[bytes] = field(default_factory=list)
    room: int = 1 << 30

    def send(self, packets: Sequence[bytes], path: UdpPath, runs: Runs | None = None) -> int:
        accepted = min(len(packets), self.room)
        self.sent += packets[:accepted]
        self.room -= accepted
        return accepted


class World:
    """A stream, one session of it, and the viewer's end."""

    def __init__(
        self,
        has_substream: bool = True,
        sound: SoundSession | None = None,
        send_time_id: int | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.wire = Wire()
        self.stream = MediaStream("gate", False, MemoryLimit(64 << 20))
        self.client = Client()
        self.wishes: list[bool] = []
        offer = SdpOffer(
            (), 0, 102, "42e01f", (), self.client.fingerprint, "viewer", send_time_id=send_time_id
        )
        self.session = ViewerSession(
            Viewing("session-1", "gate", has_substream),
            offer,
            self.stream,
            DtlsIdentity(self.clock.wall_ns()),
            self.wire,
            SessionLimits.of(self.clock),
            self.clock,
            lambda _, is_sub: self.wishes.append(is_sub),
            sound,
        )
        self._put = self._reported = self._lost = 0

    def put(self, count: int, size: int = 3000) -> None:
        """Add pictures to the stream; every 25th is a keyframe."""
        for _ in range(count):
            number, self._put = self._put, self._put + 1
            unit = b"\x65" + number.to_bytes(2, "big") + b"p" * size
            is_key = number % GOP == 0
            self.stream.history.put(
                Picture((unit,), TICKS + 3600 * number, self.clock.wall_ns(), is_key)
            )
            while self.session.pump() and self.wire.room:
                """The server calls it again and again."""

    def check(self, password: str | None = None, path: UdpPath = PATH) -> bool:
        password = password or self.session.ice.credentials.password
        check = stun.read_check(check_of(password=password))
        return self.session.on_check(check, path)

    def connect(self) -> None:
        assert self.check()
        received: list[bytes] = []
        for _ in range(6):
            sent = self.client.step(received)
            self.wire.sent.clear()
            if sent:
                self.session.on_dtls(sent)
            received = list(self.wire.sent)
        assert self.session.is_connected
        keys = self.session._dtls.keys
        assert keys is not None
        self.receiving = srtp_of(keys)
        self.sending = srtp_of(keys, is_sending=True)
        self.wire.sent.clear()

    def received(self) -> list[RtpPacket]:
        """Return the packets of RTP since the last call."""
        packets = [
            RtpPacket.parse(self.receiving.unprotect(data))
            for data in self.wire.sent
            if not is_rtcp(data)
        ]
        self.wire.sent.clear()
        return packets

    def say(self, packet: object) -> None:
        self.session.on_rtcp(self.sending.protect_rtcp(bytes(packet)))  # type: ignore[call-overload]

    def report_loss(self, part: float) -> None:
        """Report what was lost of the packets of one window."""
        if not self._reported:
            self._report()
        self.clock.advance(LOSS_WINDOW_S)
        self._reported += 100
        self._lost += round(100 * part)
        self._report()

    def _report(self) -> None:
        ssrc = self.session.ssrc
        info = RtcpReceiverInfo(ssrc, 0, self._lost, 1000 + self._reported, 9, 0, 0)
        self.say(RtcpRrPacket(ssrc=1, reports=[info]))

    def taken(self) -> list[int]:
        """Return the sequence numbers of what was sent since the last call, repeated ones too."""
        found = sequences(self.wire.sent)
        self.wire.sent.clear()
        return found

    def nack(self, lost: Sequence[int]) -> None:
        """Request packets again."""
        self.say(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=self.session.ssrc, lost=list(lost)))

    def estimate(self, bits_per_s: float) -> None:
        ssrc = self.session.ssrc
        fci = pack_remb_fci(round(bits_per_s), [ssrc])
        self.say(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci))


def sequences(packets: Sequence[bytes]) -> list[int]:
    """Return the sequence numbers of protected packets of RTP."""
    return [int.from_bytes(one[2:4], "big") for one in packets if not is_rtcp(one)]


def numbers(packets: Sequence[RtpPacket]) -> list[int]:
    """Return the numbers of the pictures, by their last packets."""
    found, first = [], b""
    for packet in packets:
        if packet.payload[1] & 0x80:
            first = packet.payload
        if packet.marker:
            found.append(int.from_bytes(first[2:4], "big"))
    return found


def assert_one_stream(packets: Sequence[RtpPacket]) -> None:
    """No sequence number is missing or sent twice, and no timestamp goes back."""
    for one, later in pairwise(packets):
        assert later.sequence_number == one.sequence_number + 1 & 0xFFFF
        assert (later.timestamp - one.timestamp) % (1 << 32) < 1 << 31
