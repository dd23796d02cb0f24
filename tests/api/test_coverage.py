"""Ranges joined and clipped, and what is missing between them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.coverage import JOIN_NS, gaps, merge
from domain.clock import NS_PER_S

S = NS_PER_S
ranges = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda pair: (pair[0] * S // 2, pair[1] * S // 2)), max_size=12)


def test_segments_that_touch_are_one_range() -> None:
    assert merge([(10 * S, 20 * S), (0, 10 * S - 40_000_000), (30 * S, 40 * S)], 5 * S, 35 * S) == [(5 * S, 20 * S), (30 * S, 35 * S)]
    assert gaps([(5 * S, 20 * S), (30 * S, 35 * S)], 0, 40 * S) == [(0, 5 * S), (20 * S, 30 * S), (35 * S, 40 * S)]


def test_nothing_recorded_is_one_gap() -> None:
    assert merge([], 0, 10 * S) == []
    assert gaps([], 0, 10 * S) == [(0, 10 * S)]


@given(ranges)
def test_merged_ranges_are_in_order_apart_and_within(parts: list[tuple[int, int]]) -> None:
    merged = merge(parts, 10 * S, 40 * S)
    edges = [edge for pair in merged for edge in pair]
    assert edges == sorted(edges)
    assert all(10 * S <= edge <= 40 * S for edge in edges)
    assert all(after[0] - before[1] > JOIN_NS for before, after in pairwise(merged))
    covered = sum(end - start for start, end in merged)
    assert covered + sum(end - start for start, end in gaps(merged, 10 * S, 40 * S)) <= 30 * S
