"""Of things that come one after the other, the part that is wanted is taken, evenly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.media.decimator import Decimator


@given(st.floats(0.05, 1.0), st.integers(1, 500))
def test_thinning_takes_the_part_evenly(part: float, count: int) -> None:
    thinning = Decimator()
    taken = [thinning.takes(part) for _ in range(count)]
    for at in range(count):
        assert abs(sum(taken[: at + 1]) - part * (at + 1)) <= 1.0 + 1e-6
