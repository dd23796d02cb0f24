"""A fan-out holds the packets since the last keyframe for new viewers, within bounds."""

from __future__ import annotations

from fractions import Fraction

from domain.media.fanout import Fanout, Tap
from domain.media.packets import Packet, StreamInfo, WallSource

INFO = StreamInfo("gate", "h264", 320, 240, Fraction(1, 90_000), b"", 1)


def packet_of(number: int, size_bytes: int = 100, gop: int = 10) -> Packet:
    return Packet(
        INFO,
        b"x" * size_bytes,
        number,
        number,
        1,
        number % gop == 0,
        number,
        WallSource.RECEIVER,
        number,
    )


def numbers(tap: Tap) -> list[int]:
    return [packet.pts for packet in tap.take(0)]


def test_a_tap_from_the_held_packets_begins_at_the_last_keyframe_and_goes_on() -> None:
    fanout = Fanout()
    for number in range(15):
        fanout.put(packet_of(number))
    held, plain = fanout.open("live", from_held=True), fanout.open("live")
    for number in range(15, 22):
        fanout.put(packet_of(number))
    assert numbers(held) == list(range(10, 22))
    assert numbers(plain) == [20, 21]


def test_what_passes_the_bounds_is_not_held() -> None:
    by_count, by_size = Fanout(held_packets=5), Fanout(held_bytes=450)
    for number in range(8):
        by_count.put(packet_of(number))
        by_size.put(packet_of(number))
    assert numbers(by_count.open("live", from_held=True)) == []
    assert numbers(by_size.open("live", from_held=True)) == []
    by_count.put(packet_of(10))
    assert numbers(by_count.open("live", from_held=True)) == [10]


def test_nothing_is_held_before_a_keyframe_or_after_the_end() -> None:
    fanout = Fanout()
    fanout.put(packet_of(1))
    assert numbers(fanout.open("live", from_held=True)) == []
    fanout.put(packet_of(10))
    fanout.close_all()
    assert numbers(fanout.open("live", from_held=True)) == []


def test_nothing_is_held_of_a_connection_that_is_over() -> None:
    fanout = Fanout()
    for number in range(15):
        fanout.put(packet_of(number))
    fanout.forget()
    for number in range(15, 22):
        fanout.put(packet_of(number))
    assert numbers(fanout.open("live", from_held=True)) == [20, 21]
