"""The account of a camera's time, against looking at every half second by itself."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from domain.recordings.gaps import Gap, GapCause
from storage.recordings.coverage import CoverageRequest, Where, account, without_damaged
from storage.recordings.recorded_ranges import clip, merge

SECONDS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 30)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    ),
    max_size=6,
)
CAUSES = st.sampled_from([GapCause.NETWORK, GapCause.DISK, GapCause.SHED])
REPORTED = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30), CAUSES), max_size=6)


def ns(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Two seconds a unit, so that no hole is short enough to be joined."""
    return [(start * 2 * NS_PER_S, end * 2 * NS_PER_S) for start, end in ranges]


@given(SECONDS, SECONDS, REPORTED, st.integers(0, 40), st.integers(1, 60))
def test_every_moment_is_recorded_somewhere_or_missing_for_a_cause(
    local: list[tuple[int, int]],
    stored: list[tuple[int, int]],
    rows: list[tuple[int, int, GapCause]],
    start: int,
    length: int,
) -> None:
    reported = [Gap("cam", *ns([(at, at + seconds)])[0], cause) for at, seconds, cause in rows]
    ((from_ns, to_ns),) = ns([(start, start + length)])
    found = account(CoverageRequest("cam", from_ns, to_ns), ns(local), ns(stored), reported)
    for moment in range(start, start + length):
        at_ns = moment * 2 * NS_PER_S + NS_PER_S
        where = {part.where for part in found.recorded if part.start_ns <= at_ns < part.end_ns}
        causes = [gap.cause for gap in found.gaps if gap.start_ns <= at_ns < gap.end_ns]
        is_local, is_stored = (
            any(a <= moment < b for a, b in ranges) for ranges in (local, stored)
        )
        if is_local or is_stored:
            assert where == {
                Where.BOTH if is_local and is_stored else Where.LOCAL if is_local else Where.OBJECTS
            }
            assert causes == []
        else:
            last = next(
                (cause for at, seconds, cause in reversed(rows) if at <= moment < at + seconds),
                GapCause.UNKNOWN,
            )
            assert (where, causes) == (set(), [last])


@given(SECONDS, SECONDS, REPORTED)
def test_nothing_overlaps_and_all_is_in_order(
    local: list[tuple[int, int]],
    stored: list[tuple[int, int]],
    rows: list[tuple[int, int, GapCause]],
) -> None:
    reported = [Gap("cam", *ns([(at, at + seconds)])[0], cause) for at, seconds, cause in rows]
    found = account(CoverageRequest("cam", 0, 200 * NS_PER_S), ns(local), ns(stored), reported)
    parts = sorted(
        [(part.start_ns, part.end_ns) for part in found.recorded]
        + [(gap.start_ns, gap.end_ns) for gap in found.gaps]
    )
    assert parts[0][0] == 0
    assert parts[-1][1] == 200 * NS_PER_S
    assert all(before[1] == after[0] for before, after in itertools.pairwise(parts))
    assert merge((part.start_ns, part.end_ns) for part in found.recorded) == clip(
        merge(ns(local) + ns(stored)), 0, 200 * NS_PER_S
    )


def reported_gap(start_s: float, end_s: float, cause: GapCause) -> Gap:
    return Gap("cam", round(start_s * NS_PER_S), round(end_s * NS_PER_S), cause)


def test_a_hole_of_a_second_is_none_and_a_longer_one_is_exact() -> None:
    local = [
        (0, 10 * NS_PER_S),
        (11 * NS_PER_S, 20 * NS_PER_S),
        (21_001 * NS_PER_S // 1000, 30 * NS_PER_S),
    ]
    (gap,) = account(CoverageRequest("cam", 0, 30 * NS_PER_S), local, [], []).gaps
    assert (gap.start_ns, gap.end_ns, gap.cause) == (
        20 * NS_PER_S,
        21_001 * NS_PER_S // 1000,
        GapCause.UNKNOWN,
    )


def test_an_unexplained_gap_before_a_start_is_part_of_the_restart() -> None:
    found = account(
        CoverageRequest("cam", 0, 60 * NS_PER_S),
        [(0, 10 * NS_PER_S), (32 * NS_PER_S, 60 * NS_PER_S)],
        [],
        [reported_gap(30, 32, GapCause.RESTART)],
    )
    assert [(gap.start_ns, gap.end_ns, gap.cause) for gap in found.gaps] == [
        (10 * NS_PER_S, 32 * NS_PER_S, GapCause.RESTART)
    ]


def test_a_gap_tells_since_when_also_where_only_its_end_was_asked_for() -> None:
    (gap,) = account(
        CoverageRequest("cam", 50 * NS_PER_S, 60 * NS_PER_S),
        [],
        [],
        [reported_gap(20, 90, GapCause.CAMERA_DOWN)],
    ).gaps
    assert (gap.start_ns, gap.end_ns, gap.since_ns) == (50 * NS_PER_S, 60 * NS_PER_S, 20 * NS_PER_S)


@given(SECONDS, SECONDS, REPORTED, SECONDS)
def test_only_what_is_recorded_can_be_damaged(
    local: list[tuple[int, int]],
    stored: list[tuple[int, int]],
    rows: list[tuple[int, int, GapCause]],
    parts: list[tuple[int, int]],
) -> None:
    reported = [Gap("cam", *ns([(at, at + seconds)])[0], cause) for at, seconds, cause in rows]
    whole = account(CoverageRequest("cam", *ns([(5, 80)])[0]), ns(local), ns(stored), reported)
    damaged = sorted(ns(parts))
    found = without_damaged(whole, "cam", damaged)
    step_ns = NS_PER_S // 2
    for at_ns in range(*ns([(5, 80)])[0], step_ns):
        was = [one.where for one in whole.recorded if one.start_ns <= at_ns < one.end_ns]
        is_now = [one.where for one in found.recorded if one.start_ns <= at_ns < one.end_ns]
        causes = [gap.cause for gap in found.gaps if gap.start_ns <= at_ns < gap.end_ns]
        is_damaged = any(start <= at_ns < end for start, end in damaged)
        assert is_now == ([] if is_damaged else was)
        assert (causes == [GapCause.DAMAGED]) == bool(was and is_damaged)
    starts = [gap.start_ns for gap in found.gaps]
    assert starts == sorted(starts)
