"""A batch contains the same packets as single packets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.media.fanout import Fanout
from domain.media.packet_batch import count_packets, newest_packet, single_packets
from domain.media.packets import Packet, StreamInfo, WallSource
from tests.recorded import as_read, run_of

STREAM = StreamInfo("gate", "h264", 1280, 720, Fraction(1, 90_000), b"", 1)
NALS = st.lists(
    st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4), min_size=1, max_size=8
)


def _packets(pictures: list[list[bytes]], sender_ns: int | None = None) -> list[Packet]:
    made = []
    for number, nals in enumerate(pictures):
        pts, starts = (
            3600 * number,
            [sum(4 + len(one) for one in nals[:at]) for at in range(len(nals))],
        )
        packet = Packet(
            STREAM,
            b"".join(b"\0\0\0\1" + one for one in nals),
            pts,
            pts,
            3600,
            False,
            7 + number,
            WallSource.RECEIVER,
            9,
        )
        sender = None if sender_ns is None else sender_ns + packet.pts_ns
        made.append(replace(packet, starts=starts, sender_wall_ns=sender))
    return made


@settings(deadline=None)
@given(NALS, st.one_of(st.none(), st.integers(0, 1 << 60)))
def test_its_packets_come_out_as_they_went_in(
    pictures: list[list[bytes]], sender_ns: int | None
) -> None:
    packets = _packets(pictures, sender_ns)
    run = run_of(packets)
    assert list(single_packets([packets[0], run])) == [packets[0], *packets]
    assert newest_packet([run]) == replace(packets[-1], starts=())
    assert (count_packets([run, packets[0]]), len(run.data)) == (
        len(packets) + 1,
        sum(len(packet.data) for packet in packets),
    )


@settings(deadline=None)
@given(NALS)
def test_starts_that_are_not_all_known_are_left_out(pictures: list[list[bytes]]) -> None:
    packets = _packets(pictures)
    packets[-1] = replace(packets[-1], starts=())
    assert list(run_of(packets).packets()) == [replace(packet, starts=()) for packet in packets]


def test_taps_and_new_viewers_get_single_packets() -> None:
    first, *others = _packets([[b"x" * 10]] * 30)
    packets = [replace(first, is_keyframe=True), *others]
    fanout = Fanout()
    tap = fanout.open("live")
    fanout.put(*as_read(packets))
    assert tap.take(0) == packets
    assert fanout.open("late", from_held=True).take(0) == packets


def test_what_is_held_is_counted_in_packets() -> None:
    first, *others = _packets([[b"x" * 10]] * 30)
    fanout = Fanout(held_packets=29)
    fanout.put(replace(first, is_keyframe=True), run_of(others))
    assert fanout.open("late", from_held=True).take(0) == []
