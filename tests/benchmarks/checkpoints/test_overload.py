"""The benchmark of overload searches for the capacity and reports each multiple of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.checkpoints.overload import (
    MOST_LEVELS,
    Plan,
    find_capacity,
    overload,
    worst_below_mean,
)


class Machine:
    """A machine that finds all passings of `capacity` cameras, and half of those of more."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.runs: list[int] = []
        self.checkouts: list[Path | None] = []

    def run(self, cameras: int, checkout: Path | None = None) -> dict[str, Any]:
        self.runs.append(cameras)
        self.checkouts.append(checkout)
        found = 10 if cameras <= self.capacity else 5
        return {
            "cameras": cameras,
            "passings": 10 * cameras,
            "found": found * cameras,
            "found_of_passings_by_camera": [(found, 10)] * cameras,
            "coverage": None,
            "again": None,
            "doubled": 0,
            "false": 0,
            "searchable_after_s": {"p50": 0.5, "p95": 0.8},
            "frames_decoded_a_second_a_camera": 25.0,
            "frames_analysed_a_second_a_camera": 10.0,
            "cores_used": 1.0,
            "counts": {"sightline_packets_dropped_total:recorder": 0},
        }


@pytest.mark.parametrize("first", [1, 5, 7, 8, 12, 100])
def test_the_capacity_is_found_from_any_first_number(first: int) -> None:
    machine = Machine(7)
    assert find_capacity(lambda cameras: machine.run(cameras)["found"] == 10 * cameras, first) == 7
    assert len(machine.runs) <= MOST_LEVELS
    assert len(set(machine.runs)) == len(machine.runs)


def test_a_machine_that_misses_passings_of_one_camera_has_a_capacity_of_one() -> None:
    assert find_capacity(lambda _: False, 3) == 1


def test_each_multiple_of_the_capacity_has_a_row_and_no_level_runs_twice() -> None:
    machine = Machine(7)
    report = overload(Plan((1.0, 1.3, 2.0), None, 6, 1.0, 25.0), machine.run)
    assert report["capacity"] == 7
    assert machine.runs == [6, 12, 9, 7, 8, 14]
    assert [row["cameras"] for row in report["levels"]] == [7, 9, 14]
    assert [row["found_percent"] for row in report["levels"]] == [100.0, 50.0, 50.0]


def test_a_known_capacity_is_not_searched_for() -> None:
    machine = Machine(7)
    overload(Plan((1.3,), 7, 6, 1.0, 25.0), machine.run)
    assert machine.runs == [9]


def test_another_checkout_is_measured_before_this_one_at_each_level() -> None:
    machine, other = Machine(7), Path("/former")
    report = overload(Plan((1.0, 2.0), 7, 6, 1.0, 25.0, before=other), machine.run)
    assert list(zip(machine.runs, machine.checkouts, strict=True)) == [
        (7, other), (7, None), (14, other), (14, None),
    ]  # fmt: skip
    assert [row["cameras"] for row in report["levels_before"]] == [7, 14]


def test_fairness_is_the_distance_of_the_worst_camera_from_the_mean() -> None:
    assert worst_below_mean([(10, 10), (8, 10), (6, 10)]) == 20.0
