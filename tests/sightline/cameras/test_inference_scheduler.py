"""Turns are bounded; no camera waits without end, and tracking or cheap cameras come first."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S, ManualClock, SystemClock
from sightline.cameras.inference_scheduler import (
    BEHIND_S,
    CAUGHT_UP_S,
    MAX_COST_S,
    MIN_PART,
    PATIENCE_S,
    STEP_S,
    InferenceScheduler,
    RateController,
    TurnRequest,
    first_due,
    next_part,
)

ASKED = st.builds(
    TurnRequest, st.sampled_from("abcdef"), st.floats(0, 10), st.booleans(), st.floats(0, 5)
)
PARTS = st.floats(MIN_PART, 1.0)
LATE_S = st.floats(0.0, 100.0)


@given(st.lists(ASKED, min_size=1, max_size=20))
def test_no_request_is_overtaken_by_a_much_later_one(waiting: list[TurnRequest]) -> None:
    order: list[TurnRequest] = []
    while waiting:
        order.append(first_due(waiting))
        waiting.remove(order[-1])
    for at, one in enumerate(order):
        assert all(
            earlier.requested_s <= one.requested_s + PATIENCE_S + MAX_COST_S
            for earlier in order[:at]
        )


@given(st.floats(0, 10), st.floats(0, 0.05))
def test_of_two_that_ask_at_once_who_follows_something_and_who_costs_less_comes_first(
    requested_s: float, cost_s: float
) -> None:
    idle, busy = (
        TurnRequest("idle", requested_s, False, cost_s),
        TurnRequest("busy", requested_s, True, cost_s),
    )
    assert first_due([idle, busy]) is busy
    costly = TurnRequest("costly", requested_s, True, cost_s + 0.01)
    assert first_due([costly, busy]) is busy


def test_no_more_look_at_once_than_may_and_all_get_their_turns() -> None:
    pool, inside, looked = InferenceScheduler(2, SystemClock()), [0, 0], list[str]()
    lock = threading.Lock()

    def look(camera_id: str) -> None:
        for turn in range(50):
            with pool.turn(camera_id, turn % 2 == 0, None):
                with lock:
                    inside[0] += 1
                    inside[1] = max(inside)
                    looked.append(camera_id)
                with lock:
                    inside[0] -= 1

    threads = [threading.Thread(target=look, args=(f"cam-{at}",)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert inside[0] == 0
    assert inside[1] <= 2
    assert sorted(looked) == sorted(f"cam-{at}" for at in range(4) for _ in range(50))


def test_as_many_look_at_once_as_may() -> None:
    pool, done = InferenceScheduler(2, SystemClock()), threading.Event()
    with pool.turn("one", True, None), pool.turn("two", True, None):
        done.set()
    assert done.is_set()


def test_a_look_that_fails_gives_its_turn_on() -> None:
    pool = InferenceScheduler(1, SystemClock())
    for _ in range(3):
        try:
            with pool.turn("gate", False, None):
                raise ValueError("a look")
        except ValueError:
            pass
    done = threading.Event()
    with pool.turn("gate", False, None):
        done.set()
    assert done.is_set()


def test_all_cameras_are_analysed_less_often_under_backlog_and_held_ones_do_not_count() -> None:
    clock = ManualClock()
    pool = InferenceScheduler(1, clock)
    for held in (True, False):
        for _ in range(20):
            with pool.turn("gate", True, None if held else clock.wall_ns() - NS_PER_S):
                clock.advance(0.2)
        assert (pool.part == 1.0) is held


@given(PARTS, LATE_S)
def test_the_part_stays_within_its_bounds(part: float, behind_s: float) -> None:
    assert MIN_PART <= next_part(part, behind_s) <= 1.0


@given(PARTS, LATE_S, LATE_S)
def test_who_is_further_behind_never_looks_more_often(
    part: float, one_s: float, other_s: float
) -> None:
    assert next_part(part, max(one_s, other_s)) <= next_part(part, min(one_s, other_s))


@given(PARTS)
def test_it_falls_to_the_least_in_seconds_and_comes_back_to_all(part: float) -> None:
    for _ in range(6):
        part = next_part(part, BEHIND_S * 1.01)
    assert part == MIN_PART
    for _ in range(15):
        part = next_part(part, CAUGHT_UP_S * 0.99)
    assert part == 1.0


@given(PARTS, st.floats(CAUGHT_UP_S, BEHIND_S))
def test_between_the_bounds_it_stays(part: float, behind_s: float) -> None:
    assert next_part(part, behind_s) == part


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.floats(-5.0, 5.0)), min_size=1, max_size=200))
def test_it_changes_once_a_step_by_the_mean_of_all_looks_in_it(
    looks: list[tuple[float, float]],
) -> None:
    backlog, now_s, since_s, late_s = RateController(), 0.0, looks[0][0], list[float]()
    for after_s, behind_s in looks:
        now_s += after_s
        late_s.append(max(0.0, behind_s))
        before = backlog.part
        assert backlog.feed(behind_s, now_s) is (now_s - since_s >= STEP_S)
        if now_s - since_s < STEP_S:
            assert backlog.part == before
            continue
        assert backlog.part == next_part(before, sum(late_s) / len(late_s))
        since_s, late_s = now_s, []
