"""Derives when missed passings may have begun from the times that were not analysed. Pure.

A passing of `SHORTEST_PASSING_NS` or more is missed only if less than `SEEN_ENOUGH_NS` of it lies
in each analysed time. It then lies in one time that was not analysed, apart from less than
`SEEN_ENOUGH_NS` at each end. It began less than `SEEN_ENOUGH_NS` before that time, and at least
`SHORTEST_PASSING_NS` before `SEEN_ENOUGH_NS` after it. An analysed time shorter than
`SEEN_ENOUGH_NS` shows nothing by itself, so the times before and after it are one.

It is different if an analysed time ended because everything in view was settled. What was in view
at its end is found, however short the time was. Only what came into view less than `SEEN_ENOUGH_NS`
before may be missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from domain.recordings.gaps import Gap
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import (
    SEEN_ENOUGH_NS,
    SHORTEST_PASSING_NS,
    PartlyAnalysed,
    PartlyCause,
    cause_of_gap,
)

EARLIER_NS = SHORTEST_PASSING_NS - SEEN_ENOUGH_NS
"""A missed passing began at least this long before the end of the time that hid it."""
NEAR_NS = 2 * SHORTEST_PASSING_NS
"""What was not analysed so shortly before or after a span may change which ranges lie in it: a time
that begins within `SHORTEST_PASSING_NS`, of which more than a second must be known to be a gap.
"""
_KEPT = 32
"""So many times that were not analysed are kept, because a later one may adjoin them. The pull
thread and the analysis thread of a camera report them in no common order.
"""


def missed_starts(not_analysed: Sequence[PartlyAnalysed]) -> list[PartlyAnalysed]:
    """Return the ranges in which a missed passing may have begun, in order and without overlaps.
    Of times that overlap, the cause of the later one in the sequence counts.
    """
    return _starts(list(_joined(not_analysed)))


def _starts(joined: Sequence[Sequence[PartlyAnalysed]]) -> list[PartlyAnalysed]:
    """Return the ranges of times as `_joined` gives them."""
    found = list[PartlyAnalysed]()
    for times in joined:
        until_ns = times[-1].end_ns - EARLIER_NS
        found += [
            PartlyAnalysed(start_ns - SEEN_ENOUGH_NS, min(end_ns - SEEN_ENOUGH_NS, until_ns), cause)
            for start_ns, end_ns, cause in _without_holes(times)
        ]
    return [PartlyAnalysed._make(one) for one in overlay(found)]


def _as_short(times: Sequence[PartlyAnalysed]) -> PartlyAnalysed | None:
    """Return what stands for joined times so short that they leave no range; None for others."""
    start_ns, end_ns = times[0].start_ns - SEEN_ENOUGH_NS, times[-1].end_ns - EARLIER_NS
    return None if start_ns < end_ns else PartlyAnalysed(start_ns, end_ns, times[0].cause)


def partly_of(gaps: Iterable[Gap], logged: Sequence[PartlyAnalysed]) -> list[PartlyAnalysed]:
    """Return the ranges that are partly analysed, by the gaps of the recording and by the logged
    ranges of `MissedPassings`, in order and without overlaps. No analysed time shorter than
    `SEEN_ENOUGH_NS` between a gap and what was logged hides a passing.

    For a span, both must be known from `NEAR_NS` before it until `NEAR_NS` after it.
    """
    causes = [(gap, cause_of_gap(gap.cause)) for gap in gaps]
    times = [PartlyAnalysed(gap.start_ns, gap.end_ns, cause) for gap, cause in causes if cause]
    return missed_starts([*times, *times_of(logged)])


def times_of(ranges: Sequence[PartlyAnalysed]) -> Iterator[PartlyAnalysed]:
    """Yield the times of which `missed_starts` returns these ranges, and those that are too short
    for a range.
    """
    for start_ns, end_ns, cause in ranges:
        if start_ns >= end_ns:
            yield PartlyAnalysed(start_ns + SEEN_ENOUGH_NS, end_ns + EARLIER_NS, cause)
    seen = [PartlyAnalysed._make(one) for one in overlay(ranges)]
    for one, after in zip(seen, [*seen, None][1:], strict=False):
        is_joined = after is not None and after.start_ns == one.end_ns
        end_ns = one.end_ns + (SEEN_ENOUGH_NS if is_joined else EARLIER_NS)
        yield PartlyAnalysed(one.start_ns + SEEN_ENOUGH_NS, end_ns, one.cause)


def _joined(not_analysed: Sequence[PartlyAnalysed]) -> Iterator[list[PartlyAnalysed]]:
    """Yield the times in lists: between two times of a list nothing is found."""
    times: list[PartlyAnalysed] = []
    for one in map(PartlyAnalysed._make, overlay(not_analysed)):
        seen_ns = one.start_ns - times[-1].end_ns if times else 0
        is_known = one.cause is PartlyCause.SETTLED and seen_ns > 0
        if times and (is_known or seen_ns >= SEEN_ENOUGH_NS):
            yield times
            times = []
        times.append(one)
    if times:
        yield times


def _without_holes(times: Sequence[PartlyAnalysed]) -> Iterator[PartlyAnalysed]:
    """Yield each time up to the start of the next one."""
    for one, after in pairwise(times):
        yield one._replace(end_ns=after.start_ns)
    yield times[-1]


class MissedPassings:
    """The ranges of one camera in which missed passings may have begun, each given once. One thread
    calls it.

    A time that is too short for a range is given too, because a gap of the recording or a kill of
    the process may adjoin it. It is given as a range that ends at its start or before it.
    `partly_of` evaluates it; everything else ignores such a range.
    """

    def __init__(self) -> None:
        self._not_analysed: deque[PartlyAnalysed] = deque(maxlen=_KEPT)
        self._given: deque[PartlyAnalysed] = deque(maxlen=4 * _KEPT)

    def add(self, not_analysed: Sequence[PartlyAnalysed]) -> list[PartlyAnalysed]:
        """Return what these times add to the ranges that were given before.

        Further times never take anything from a range, so it can be given at once.
        """
        if not not_analysed:
            return []
        joined = list(_joined([*self._not_analysed, *not_analysed]))
        layers: list[tuple[int, int, PartlyCause | None]] = [*_starts(joined)]
        layers += [(one.start_ns, one.end_ns, None) for one in self._given]
        added = [
            PartlyAnalysed(start_ns, end_ns, cause)
            for start_ns, end_ns, cause in overlay(layers)
            if cause is not None
        ]
        short = (_as_short(times) for times in joined)
        added += [one for one in short if one is not None and one not in self._given]
        self._not_analysed.extend(not_analysed)
        self._given.extend(added)
        return added
