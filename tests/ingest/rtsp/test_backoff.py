"""Waits that grow to a bound, never reach zero, and begin again after a healthy session."""

from __future__ import annotations

import heapq
import random

from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.backoff import (
    FIRST_S,
    HEALTHY_S,
    MAX_S,
    TRIES_PER_S,
    Backoff,
    UnreachableCameras,
)


@given(st.lists(st.floats(0, HEALTHY_S - 0.1), max_size=60))
def test_every_wait_lies_between_its_bounds(sessions: list[float]) -> None:
    backoff = Backoff()
    waits = [backoff.next_s(media_s) for media_s in sessions]
    assert all(FIRST_S / 2 <= wait <= MAX_S for wait in waits)


def test_waits_double_to_the_bound_and_stay_there() -> None:
    backoff = Backoff(uniform=lambda _, high: high)
    assert [backoff.next_s(0.0) for _ in range(9)] == [0.5, 1, 2, 4, 5, 5, 5, 5, 5]
    assert [backoff.next_s(0.0) for _ in range(2000)][-1] == MAX_S


def test_a_healthy_session_is_followed_quickly() -> None:
    backoff = Backoff()
    for _ in range(20):
        backoff.next_s(0.0)
    assert backoff.next_s(HEALTHY_S) <= 1.0


def test_cameras_that_fell_together_do_not_come_back_together() -> None:
    waits = set()
    for _ in range(20):
        backoff = Backoff()
        for _ in range(5):
            backoff.next_s(0.0)
        waits.add(round(backoff.next_s(0.0), 3))
    assert len(waits) > 10


def _tries(cameras: int, seconds: int) -> list[int]:
    """Return how often a worker tries its cameras in each second, if none is ever reached."""
    draw = random.Random(1).uniform
    unreachable, backoffs = UnreachableCameras(), [Backoff(draw) for _ in range(cameras)]
    tries = [0] * seconds
    due = [(0.0, camera) for camera in range(cameras)]
    while due[0][0] < seconds:
        at_s, camera = heapq.heappop(due)
        tries[int(at_s)] += 1
        unreachable.add(str(camera))
        wait_s = backoffs[camera].next_s(0.0, unreachable.step_s)
        heapq.heappush(due, (at_s + wait_s, camera))
    return tries


def test_thousands_of_unreachable_cameras_are_tried_at_a_bounded_rate() -> None:
    tries = _tries(3000, 120)
    assert tries[0] >= 3000, "each is tried at once"
    assert sum(tries[1:40]) <= 1.5 * TRIES_PER_S * 39
    assert sum(tries[40:]) <= 1.1 * TRIES_PER_S * 80
    assert sum(tries[40:]) >= 0.9 * TRIES_PER_S * 80, "none is forgotten"


def test_few_unreachable_cameras_are_tried_as_often_as_one() -> None:
    unreachable = UnreachableCameras()
    for number in range(300):
        unreachable.add(str(number))
    backoff = Backoff(uniform=lambda _, high: high)
    waits = [backoff.next_s(0.0, unreachable.step_s) for _ in range(9)]
    assert waits == [4.0, 4.0, 4.0, 4.0, 5, 5, 5, 5, 5]


def test_a_camera_that_was_healthy_is_tried_soon_while_thousands_are_unreachable() -> None:
    backoff = Backoff(uniform=lambda _, high: high)
    backoff.next_s(0.0, 40.0)
    waits = [backoff.next_s(HEALTHY_S, 40.0), *(backoff.next_s(0.0, 40.0) for _ in range(8))]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 40, 40]


def test_an_urgent_camera_keeps_the_short_waits_while_thousands_are_unreachable() -> None:
    backoff = Backoff(uniform=lambda _, high: high)
    waits = [backoff.next_s(0.0, 40.0, is_urgent=True) for _ in range(9)]
    assert waits == [0.5, 1, 2, 4, 5, 5, 5, 5, 5]


def test_a_reached_camera_leaves_the_others_more_tries() -> None:
    unreachable = UnreachableCameras()
    for number in range(1500):
        unreachable.add(str(number))
    assert unreachable.step_s == 20.0
    for number in range(750):
        unreachable.discard(str(number))
    assert unreachable.step_s == 10.0
