"""Time stamps that a muxer takes, from what libavformat gives."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.stamps import Stamps

Stamp = int | None


def settle(stamps: Stamps, pts: Stamp, dts: Stamp, duration: int = 3600) -> tuple[int, int]:
    return stamps.settle(stamps.pts(pts, dts, duration), dts, duration)


def test_missing_stamps_of_b_frames_are_those_that_follow_from_the_rest() -> None:
    stamps = Stamps(reorder_depth=2)
    given_stamps: list[tuple[Stamp, Stamp]] = [(None, None), (10800, None), (7200, None), (3600, 3600), (21600, 7200)]
    found = [settle(stamps, pts, dts) for pts, dts in given_stamps]
    assert found == [(0, -7200), (10800, -3600), (7200, 0), (3600, 3600), (21600, 7200)]


def test_a_missing_pts_in_the_middle_is_the_likely_next() -> None:
    stamps = Stamps(reorder_depth=0)
    assert [settle(stamps, pts, None) for pts in (0, 3600, None, None)] == [(0, 0), (3600, 3600), (7200, 7200), (10800, 10800)]


def test_a_jump_shifts_all_that_follows() -> None:
    stamps = Stamps(reorder_depth=0)
    settle(stamps, 0, 0)
    far = stamps.pts(10**9, 10**9, 3600)
    assert stamps.settle(stamps.jump(far, 3600), 10**9, 3600) == (3600, 3600)
    assert settle(stamps, 10**9 + 3600, 10**9 + 3600) == (7200, 7200)


maybe = st.none() | st.integers(-(2**40), 2**40)


@given(st.lists(st.tuples(maybe, maybe, st.sampled_from([0, 3600])), max_size=50), st.integers(0, 4))
def test_dts_rises_and_never_passes_pts(packets: list[tuple[Stamp, Stamp, int]], depth: int) -> None:
    stamps = Stamps(depth)
    found = [settle(stamps, pts, dts, duration) for pts, dts, duration in packets]
    assert all(a[1] < b[1] for a, b in pairwise(found))
    assert all(pts >= dts for pts, dts in found)
