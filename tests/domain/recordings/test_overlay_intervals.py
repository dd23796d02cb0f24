"""Layers of intervals are overlaid as if every moment were examined."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.recordings.overlay_intervals import overlay

LAYERS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from("abc")), max_size=12
)


def seen_at(layers: list[tuple[int, int, str]], moment: int) -> str | None:
    return next((what for start, end, what in reversed(layers) if start <= moment < end), None)


@given(LAYERS)
def test_the_last_layer_is_visible(layers: list[tuple[int, int, str]]) -> None:
    seen = overlay(layers)
    for moment in range(31):
        assert [what for start, end, what in seen if start <= moment < end] == [
            what for what in [seen_at(layers, moment)] if what is not None
        ]


@given(LAYERS)
def test_adjacent_intervals_differ(layers: list[tuple[int, int, str]]) -> None:
    seen = overlay(layers)
    assert all(start < end for start, end, _ in seen)
    assert all(
        one[1] < other[0] or (one[1] == other[0] and one[2] != other[2])
        for one, other in pairwise(seen)
    )
