"""Under overload a worker finds about what its core can analyse, evenly and without a long delay;
when the load ends, it analyses everything again.
"""

from __future__ import annotations

from math import sqrt
from statistics import pstdev

import pytest

from tests.sightline.cameras.overload_simulation import WARM_UP_S, Events, Simulation

UNTIL_S = 240.0
CAPACITY = 7


def simulated(classes: str, standing: int = 0) -> tuple[Simulation, Events]:
    simulation = Simulation(classes, UNTIL_S, standing)
    simulation.run(UNTIL_S)
    return simulation, simulation.events(WARM_UP_S, UNTIL_S - 8)


@pytest.fixture(scope="module")
def overloaded() -> tuple[Simulation, Events]:
    """A worker with twice the cameras that it can analyse."""
    return simulated("A" * 2 * CAPACITY)


def test_at_capacity_nearly_every_passing_is_found_within_a_second() -> None:
    _, events = simulated("A" * CAPACITY)
    assert events.mean_part > 0.99
    assert min(events.found_parts) > 0.95
    assert events.delay_p95_s < 0.9


def test_a_third_more_cameras_find_nearly_every_passing_within_two_seconds() -> None:
    _, events = simulated("A" * 9)
    assert events.mean_part > 0.98
    assert min(events.found_parts) > events.mean_part - 0.1
    assert events.delay_p95_s < 1.4


def test_twice_the_cameras_find_three_quarters_of_the_passings_within_three_seconds(
    overloaded: tuple[Simulation, Events],
) -> None:
    simulation, events = overloaded
    assert events.mean_part > 0.75
    assert events.delay_p95_s < 2.8
    assert simulation.busy_s > 0.95 * UNTIL_S, "no time of the core is left"


def test_the_worst_camera_is_near_the_mean(overloaded: tuple[Simulation, Events]) -> None:
    _, events = overloaded
    assert min(events.found_parts) > events.mean_part - 0.1


def test_cameras_differ_by_less_than_if_each_passing_were_found_by_chance(
    overloaded: tuple[Simulation, Events],
) -> None:
    """The cameras have their keyframes at different phases, and not equally much traffic."""
    simulation, events = overloaded
    mean, cameras = events.mean_part, len(simulation.cameras)
    passings = len(events.delays_s) / mean / cameras
    by_chance = sqrt(mean * (1 - mean) / passings)
    assert pstdev(events.found_parts) < 0.8 * by_chance


def test_cameras_with_a_standing_vehicle_find_nearly_as_much_as_the_others() -> None:
    _, events = simulated("A" * 2 * CAPACITY, standing=3)
    found = events.found_parts
    assert sum(found) / len(found) > 0.7
    assert sum(found[:3]) / 3 > sum(found[3:]) / 11 - 0.1


def test_every_missed_passing_is_in_a_reported_range(
    overloaded: tuple[Simulation, Events],
) -> None:
    """What was left out as a group with motion has a range; groups without motion had none."""
    for camera in overloaded[0].cameras:
        lost = camera.losses.take()
        missed = [
            vehicle
            for vehicle in camera.vehicles
            if WARM_UP_S < vehicle.enter_s < UNTIL_S - 8 and vehicle.published_s is None
        ]
        assert missed
        for vehicle in missed:
            from_ns, to_ns = vehicle.span_ns
            assert any(one.start_ns < to_ns and from_ns < one.end_ns for one in lost)


def test_class_a_is_analysed_nearly_completely_while_class_c_loses() -> None:
    _, events = simulated("AAAA" + "C" * 9)
    found = events.found_parts
    assert min(found[:4]) > 0.93
    assert max(found[4:]) < min(found[:4])
    assert min(found[4:]) > 0.5


def test_a_backlog_at_the_start_is_over_within_seconds() -> None:
    """The worker loads its models while its cameras send already."""
    simulation = Simulation("A" * 2 * CAPACITY, 60.0)
    simulation.run(20.0)
    simulation.stall(8.0)
    simulation.run(60.0)
    events = simulation.events(34.0, 52.0)
    assert events.delay_p95_s < 3.0
    assert events.mean_part > 0.65


def test_after_the_load_has_ended_everything_is_analysed_again() -> None:
    simulation = Simulation("A" * 12, 160.0)
    simulation.run(100.0)
    simulation.run(106.0, is_busy=False)
    for camera in simulation.cameras[4:]:
        simulation.shares.forget(camera.camera_id)
        simulation.shares.workload.forget(camera.camera_id, camera)
    del simulation.cameras[4:]
    simulation.run(160.0)
    assert min(simulation.events(110.0, 150.0).found_parts) == 1.0
