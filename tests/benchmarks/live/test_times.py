"""The percentiles of the times that a browser reports."""

from __future__ import annotations

import pytest

from benchmarks.live.times import percentile


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 6), (0.95, 10), (1.0, 10)])
def test_a_percentile(part: float, value: float) -> None:
    assert percentile([3, 1, 2, 5, 4, 6, 7, 8, 10, 9], part) == value


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)
