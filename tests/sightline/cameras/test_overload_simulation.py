"""Under overload a worker finds about what its core can analyse, evenly and without a long delay;
when the load ends, it analyses everything again.
"""

from __future__ import annotations

import pytest

from tests.sightline.cameras.overload_simulation import WARM_UP_S, Simulation

UNTIL_S = 140.0


@pytest.fixture(scope="module")
def overloaded() -> Simulation:
    """A worker with twice the cameras that it can analyse."""
    simulation = Simulation("A" * 14)
    simulation.run(UNTIL_S)
    return simulation


def test_at_capacity_every_passing_is_found() -> None:
    simulation = Simulation("A" * 6)
    simulation.run(UNTIL_S)
    assert min(simulation.found(WARM_UP_S, UNTIL_S - 8)) == 1.0


def test_a_third_more_cameras_find_all_passings_without_the_rests_of_groups() -> None:
    simulation = Simulation("A" * 9)
    simulation.run(UNTIL_S)
    found = simulation.found(WARM_UP_S, UNTIL_S - 8)
    assert sum(found) / len(found) > 0.98


def test_twice_the_cameras_find_three_quarters_of_the_passings(overloaded: Simulation) -> None:
    found = overloaded.found(WARM_UP_S, UNTIL_S - 8)
    assert sum(found) / len(found) > 0.75


def test_the_worst_camera_is_near_the_mean(overloaded: Simulation) -> None:
    found = overloaded.found(WARM_UP_S, UNTIL_S - 8)
    assert min(found) > sum(found) / len(found) - 0.1


def test_cameras_with_a_standing_vehicle_find_nearly_as_much_as_the_others() -> None:
    simulation = Simulation("A" * 14, standing=3)
    simulation.run(UNTIL_S)
    found = simulation.found(WARM_UP_S, UNTIL_S - 8)
    assert sum(found) / len(found) > 0.7
    assert sum(found[:3]) / 3 > sum(found[3:]) / 11 - 0.15


def test_looks_are_not_far_behind(overloaded: Simulation) -> None:
    later = sorted(overloaded.delays_s[len(overloaded.delays_s) // 2 :])
    assert later[len(later) * 95 // 100] < 3.6


def test_every_missed_passing_is_in_a_reported_range(overloaded: Simulation) -> None:
    """What was left out as a group with motion has a range; groups without motion had none."""
    for camera in overloaded.cameras:
        missed = [
            passing
            for passing in range(camera.passing(WARM_UP_S) + 1, camera.passing(UNTIL_S - 8))
            if camera.looks.get(passing, 0) < 3
        ]
        assert missed
        lost_s = sum(one.end_ns - one.start_ns for one in camera.losses.take()) / 1e9
        assert lost_s >= 1.5 * len(missed)


def test_class_a_is_analysed_completely_while_class_c_loses() -> None:
    simulation = Simulation("AAAA" + "C" * 9)
    simulation.run(UNTIL_S)
    found = simulation.found(WARM_UP_S, UNTIL_S - 8)
    assert min(found[:4]) > 0.93
    assert max(found[4:]) < min(found[:4])
    assert min(found[4:]) > 0


def test_after_the_load_has_ended_everything_is_analysed_again() -> None:
    simulation = Simulation("A" * 12)
    simulation.run(100.0)
    simulation.run(110.0, is_busy=False)
    del simulation.cameras[4:]
    simulation.run(160.0)
    assert min(simulation.found(125.0, 150.0)) == 1.0
