"""The figures of the console's benchmark are computed as its report says."""

from __future__ import annotations

from benchmarks.console.pages import quantile_ms
from benchmarks.console.wall import ends


def test_a_quantile_is_the_value_below_which_this_part_is() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [quantile_ms(values, part) for part in (0.5, 0.99, 1)] == [51.0, 100.0, 100.0]
    assert quantile_ms([7.04], 0.99) == 7.0


def test_growth_is_the_last_third_compared_with_the_first() -> None:
    assert ends([10.0, 10.0, 50.0, 12.0, 18.0, 12.0]) == {"first": 10.0, "last": 15.0, "ratio": 1.5}
    assert ends([4.0]) == {"first": 4.0, "last": 4.0, "ratio": 1.0}
