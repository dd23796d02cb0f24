"""What a further viewer of live video costs."""

from __future__ import annotations

from benchmarks.live.costs import cost_of_viewer
from benchmarks.processes import Cost


def test_the_cost_of_a_viewer_is_that_of_the_further_ones() -> None:
    few, many = Cost(1.0, 100, 60), Cost(4.0, 400, 360)
    assert cost_of_viewer(few, many, further=3) == Cost(1.0, 100, 100)
