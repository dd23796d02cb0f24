"""One viewer without a network: what it is sent, and what its messages do."""

from __future__ import annotations

import pylibsrtp
import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtcpByePacket, RtcpPsfbPacket, RtcpRrPacket, RtpPacket

from api.webrtc.ice_session import CONSENT_S, MAX_PATHS
from api.webrtc.protocols.rtcp import is_rtcp
from api.webrtc.sdp import SEND_TIME_URI
from api.webrtc.sound_session import SoundSession
from api.webrtc.sound_stream import SoundStream, SoundUnit
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import UdpPath
from api.webrtc.viewer_session import CONNECT_WITHIN_S
from domain.errors import BadInput, StoreError
from domain.media.held_gop import MemoryLimit
from tests.api.webrtc.viewer_world import World, assert_one_stream, numbers


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


def test_a_group_of_pictures_that_is_not_held_is_sent_while_it_arrives() -> None:
    world = World()
    world.stream = MediaStream("gate", False, MemoryLimit(10_000))
    world.session.stream = world.stream
    world.connect()
    world.put(30)
    packets = world.received()
    assert numbers(packets) == list(range(30))
    assert_one_stream(packets)


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
