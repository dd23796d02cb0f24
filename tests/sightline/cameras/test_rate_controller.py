"""Looks are made less often while they come late, evenly and in bounds, and as often as before
once they do not.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sightline.cameras.rate_controller import (
    BEHIND_S,
    CAUGHT_UP_S,
    LEAST_PART,
    STEP_S,
    RateController,
    next_part,
)

PARTS = st.floats(LEAST_PART, 1.0)
LATE_S = st.floats(0.0, 100.0)


@given(PARTS, LATE_S)
def test_the_part_stays_within_its_bounds(part: float, behind_s: float) -> None:
    assert LEAST_PART <= next_part(part, behind_s) <= 1.0


@given(PARTS, LATE_S, LATE_S)
def test_who_is_further_behind_never_looks_more_often(
    part: float, one_s: float, other_s: float
) -> None:
    assert next_part(part, max(one_s, other_s)) <= next_part(part, min(one_s, other_s))


@given(PARTS)
def test_it_falls_to_the_least_in_seconds_and_comes_back_to_all(part: float) -> None:
    for _ in range(6):
        part = next_part(part, BEHIND_S * 1.01)
    assert part == LEAST_PART
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
