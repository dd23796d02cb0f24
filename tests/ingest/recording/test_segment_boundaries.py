from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from domain.media.packets import Packet
from ingest.recording.segment_boundaries import BoundaryDecision, SegmentBoundaries, decode_wall_ns
from tests.recorded import B_FRAMES, LONG_GOP, PLAIN, Material, packets_of, run_of

A, S, W = BoundaryDecision.APPEND, BoundaryDecision.START, BoundaryDecision.WAIT


def _places(packets: list[Packet], segment_s: float = 10.0) -> list[BoundaryDecision]:
    cuts = SegmentBoundaries(segment_s)
    return [cuts.place(packet).place for packet in packets]


def _starts(packets: list[Packet], segment_s: float = 10.0) -> list[int]:
    return [number for number, place in enumerate(_places(packets, segment_s)) if place is S]


def _later(packet: Packet, seconds: float, wall_s: float | None = None) -> Packet:
    """The packet, moved in its own time and in wall time (by as much, unless said)."""
    ticks = round(seconds * 90_000)
    wall_ns = packet.wall_ns + round((seconds if wall_s is None else wall_s) * NS_PER_S)
    return replace(packet, pts=packet.pts + ticks, dts=packet.dts + ticks, wall_ns=wall_ns)


@pytest.mark.parametrize(
    ("material", "segment_s", "starts"),
    [
        (PLAIN, 10, [0, 250]),
        (PLAIN, 2, [0, 50, 100, 150, 200, 250]),
        (PLAIN, 1.5, [0, 50, 100, 150, 200, 250]),  # at the keyframe after
        (LONG_GOP, 2, [0, 200]),  # only at keyframes
        (B_FRAMES, 2, [0, 50, 100, 150, 200, 250]),
        (Material(fps=1, gop=3, length=15), 6, [0, 6, 12]),  # a packet a second is no hole
    ],
)
def test_segments_start_at_the_first_keyframe_after_their_length(
    material: Material, segment_s: float, starts: list[int]
) -> None:
    assert _starts(packets_of(material), segment_s) == starts


def test_nothing_is_recorded_before_a_keyframe() -> None:
    assert _places(packets_of(PLAIN)[20:30]) == [W] * 5 + [S] + [A] * 4


def test_a_new_session_starts_a_segment_at_its_first_keyframe() -> None:
    again = packets_of(PLAIN, session=2)
    assert _places(packets_of(PLAIN)[:3] + again[:2]) == [S, A, A, S, A]
    assert _places(packets_of(PLAIN)[:3] + again[23:26]) == [S, A, A, W, W, S]


def test_a_hole_ends_a_segment_and_the_next_keyframe_begins_another() -> None:
    packets = packets_of(PLAIN)
    late = [_later(packet, 3) for packet in packets]
    assert _places(packets[:10] + late[10:27]) == [S] + [A] * 9 + [W] * 15 + [S, A]
    cuts = SegmentBoundaries(10)
    verdicts = [cuts.place(packet) for packet in packets[:20] + late[25:30]]
    assert verdicts[20].place is S
    assert not verdicts[20].joins


def test_a_silence_of_minutes_is_no_part_of_a_segment() -> None:
    packets = packets_of(PLAIN)
    assert _places(packets[:5] + [_later(packet, 120) for packet in packets[23:27]]) == [
        S,
        *[A] * 4,
        W,
        W,
        S,
        A,
    ]


def test_a_camera_that_turns_slow_is_recorded_on_once_that_is_usual() -> None:
    packets = packets_of(LONG_GOP)
    slow = [_later(packet, 4.96 * number) for number, packet in enumerate(packets[50:90])]
    places = _places(
        packets[:50] + slow + [_later(packet, 4.96 * 39) for packet in packets[200:210]], 3600
    )
    assert places[51] is W
    assert places[-10:] == [S] + [A] * 9


def test_an_hour_of_silence_does_not_make_the_next_hole_usual() -> None:
    packets = packets_of(PLAIN)
    places = _places(
        packets[:50]
        + [_later(packet, 3600) for packet in packets[50:60]]
        + [_later(packet, 3610) for packet in packets[60:80]]
    )
    assert places[50] is S
    assert places[60] is W


def test_time_that_goes_back_waits_for_a_keyframe() -> None:
    packets = packets_of(PLAIN)
    assert _places(packets[:60] + packets[24:27])[-3:] == [W, S, A]


def test_a_wall_clock_that_is_set_starts_a_segment_at_the_next_keyframe() -> None:
    packets = packets_of(PLAIN)
    for wall_s in (-5.0, -0.5, 0.5, 5.0):
        assert _starts(packets[:10] + [_later(packet, 0, wall_s) for packet in packets[10:40]]) == [
            0,
            25,
        ]


def test_reordered_pictures_have_rising_decode_times() -> None:
    times = [decode_wall_ns(packet) for packet in packets_of(B_FRAMES)]
    assert times == sorted(times)


@settings(deadline=None)
@given(
    st.lists(st.floats(min_value=-2, max_value=15), max_size=6),
    st.sampled_from([PLAIN, B_FRAMES]),
    st.integers(0, 10),
)
def test_whatever_time_does_segments_start_at_keyframes_and_go_forward(
    jumps_s: list[float], material: Material, session: int
) -> None:
    packets, at_s = [], 0.0
    for number, jump_s in enumerate([0.0, *jumps_s]):
        at_s += jump_s
        packets += [
            _later(packet, at_s)
            for packet in packets_of(material, session=session)[number * 37 : number * 37 + 37]
        ]
    last: Packet | None = None
    for packet, place in zip(packets, _places(packets, 2), strict=True):
        if place is S:
            assert packet.is_keyframe
        if place is A:
            assert last is not None
            assert packet.dts > last.dts
        last = None if place is W else packet


@settings(deadline=None)
@given(
    st.sampled_from([PLAIN, B_FRAMES, LONG_GOP]),
    st.lists(
        st.tuples(st.integers(0, 299), st.floats(-3, 3), st.floats(-3, 3), st.booleans()),
        max_size=5,
    ),
    st.integers(1, 60),
)
def test_packets_placed_together_lie_where_they_would_one_by_one(
    material: Material, changes: list[tuple[int, float, float, bool]], size: int
) -> None:
    packets = packets_of(material)
    for at, seconds, wall_s, is_anew in changes:
        packets[at:] = [_later(packet, seconds, wall_s) for packet in packets[at:]]
        if is_anew:
            stream = replace(packets[at - 1].stream, session=packets[at - 1].stream.session + 1)
            packets[at:] = [replace(packet, stream=stream) for packet in packets[at:]]
    cuts, found = SegmentBoundaries(2.0), list[BoundaryDecision]()
    for at in range(0, len(packets), size):
        some = packets[at : at + size]
        plain = all(
            not one.is_keyframe and one.pts == one.dts and one.stream is some[0].stream
            for one in some
        )
        if plain and cuts.append_batch(run_of(some)):
            found += [A] * len(some)
        else:
            found += [cuts.place(packet).place for packet in some]
    assert found == _places(packets, 2.0)
