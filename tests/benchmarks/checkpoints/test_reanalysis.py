"""The benchmark counts what the analysis of the recordings adds."""

from __future__ import annotations

from benchmarks.checkpoints.reanalysis import found_again
from sightline.evaluation.truth import Pass
from tests.benchmarks.checkpoints.test_measurement import event


def test_vehicles_in_view_at_once_are_not_doubled_and_a_second_event_of_one_is() -> None:
    passes = [
        Pass(plate=plate, colour="blue", enter_s=at_s, leave_s=at_s + 2.0)
        for plate, at_s in (("鄂C12345", 0.5), ("鄂F77K21", 1.0), ("鄂A90909", 9.0))
    ]
    before = [event(0, "鄂C12345", 0.6, 2.4)]
    late = event(1, "鄂F77K21", 1.1, 2.9)
    assert found_again(passes, before, [*before, late]) == {
        "missed": 2,
        "found_again": 1,
        "doubled_before": 0,
        "doubled_after": 0,
    }
    again = event(2, "鄂F77K21", 1.2, 2.8)
    assert found_again(passes, before, [*before, late, again])["doubled_after"] == 1
