"""The benchmark compares the reported analysis coverage with the truth."""

from __future__ import annotations

from benchmarks.checkpoints.coverage import Reported, compare_coverage
from sightline.evaluation.truth import Pass
from tests.benchmarks.checkpoints.test_measurement import event


def test_of_two_vehicles_in_view_together_the_event_has_the_plate_of_the_found_one() -> None:
    passes = [
        Pass(plate=plate, colour="blue", enter_s=at_s, leave_s=at_s + 1.5)
        for plate, at_s in (("鄂C12345", 1.0), ("川A8H458", 1.2))
    ]
    ranges = Reported(complete=[(0, 1.1)], partly=[(1.1, 4)])
    found = compare_coverage(ranges, passes, [event(0, "鄂C12345", 1.3, 2.4)])
    assert (found["found_in_complete"], found["missed_in_partly"]) == (1, 1)


def test_missed_passings_must_be_in_partly_and_found_ones_in_complete() -> None:
    passes = [
        Pass(plate="鄂C12345", colour="blue", enter_s=at_s + 0.5, leave_s=at_s + 2.0)
        for at_s in (0, 4, 8, 12)
    ]
    ranges = Reported(complete=[(0, 4), (8, 9.4), (10, 12)], partly=[(4, 8), (9.4, 10), (12, 16)])
    events = [event(at, "鄂C12345", at_s + 0.6, at_s + 1.9) for at, at_s in enumerate((0, 12))]
    assert compare_coverage(ranges, passes, events) == {
        "missed": 2,
        "missed_in_partly": 1,
        "missed_at_partly": 1,
        "found": 2,
        "found_in_complete": 1,
    }
