"""A viewer whose path loses packets or is too narrow: what is sent again, later, or not at all."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtcpPsfbPacket

from api.webrtc.congestion.control import FIRST_PICTURES_S, CongestionControl
from api.webrtc.congestion.pacer import NARROW, PACED_BURST, REPEATED
from api.webrtc.congestion.policy import CongestionAction
from api.webrtc.congestion.receiver_reports import FIRST_ROUND_TRIP_S, LOSS_WINDOW_S
from api.webrtc.congestion.recovery import RETURN_AFTER_S
from api.webrtc.congestion.retransmission import AGAIN_BURST, AGAIN_PART
from api.webrtc.pictures import Picture
from api.webrtc.protocols.packetiser import MAX_PAYLOAD_BYTES
from api.webrtc.protocols.rtcp import ReceiverReport, RtcpFeedback
from api.webrtc.stream import MediaStream
from domain.media.held_gop import MemoryLimit
from domain.media.viewer_metrics import LIVE_NARROW_PATHS, LIVE_SKIPPED
from tests.api.webrtc.viewer_world import GOP, TICKS, World, assert_one_stream, numbers


def lose_much(world: World) -> None:
    """Report losses after which the viewer needs another stream."""
    world.report_loss(0.3)
    world.report_loss(0.3)


def sub_stream() -> MediaStream:
    return MediaStream("gate", True, MemoryLimit(64 << 20))


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
    lose_much(world)
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


def test_a_viewer_that_loses_little_on_the_sub_stream_gets_the_main_stream_back(
    world: World,
) -> None:
    world.connect()
    world.put(GOP)
    lose_much(world)
    assert world.wishes == [True]
    main, world.stream = world.stream, sub_stream()
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
    lose_much(world)
    world.stream = sub_stream()
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


def test_a_viewer_that_requests_much_again_without_end_waits_for_keyframes() -> None:
    """Without a smaller stream, the receiver reports decide after the first pictures."""
    path, found = CongestionControl(), list[CongestionAction]()
    for number in range(250):
        now_s, sent, lost = number / 25, 4 * (number + 1), number + 1
        path.on_sent(4, now_s)
        report = ReceiverReport(lost, sent, 0, 0, 0.0)
        lost_part = path.measure(RtcpFeedback(report=report), now_s)
        found.append(path.on_requested([sent], now_s, has_smaller=False))
        found += path.actions(RtcpFeedback(report=report), lost_part, 1e6, now_s, False)
    assert found.count(CongestionAction.REPEAT) == 1
    assert found.count(CongestionAction.WAIT_FOR_KEYFRAME) > 4


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
    lost = world.taken()[3:6]
    world.nack(lost)
    assert world.taken() == lost
    world.nack(lost)
    assert world.taken() == [], "the viewer asks again within a round trip"
    for _ in range(700):
        world.clock.advance(FIRST_ROUND_TRIP_S)
        world.nack(lost)
    assert len(world.taken()) == AGAIN_BURST - 3
    world.put(5)
    sent = len(world.taken())
    world.clock.advance(FIRST_ROUND_TRIP_S)
    for _ in range(20):
        world.nack(lost)
        world.clock.advance(FIRST_ROUND_TRIP_S)
    assert len(world.taken()) == pytest.approx(AGAIN_PART * sent, abs=1)


def test_what_a_viewer_does_not_need_any_more_is_not_sent_again(world: World) -> None:
    world.connect()
    world.put(5)
    lost = world.taken()[3:6]
    world.session.move_to(sub_stream())
    world.nack(lost)
    assert world.taken() == []
