"""One viewer without a network: what it is sent, and what its messages do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pylibsrtp
import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtpPacket,
    pack_remb_fci,
)

from api.webrtc.congestion.control import FIRST_PICTURES_S
from api.webrtc.congestion.pacer import NARROW, PACED_BURST, REPEATED
from api.webrtc.congestion.receiver_reports import FIRST_ROUND_TRIP_S, LOSS_WINDOW_S
from api.webrtc.congestion.recovery import RETURN_AFTER_S
from api.webrtc.congestion.retransmission import AGAIN_BURST, AGAIN_PART
from api.webrtc.ice_session import CONSENT_S, MAX_PATHS
from api.webrtc.pictures import Picture
from api.webrtc.protocols import stun
from api.webrtc.protocols.dtls import DtlsIdentity
from api.webrtc.protocols.packetiser import MAX_PAYLOAD_BYTES
from api.webrtc.protocols.rtcp import is_rtcp
from api.webrtc.sdp import SEND_TIME_URI, SdpOffer
from api.webrtc.sound_session import SoundSession
from api.webrtc.sound_stream import SoundStream, SoundUnit
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import Runs, UdpPath
from api.webrtc.viewer_session import (
    CONNECT_WITHIN_S,
    SessionLimits,
    ViewerSession,
    Viewing,
)
from domain.clock import ManualClock
from domain.errors import BadInput, StoreError
from domain.media.held_gop import MemoryLimit
from domain.media.viewer_metrics import LIVE_NARROW_PATHS, LIVE_SKIPPED
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


@pytest.fixture
def world() -> World:
    return World()


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


def test_sound_is_protected_with_the_keys_of_the_viewer() -> None:
    sound = SoundSession(SoundStream("gate"), {"PCMA": 8}, None)
    world = World(sound=sound)
    unit = SoundUnit("PCMA", (b"a" * 160,), 8000, world.clock.wall_ns())
    world.session.on_sound(unit)
    assert not world.wire.sent, "the viewer is not connected"
    world.connect()
    world.put(1)
    world.session.on_sound(unit)
    world.session.on_sound(None)
    received = world.received()
    heard = [one for one in received if one.ssrc == sound.ssrc]
    pictures = [one for one in received if one.ssrc == world.session.ssrc]
    assert [(one.payload_type, one.payload, one.timestamp) for one in heard] == [
        (8, b"a" * 160, 8000)
    ]
    assert numbers(pictures) == [0]


def test_a_new_viewer_is_sent_the_held_pictures_and_then_each_new_one(world: World) -> None:
    world.put(30)
    world.connect()
    world.put(10)
    packets = world.received()
    assert numbers(packets) == list(range(25, 40))
    assert_one_stream(packets)


def test_what_the_kernel_has_no_room_for_is_sent_later(world: World) -> None:
    world.connect()
    world.wire.room = 4
    world.put(3)
    assert len(world.wire.sent) == 4
    world.wire.room = 1 << 30
    world.put(1)
    packets = world.received()
    assert numbers(packets) == [0, 1, 2, 3]
    assert_one_stream(packets)


def test_a_viewer_that_is_too_slow_continues_at_a_keyframe(world: World) -> None:
    before = LIVE_SKIPPED.labels("gate", "viewer")._value.get()
    world.connect()
    world.put(2)
    world.wire.room = 0
    world.put(60)
    world.wire.room = 1 << 30
    world.put(1)
    packets = world.received()
    assert numbers(packets) == [0, 1, 2, *range(50, 63)]
    assert_one_stream(packets)
    assert LIVE_SKIPPED.labels("gate", "viewer")._value.get() - before == 47


def test_a_group_of_pictures_that_is_not_held_is_sent_while_it_arrives() -> None:
    world = World()
    world.stream = MediaStream("gate", False, MemoryLimit(10_000))
    world.session.stream = world.stream
    world.connect()
    world.put(30)
    packets = world.received()
    assert numbers(packets) == list(range(30))
    assert_one_stream(packets)


def test_a_viewer_that_loses_much_waits_for_a_keyframe() -> None:
    world = World(has_substream=False)
    world.connect()
    world.put(3)
    world.report_loss(0.3)
    world.put(1)
    world.report_loss(0.3)
    world.put(30)
    packets = world.received()
    assert numbers(packets) == [0, 1, 2, 3, *range(25, 34)]
    assert_one_stream(packets)
    assert world.wishes == []
    assert world.session.skipped == 21


def test_a_viewer_that_loses_much_needs_the_sub_stream_and_is_sent_nothing_up_to_its_keyframe(
    world: World,
) -> None:
    world.connect()
    world.put(3)
    world.report_loss(0.3)
    world.report_loss(0.3)
    assert world.wishes == [True]
    world.put(2)
    assert numbers(world.received()) == [0, 1, 2]


def test_a_viewer_whose_path_is_too_narrow_is_sent_pictures_up_to_the_sub_stream(
    world: World,
) -> None:
    before = LIVE_NARROW_PATHS.labels("estimate")._value.get()
    world.connect()
    world.put(4 * GOP)
    stream_bits_per_s = world.stream.history.bits_per_s
    assert stream_bits_per_s == pytest.approx(8 * 25 * 3005, rel=0.01)
    world.estimate(1.5 * stream_bits_per_s)
    for _ in range(2):
        world.clock.advance(1)
        world.estimate(0.6 * stream_bits_per_s)
    assert world.wishes == [True]
    world.put(1)
    assert numbers(world.received())[-1] == 4 * GOP
    for part in (0.5, 0.5, 0.4, 0.4):
        world.clock.advance(1)
        world.estimate(part * stream_bits_per_s)
    assert world.wishes == [True] * 3, "it is asked for again while it is not there"
    assert LIVE_NARROW_PATHS.labels("estimate")._value.get() == before
    for is_sub in (True, False, True):
        world.session.move_to(MediaStream("gate", is_sub, MemoryLimit(64 << 20)))
    assert LIVE_NARROW_PATHS.labels("estimate")._value.get() - before == 1


def test_packets_have_the_time_at_which_they_were_sent() -> None:
    world = World(send_time_id=3)
    world.connect()
    world.put(1)
    ids = HeaderExtensionsMap()
    ids.configure(
        RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(3, SEND_TIME_URI)])
    )
    packets = [
        RtpPacket.parse(world.receiving.unprotect(data), ids)
        for data in world.wire.sent
        if not is_rtcp(data)
    ]
    now = int(world.clock.monotonic_s() * (1 << 18)) & 0xFFFFFF
    assert [one.extensions.abs_send_time for one in packets] == [now] * len(packets)


def test_a_viewer_that_loses_little_on_the_sub_stream_gets_the_main_stream_back(
    world: World,
) -> None:
    world.connect()
    world.put(GOP)
    world.report_loss(0.3)
    world.report_loss(0.3)
    assert world.wishes == [True]
    main, world.stream = world.stream, MediaStream("gate", True, MemoryLimit(64 << 20))
    world.session.move_to(world.stream)
    assert world.session.is_reduced
    world.put(1)
    for _ in range(int(RETURN_AFTER_S / LOSS_WINDOW_S)):
        world.report_loss(0.0)
    assert world.wishes == [True]
    world.report_loss(0.0)
    assert world.wishes == [True, False]
    world.session.move_to(main)
    assert not world.session.is_reduced


def test_what_a_viewer_on_a_narrow_path_is_sent_is_divided_over_time(world: World) -> None:
    world.connect()
    world.put(GOP)
    world.report_loss(0.3)
    world.report_loss(0.3)
    world.stream = MediaStream("gate", True, MemoryLimit(64 << 20))
    world.session.move_to(world.stream)
    world.received()
    for number in range(GOP):
        unit = b"\x65" + number.to_bytes(2, "big") + b"p" * 3000
        world.stream.history.put(
            Picture((unit,), TICKS + 3600 * number, world.clock.wall_ns(), number == 0)
        )
    packets, began_s = [], world.clock.monotonic_s()
    per_s = NARROW.least_bits_per_s / (8 * MAX_PAYLOAD_BYTES)
    while world.session.pump():
        packets += world.received()
        assert len(packets) <= PACED_BURST + per_s * (world.clock.monotonic_s() - began_s)
        world.clock.advance(0.05)
    packets += world.received()
    assert numbers(packets) == list(range(GOP))
    assert_one_stream(packets)
    assert world.clock.monotonic_s() - began_s > 1.5


def test_first_pictures_that_the_path_drops_are_sent_again_over_time(world: World) -> None:
    world.put(GOP)
    world.connect()
    while world.session.pump():
        """The held pictures are sent at once."""
    first = world.taken()
    few = first[: len(first) // 10]
    world.nack(few)
    assert world.taken() == few, "few losses are repaired as usual"
    world.nack(first[3:])
    assert world.taken() == [], "they would be dropped again"
    packets, began_s = [], world.clock.monotonic_s()
    per_s = REPEATED.least_bits_per_s / (8 * MAX_PAYLOAD_BYTES)
    while world.session.pump():
        packets += world.received()
        assert len(packets) <= PACED_BURST + per_s * (world.clock.monotonic_s() - began_s)
        world.clock.advance(0.01)
        world.say(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=world.session.ssrc))
    packets += world.received()
    assert numbers(packets) == list(range(GOP)), "a request for a keyframe begins nothing again"
    assert world.wishes == []


def watched_by(world: World) -> list[int]:
    """Send all that is due, and return the sequence numbers."""
    while world.session.pump():
        world.clock.advance(0.01)
    return world.taken()


def test_the_sub_stream_is_sent_if_first_pictures_are_dropped_again(world: World) -> None:
    world.put(GOP)
    world.connect()
    world.nack(watched_by(world))
    assert world.wishes == []
    world.nack(watched_by(world))
    assert world.wishes == [True]
    world.put(GOP - 10)
    assert numbers(world.received()) == list(range(GOP, 2 * GOP - 10)), "from the next keyframe on"


def test_first_pictures_are_repeated_once_without_a_sub_stream() -> None:
    world = World(has_substream=False)
    world.put(GOP)
    world.connect()
    sent = [watched_by(world)]
    for _ in range(2):
        world.nack(sent[-1])
        sent.append(watched_by(world))
    assert len(sent[1]) == len(sent[0])
    assert sent[2] == sent[1], "each lost packet is sent again"
    assert world.wishes == []


def test_later_losses_do_not_repeat_the_first_pictures(world: World) -> None:
    world.connect()
    world.put(GOP)
    world.taken()
    world.clock.advance(FIRST_PICTURES_S + 0.1)
    world.put(10)
    lost = world.taken()
    world.nack(lost)
    assert world.taken() == lost
    assert world.wishes == []


def test_a_viewer_that_loses_little_misses_nothing(world: World) -> None:
    world.connect()
    for part in (0.1, 0.15, 0.01, 0.0, 0.3):
        world.put(5)
        world.report_loss(part)
    assert numbers(world.received()) == list(range(25))
    assert world.wishes == []


def test_lost_packets_are_sent_again_up_to_a_limit(world: World) -> None:
    world.connect()
    world.put(5)
    lost = [data for data in world.wire.sent if not is_rtcp(data)][3:6]
    numbers_lost = [int.from_bytes(data[2:4], "big") for data in lost]
    nack = RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=world.session.ssrc, lost=numbers_lost)
    world.wire.sent.clear()
    world.say(nack)
    assert world.wire.sent == lost
    world.wire.sent.clear()
    world.say(nack)
    assert world.wire.sent == [], "the viewer asks again within a round trip"
    for _ in range(700):
        world.clock.advance(FIRST_ROUND_TRIP_S)
        world.say(nack)
    assert len(world.wire.sent) == AGAIN_BURST - 3
    world.wire.sent.clear()
    world.put(5)
    sent = len([data for data in world.wire.sent if not is_rtcp(data)])
    world.wire.sent.clear()
    world.clock.advance(FIRST_ROUND_TRIP_S)
    for _ in range(20):
        world.say(nack)
        world.clock.advance(FIRST_ROUND_TRIP_S)
    assert len(world.wire.sent) == pytest.approx(AGAIN_PART * sent, abs=1)


def test_what_a_viewer_does_not_need_any_more_is_not_sent_again(world: World) -> None:
    world.connect()
    world.put(5)
    lost = [data for data in world.wire.sent if not is_rtcp(data)][3:6]
    numbers_lost = [int.from_bytes(data[2:4], "big") for data in lost]
    nack = RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=world.session.ssrc, lost=numbers_lost)
    world.session.move_to(MediaStream("gate", True, MemoryLimit(64 << 20)))
    world.wire.sent.clear()
    world.say(nack)
    assert world.wire.sent == []


def test_a_request_for_a_keyframe_repeats_the_held_pictures_up_to_a_limit(world: World) -> None:
    world.connect()
    world.put(5)
    for _ in range(100):
        world.say(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=world.session.ssrc))
        world.session.pump()
    packets = world.received()
    assert numbers(packets) == list(range(5)) * 3
    assert_one_stream(packets)
    world.put(1)
    assert numbers(world.received()) == [5]


def test_a_viewer_without_checks_has_vanished(world: World) -> None:
    world.connect()
    world.clock.advance(CONSENT_S - 1)
    world.session.tick()
    assert not world.session.is_over
    world.check()
    world.clock.advance(CONSENT_S - 1)
    world.session.tick()
    assert not world.session.is_over
    world.clock.advance(2)
    world.session.tick()
    assert world.session.has_left


def test_a_viewer_that_does_not_connect_ends_with_the_cause(world: World) -> None:
    world.clock.advance(CONNECT_WITHIN_S + 1)
    world.session.tick()
    assert isinstance(world.session.ended, StoreError)
    assert "UDP" in str(world.session.ended)


def test_a_check_that_is_not_authentic_is_not_answered(world: World) -> None:
    assert not world.check(password="another")
    assert world.wire.sent == []


def test_a_flood_of_checks_is_answered_up_to_a_limit(world: World) -> None:
    assert sum(world.check() for _ in range(1000)) == 100
    assert len(world.wire.sent) == 100


def test_addresses_of_one_viewer_are_bounded(world: World) -> None:
    paths = [UdpPath("192.0.2.7", port, ("192.0.2.7", port), ()) for port in range(1, 20)]
    assert sum(world.check(path=path) for path in paths) == MAX_PATHS


def test_new_credentials_replace_the_former_ones_when_they_are_used(world: World) -> None:
    former = world.session.ice.credentials
    world.session.ice.restarted = former.__class__("server", "q" * 32)
    assert world.check(password="q" * 32)
    assert world.session.ice.credentials.password == "q" * 32
    assert world.session.ice.restarted is None
    assert not world.check(password=former.password)


def test_a_goodbye_ends_the_session(world: World) -> None:
    world.connect()
    world.say(RtcpRrPacket(ssrc=1))
    assert not world.session.is_over
    world.say(RtcpByePacket(sources=[1]))
    assert world.session.has_left


def test_rtcp_that_is_not_authentic_changes_nothing(world: World) -> None:
    world.connect()
    for data in (b"\x80\xc9", bytes(RtcpByePacket(sources=[1])), bytes(1400)):
        with pytest.raises(BadInput):
            world.session.on_rtcp(data)
    assert not world.session.is_over
    assert isinstance(world.sending, pylibsrtp.Session)
