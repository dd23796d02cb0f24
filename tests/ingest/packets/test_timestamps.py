"""Time stamps that a muxer takes, from what libavformat gives."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.packets.timestamps import DecodeTimes, Timestamps

Stamp = int | None


def settle(stamps: Timestamps, pts: Stamp, dts: Stamp, duration: int = 3600) -> tuple[int, int]:
    return stamps.complete(stamps.pts(pts, dts, duration), dts, duration)


def test_missing_stamps_of_b_frames_are_those_that_follow_from_the_rest() -> None:
    stamps = Timestamps(reorder_depth=2)
    given_stamps: list[tuple[Stamp, Stamp]] = [
        (None, None),
        (10800, None),
        (7200, None),
        (3600, 3600),
        (21600, 7200),
    ]
    found = [settle(stamps, pts, dts) for pts, dts in given_stamps]
    assert found == [(0, -7200), (10800, -3600), (7200, 0), (3600, 3600), (21600, 7200)]


def test_a_missing_pts_in_the_middle_is_the_likely_next() -> None:
    stamps = Timestamps(reorder_depth=0)
    assert [settle(stamps, pts, None) for pts in (0, 3600, None, None)] == [
        (0, 0),
        (3600, 3600),
        (7200, 7200),
        (10800, 10800),
    ]


def test_a_jump_shifts_all_that_follows() -> None:
    stamps = Timestamps(reorder_depth=0)
    settle(stamps, 0, 0)
    far = stamps.pts(10**9, 10**9, 3600)
    assert stamps.complete(stamps.compensate_jump(far, 3600), 10**9, 3600) == (3600, 3600)
    assert settle(stamps, 10**9 + 3600, 10**9 + 3600) == (7200, 7200)


maybe = st.none() | st.integers(-(2**40), 2**40)


@given(
    st.lists(st.tuples(maybe, maybe, st.sampled_from([0, 3600])), max_size=50), st.integers(0, 4)
)
def test_dts_rises_and_never_passes_pts(
    packets: list[tuple[Stamp, Stamp, int]], depth: int
) -> None:
    stamps = Timestamps(depth)
    found = [settle(stamps, pts, dts, duration) for pts, dts, duration in packets]
    assert all(a[1] < b[1] for a, b in pairwise(found))
    assert all(pts >= dts for pts, dts in found)


def decode_times(stamps: list[int], depth: int, step: int = 1) -> list[int]:
    times = DecodeTimes()
    times.set_depth(depth, step)
    return [times.next_dts(pts) for pts in stamps]


def test_without_reordering_dts_is_pts() -> None:
    assert decode_times([5, 7, 30, 31], 0) == [5, 7, 30, 31]


def test_reordered_pictures_are_decoded_in_their_turn() -> None:
    assert decode_times([0, 30, 10, 20, 60, 40, 50], depth=1, step=10) == [
        -10,
        0,
        10,
        20,
        30,
        40,
        50,
    ]


def test_a_depth_that_the_stream_does_not_state_is_learned() -> None:
    found = decode_times([0, 30, 10, 20, 60, 40, 50, 90, 70, 80], depth=0)
    assert found[4:] == [20 + 10, 40, 50, 60, 70, 80]


@given(st.lists(st.integers(-(2**33), 2**33), max_size=100), st.integers(0, 16))
def test_decode_times_never_pass_pts_once_kept(stamps: list[int], depth: int) -> None:
    timestamps = Timestamps(0)
    found = [
        timestamps.finalise(pts, dts)
        for pts, dts in zip(stamps, decode_times(stamps, depth), strict=True)
    ]
    assert all(a[1] < b[1] for a, b in pairwise(found))
    assert all(pts >= dts for pts, dts in found)
