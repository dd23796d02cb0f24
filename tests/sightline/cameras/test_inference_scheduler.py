"""While the analyses of a worker are late, the rate of all of them is lowered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S, ManualClock
from sightline.cameras.inference_scheduler import (
    BEHIND_S,
    CAUGHT_UP_S,
    MIN_PART,
    STEP_S,
    InferenceScheduler,
    RateController,
    next_part,
)
from sightline.cameras.turns import InView

PARTS = st.floats(MIN_PART, 1.0)
LATE_S = st.floats(0.0, 100.0)


def test_all_cameras_are_analysed_less_often_under_backlog_and_held_ones_do_not_count() -> None:
    clock = ManualClock()
    pool = InferenceScheduler(1, clock)
    for held in (True, False):
        for _ in range(20):
            with pool.turn("gate", InView.UNSETTLED, None if held else clock.wall_ns() - NS_PER_S):
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
