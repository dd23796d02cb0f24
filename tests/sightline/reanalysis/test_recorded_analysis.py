"""Ranges are read in groups of bounded length that together are the ranges."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from sightline.reanalysis.recorded_analysis import (
    BEFORE_NS,
    JOIN_NS,
    LONGEST_RUN_NS,
    _began_within,
    runs_of,
)
from storage.recordings.recorded_ranges import merge
from tests.kept import START_NS, make_event

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


def test_a_passing_of_a_range_may_be_seen_first_shortly_after_it() -> None:
    """It began before the first look that shows it."""
    end_ns = START_NS + 10 * NS_PER_S
    spans = [(START_NS, end_ns)]
    began = [
        _began_within(make_event(after_s=after_s), START_NS - BEFORE_NS, spans)
        for after_s in (-3.0, 9.9, 10.4, 10.6)
    ]
    assert began == [False, True, True, False]
