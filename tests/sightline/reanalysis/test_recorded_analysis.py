"""Ranges are read in groups of bounded length that together are the ranges."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from sightline.reanalysis.recorded_analysis import JOIN_NS, LONGEST_RUN_NS, runs_of
from storage.recordings.recorded_ranges import merge

ranges = st.lists(
    st.builds(
        lambda start_s, length_s: (start_s * NS_PER_S, (start_s + length_s) * NS_PER_S),
        st.integers(0, 5_000),
        st.integers(0, 2_000),
    ),
    max_size=20,
)


@given(ranges=ranges)
def test_groups_are_the_ranges_and_none_is_too_long(ranges: list[tuple[int, int]]) -> None:
    groups = list(runs_of(ranges))
    assert merge(part for group in groups for part in group) == merge(ranges)
    for group in groups:
        assert group[-1][1] - group[0][0] <= LONGEST_RUN_NS
        assert all(after[0] - before[1] <= JOIN_NS for before, after in pairwise(group))
    flat = [part for group in groups for part in group]
    assert flat == sorted(flat)
