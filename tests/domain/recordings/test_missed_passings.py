"""When a missed passing may have begun, in comparison with every passing that could have been."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.missed_passings import MissedPassings, missed_starts, partly_of
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import (
    SEEN_ENOUGH_NS,
    SHORTEST_PASSING_NS,
    PartlyAnalysed,
    PartlyCause,
    cover,
)

STEP_NS = 50 * NS_PER_MS
ENOUGH, SHORTEST = SEEN_ENOUGH_NS // STEP_NS, SHORTEST_PASSING_NS // STEP_NS
CAUSES = [PartlyCause.OVERLOAD, PartlyCause.SETTLED, PartlyCause.DECODER]


def times(seconds: list[tuple[float, float, PartlyCause]]) -> list[PartlyAnalysed]:
    return [
        PartlyAnalysed(round(start_s * NS_PER_S), round(end_s * NS_PER_S), cause)
        for start_s, end_s, cause in seconds
    ]


def seconds(ranges: list[PartlyAnalysed]) -> list[tuple[float, float, PartlyCause]]:
    return [(one.start_ns / NS_PER_S, one.end_ns / NS_PER_S, one.cause) for one in ranges]


def without_causes(ranges: list[PartlyAnalysed]) -> list[tuple[int, int, None]]:
    return overlay([(one.start_ns, one.end_ns, None) for one in ranges])


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[bool, int, PartlyCause]]:
    """Alternating times, analysed or not: their lengths in steps, and the cause of the latter."""
    lengths = draw(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 60)), max_size=5))
    causes = draw(st.lists(st.sampled_from(CAUSES), min_size=5, max_size=5))
    found = list[tuple[bool, int, PartlyCause]]()
    for number, ((seen, unseen), cause) in enumerate(zip(lengths, causes, strict=False)):
        found += [(True, seen if number else 60, cause), (False, unseen, cause)]
    return [*found, (True, 60, CAUSES[0])]


def placed(
    schedule: list[tuple[bool, int, PartlyCause]],
) -> tuple[list[tuple[int, int, bool]], list[PartlyAnalysed]]:
    """Return the analysed times, each with whether all in view was settled at its end, and the
    others.
    """
    seen, unseen, at = list[tuple[int, int, bool]](), list[PartlyAnalysed](), 0
    for number, (is_seen, length, cause) in enumerate(schedule):
        if is_seen:
            after = schedule[number + 1] if number + 1 < len(schedule) else None
            is_settled = after is not None and not after[0] and after[2] is PartlyCause.SETTLED
            seen.append((at, at + length, is_settled))
        else:
            unseen.append(PartlyAnalysed(at * STEP_NS, (at + length) * STEP_NS, cause))
        at += length
    return seen, unseen


def is_missed(seen: list[tuple[int, int, bool]], enter: int, leave: int) -> bool:
    """Whether no analysed time shows enough of a passing that is in view in [enter, leave)."""
    for start, end, is_settled in seen:
        if min(end, leave) - max(start, enter) >= ENOUGH:
            return False
        if is_settled and enter <= max(start, end - ENOUGH) and leave >= end:
            return False
    return True


@given(schedule=schedules(), length=st.integers(SHORTEST, 3 * SHORTEST))
def test_every_missed_passing_begins_in_a_range(
    schedule: list[tuple[bool, int, PartlyCause]], length: int
) -> None:
    seen, unseen = placed(schedule)
    ranges = missed_starts(unseen)
    for enter in range(seen[-1][1] - length):
        if is_missed(seen, enter, enter + length):
            assert any(one.start_ns <= enter * STEP_NS <= one.end_ns for one in ranges)


@given(schedule=schedules())
def test_at_each_moment_of_a_range_a_passing_that_would_be_missed_may_begin(
    schedule: list[tuple[bool, int, PartlyCause]],
) -> None:
    """Except near a short analysed time at whose end everything in view was settled."""
    seen, unseen = placed(schedule)
    assume(all(end - start >= ENOUGH for start, end, is_settled in seen if is_settled))
    for one in missed_starts(unseen):
        for start_ns in range(one.start_ns + STEP_NS, one.end_ns - STEP_NS, STEP_NS):
            enter = start_ns // STEP_NS
            assert is_missed(seen, enter, enter + SHORTEST)


def test_the_range_of_a_rest_begins_after_the_vehicle_that_was_read() -> None:
    """It came at 0 s and was read at 0.7 s. However long it stays, it is in no range."""
    (rest,) = missed_starts(times([(0.7, 2.0, PartlyCause.SETTLED)]))
    assert 0.0 < rest.start_ns / NS_PER_S < rest.end_ns / NS_PER_S <= 1.0


def test_a_short_time_without_looks_hides_no_passing() -> None:
    short_s = (SHORTEST_PASSING_NS - 2 * SEEN_ENOUGH_NS) / NS_PER_S
    assert missed_starts(times([(1.0, 1.0 + short_s, PartlyCause.OVERLOAD)])) == []


def test_groups_that_adjoin_are_one_time_and_keep_their_causes() -> None:
    groups = [(0.0, 2.0, PartlyCause.OVERLOAD), (2.1, 4.0, PartlyCause.DECODER)]
    assert seconds(missed_starts(times(groups))) == [
        (-0.5, 1.6, PartlyCause.OVERLOAD),
        (1.6, 3.0, PartlyCause.DECODER),
    ]


def test_what_was_in_view_when_everything_was_settled_is_found_however_short_the_time() -> None:
    groups = [(0.0, 2.0, PartlyCause.OVERLOAD), (2.3, 4.0, PartlyCause.SETTLED)]
    assert seconds(missed_starts(times(groups))) == [
        (-0.5, 1.0, PartlyCause.OVERLOAD),
        (1.8, 3.0, PartlyCause.SETTLED),
    ]


@given(schedule=schedules(), are_gaps=st.lists(st.booleans(), min_size=5, max_size=5))
def test_gaps_and_logged_ranges_are_joined_as_if_all_were_known_at_once(
    schedule: list[tuple[bool, int, PartlyCause]], are_gaps: list[bool]
) -> None:
    unseen = [
        one._replace(cause=PartlyCause.DECODER) if is_gap else one
        for one, is_gap in zip(placed(schedule)[1], are_gaps, strict=False)
    ]
    missed, gaps, logged = MissedPassings(), list[Gap](), list[PartlyAnalysed]()
    for one, is_gap in zip(unseen, are_gaps, strict=False):
        if is_gap:
            gaps.append(Gap("cam", one.start_ns, one.end_ns, GapCause.DECODER))
        else:
            logged += missed.add([one])
    assert without_causes(partly_of(gaps, logged)) == without_causes(missed_starts(unseen))


def test_a_time_too_short_for_a_range_counts_if_a_gap_adjoins_it() -> None:
    """A passing from 4.7 s on would be seen for 0.3 s, and for 0.2 s before the gap."""
    missed = MissedPassings()
    (short,) = missed.add(times([(5.0, 5.4, PartlyCause.OVERLOAD)]))
    assert short.end_ns <= short.start_ns
    assert missed.add(times([(5.0, 5.4, PartlyCause.OVERLOAD)])) == [], "it is given once"
    assert partly_of([], [short]) == []
    assert cover(0, 20 * NS_PER_S, [short]).partly == ()
    gap = Gap("cam", round(5.6 * NS_PER_S), 9 * NS_PER_S, GapCause.CAMERA_DOWN)
    assert seconds(partly_of([gap], [short])) == [
        (4.5, 5.1, PartlyCause.OVERLOAD),
        (5.1, 8.0, PartlyCause.CAMERA_DOWN),
    ]


def test_a_passing_that_begins_just_before_a_gap_is_missed_and_one_at_its_end_is_not() -> None:
    gap = Gap("cam", 2 * NS_PER_S, 7 * NS_PER_S, GapCause.RESTART)
    assert seconds(partly_of([gap], [])) == [(1.5, 6.0, PartlyCause.RESTART)]


def test_gaps_that_did_not_limit_the_analysis_are_in_no_range() -> None:
    gap = Gap("cam", 2 * NS_PER_S, 7 * NS_PER_S, GapCause.DISK)
    assert partly_of([gap], []) == []


@given(schedule=schedules(), order=st.randoms(use_true_random=False), parts=st.integers(1, 4))
def test_ranges_given_step_by_step_cover_the_same_and_none_twice(
    schedule: list[tuple[bool, int, PartlyCause]], order: Random, parts: int
) -> None:
    """Two threads report times, so a later one may come first."""
    _, unseen = placed(schedule)
    unseen = [one for one in unseen if one.cause is not PartlyCause.SETTLED]
    order.shuffle(unseen)
    missed, given_steps = MissedPassings(), list[int]()
    for first in range(0, len(unseen), parts):
        for one in missed.add(unseen[first : first + parts]):
            given_steps += range(one.start_ns // STEP_NS, one.end_ns // STEP_NS)
    expected = [
        step
        for one in missed_starts(unseen)
        for step in range(one.start_ns // STEP_NS, one.end_ns // STEP_NS)
    ]
    assert sorted(given_steps) == expected


def test_a_time_that_continues_for_minutes_is_one_without_holes() -> None:
    missed, given_ranges = MissedPassings(), list[PartlyAnalysed]()
    for second in range(300):
        given_ranges += missed.add(times([(second, second + 1, PartlyCause.OVERLOAD)]))
    assert seconds(given_ranges[:1]) == [(-0.5, 0.0, PartlyCause.OVERLOAD)]
    for before, after in pairwise(given_ranges):
        assert before.end_ns == after.start_ns
    assert seconds(given_ranges[-1:]) == [(298.0, 299.0, PartlyCause.OVERLOAD)]
    assert missed.add([]) == []
