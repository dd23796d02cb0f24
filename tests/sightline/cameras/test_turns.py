"""Turns are bounded; no camera waits without end, and what is not settled comes first."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock, SystemClock
from sightline.cameras.turns import (
    HANGS_AFTER_S,
    MAX_COST_S,
    YIELD_S,
    InView,
    TurnRequest,
    Turns,
    first_due,
)
from tests.waiting import PATIENCE_S, wait_for

REQUESTS = st.builds(
    TurnRequest,
    st.sampled_from("abcdef"),
    st.floats(0, 10),
    st.sampled_from(InView),
    st.floats(0, 5),
)


@given(st.lists(REQUESTS, min_size=1, max_size=20))
def test_no_request_is_overtaken_by_a_much_later_one(waiting: list[TurnRequest]) -> None:
    order: list[TurnRequest] = []
    while waiting:
        order.append(first_due(waiting))
        waiting.remove(order[-1])
    for at, one in enumerate(order):
        assert all(
            earlier.requested_s <= one.requested_s + max(YIELD_S.values()) + MAX_COST_S
            for earlier in order[:at]
        )


@given(st.floats(0, 10), st.floats(0, 0.05))
def test_of_equally_old_requests_what_is_not_settled_and_what_costs_less_comes_first(
    requested_s: float, cost_s: float
) -> None:
    unsettled, nothing, settled = (
        TurnRequest(one.value, requested_s, one, cost_s)
        for one in (InView.UNSETTLED, InView.NOTHING, InView.SETTLED)
    )
    assert first_due([settled, nothing, unsettled]) is unsettled
    assert first_due([settled, nothing]) is nothing
    costly = TurnRequest("costly", requested_s, InView.UNSETTLED, cost_s + 0.01)
    assert first_due([costly, unsettled]) is unsettled


def test_what_is_settled_has_its_turn_before_what_is_requested_much_later() -> None:
    settled = TurnRequest("settled", 1.0, InView.SETTLED)
    later = TurnRequest("later", 1.0 + max(YIELD_S.values()) + 0.01, InView.UNSETTLED)
    assert first_due([later, settled]) is settled


def test_no_more_turns_are_held_than_may_be_and_all_cameras_get_theirs() -> None:
    turns, inside, had = Turns(2, SystemClock()), [0, 0], list[str]()
    lock = threading.Lock()

    def work(camera_id: str) -> None:
        for at in range(50):
            with turns.turn(camera_id, list(InView)[at % 3]):
                with lock:
                    inside[0] += 1
                    inside[1] = max(inside)
                    had.append(camera_id)
                with lock:
                    inside[0] -= 1

    threads = [threading.Thread(target=work, args=(f"cam-{at}",)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert inside[0] == 0
    assert inside[1] <= 2
    assert sorted(had) == sorted(f"cam-{at}" for at in range(4) for _ in range(50))


def test_as_many_turns_are_held_as_may_be() -> None:
    turns, done = Turns(2, SystemClock()), threading.Event()
    with turns.turn("one", InView.UNSETTLED), turns.turn("two", InView.UNSETTLED):
        done.set()
    assert done.is_set()


def test_work_that_fails_gives_its_turn_on() -> None:
    turns = Turns(1, SystemClock())
    for _ in range(3):
        with pytest.raises(ValueError, match="a look"), turns.turn("gate", InView.NOTHING):
            raise ValueError("a look")
    done = threading.Event()
    with turns.turn("gate", InView.NOTHING):
        done.set()
    assert done.is_set()


def test_a_turn_that_hangs_takes_no_turn_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    turns, done = Turns(1, clock), threading.Event()
    hung_s = turns.begin("hung", InView.UNSETTLED)

    def work() -> None:
        with turns.turn("other", InView.NOTHING):
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    wait_for("the other camera to wait", lambda: turns.has_waiting or None)
    clock.advance(HANGS_AFTER_S - 1)
    turns.end_hanging()
    assert turns.has_waiting, "the turn may still end by itself"
    clock.advance(2)
    assert done.wait(PATIENCE_S), "the camera that waits checks for itself"
    thread.join(PATIENCE_S)
    assert caplog.messages == [
        "hung: a picture has taken more than 10 s to decode or to analyse; the other cameras of "
        "the worker continue without it"
    ]
    turns.end("hung", hung_s)  # after all
    first_s = turns.begin("first", InView.NOTHING)
    thread = threading.Thread(target=work)
    thread.start()
    wait_for("the turns to be as many as before", lambda: turns.has_waiting or None)
    turns.end("first", first_s)
    thread.join(PATIENCE_S)
    assert not turns.has_waiting


def test_a_camera_that_is_no_longer_run_holds_no_turn() -> None:
    """Its thread may hang. The turn counts once, whatever happens to the thread later."""
    turns = Turns(1, ManualClock())
    hung_s = turns.begin("gate", InView.UNSETTLED)
    turns.forget("gate")
    with turns.turn("gate", InView.NOTHING):
        assert turns._free == 0
    turns.end("gate", hung_s)
    assert turns._free == 1
