"""Waits that grow to a bound, never reach zero, and begin again after a healthy session."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.backoff import FIRST_S, HEALTHY_S, MAX_S, Backoff


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
