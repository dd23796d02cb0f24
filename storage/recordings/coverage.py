"""The account of a camera's time: every moment of a range is recorded, and where, or missing, and
why. Pure; UTC nanoseconds.

Recorded stretches win over everything that is said of gaps; of that, what is said last.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.recordings.gaps import Gap, GapCause
from domain.recordings.overlay_intervals import overlay
from storage.recordings.recorded_ranges import JOIN_NS, Range, clip, merge


class Where(StrEnum):
    LOCAL = "local"  # on the disk of a node
    OBJECTS = "objects"  # in the object store
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start_ns, end_ns) is recorded, and lies there."""

    start_ns: int
    end_ns: int
    where: Where


@dataclass(frozen=True, slots=True)
class Coverage:
    recorded: tuple[Stretch, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """A range of a camera's time."""

    camera_id: str
    from_ns: int
    to_ns: int


def account(
    asked: CoverageRequest, local: Sequence[Range], stored: Sequence[Range], told: Sequence[Gap]
) -> Coverage:
    """What is known of the range, without a moment left out but holes of no more than JOIN_NS;
    `told` in the order of being said.
    """
    from_ns, to_ns = asked.from_ns, asked.to_ns
    recorded = clip(merge([*local, *stored]), from_ns, to_ns)
    layers: list[tuple[int, int, Gap | None]] = [
        (from_ns, to_ns, Gap(asked.camera_id, 0, 0, GapCause.UNKNOWN))
    ]
    layers += [(max(gap.start_ns, from_ns), min(gap.end_ns, to_ns), _said(gap)) for gap in told]
    layers += [(start_ns, end_ns, None) for start_ns, end_ns in recorded]
    gaps = [
        _placed(gap, start_ns, end_ns)
        for start_ns, end_ns, gap in overlay(layers)
        if gap is not None
    ]
    return Coverage(
        tuple(_places(recorded, merge(local), merge(stored))), tuple(_before_starts(_long(gaps)))
    )


def _said(gap: Gap) -> Gap:
    """What a gap says but for its place, so that neighbours that say the same are one; since
    when is kept.
    """
    return replace(gap, start_ns=0, end_ns=0, since_ns=gap.since_ns or gap.start_ns)


def _placed(gap: Gap, start_ns: int, end_ns: int) -> Gap:
    return replace(
        gap,
        start_ns=start_ns,
        end_ns=end_ns,
        since_ns=gap.since_ns if 0 < gap.since_ns < start_ns else 0,
    )


def _long(gaps: Sequence[Gap]) -> list[Gap]:
    """Without holes of no more than JOIN_NS; one that several causes share is as long as all of
    them.
    """
    kept: list[Gap] = []
    run: list[Gap] = []
    for gap in [*gaps, None]:
        if gap is not None and (not run or run[-1].end_ns == gap.start_ns):
            run.append(gap)
            continue
        if run[-1:] and run[-1].end_ns - run[0].start_ns > JOIN_NS:
            kept += run
        run = [] if gap is None else [gap]
    return kept


def _before_starts(gaps: Sequence[Gap]) -> list[Gap]:
    """What nobody can explain right before a process began is why it had to begin: another
    node, or process, was not there any more.
    """
    told = list(gaps)
    for at in range(len(told) - 2, -1, -1):
        gap, after = told[at], told[at + 1]
        if (
            gap.cause is GapCause.UNKNOWN
            and after.cause is GapCause.RESTART
            and gap.end_ns == after.start_ns
        ):
            told[at : at + 2] = [replace(after, start_ns=gap.start_ns, since_ns=0)]
    return told


def _places(
    recorded: Sequence[Range], local: Sequence[Range], stored: Sequence[Range]
) -> list[Stretch]:
    """Where each part of what is recorded lies. The little between a segment here and one there
    counts to the one before.
    """
    found: list[Stretch] = []
    for start_ns, end_ns in recorded:
        edges = sorted(
            {
                start_ns,
                end_ns,
                *(edge for part in clip([*local, *stored], start_ns, end_ns) for edge in part),
            }
        )
        first = len(found)
        for part_start_ns, part_end_ns in itertools.pairwise(edges):
            where = _where(_has(local, part_start_ns), _has(stored, part_start_ns))
            if where is None or (len(found) > first and found[-1].where is where):
                found[-1] = replace(found[-1], end_ns=part_end_ns)
            else:
                found.append(Stretch(part_start_ns, part_end_ns, where))
    return found


def _where(is_local: bool, is_stored: bool) -> Where | None:
    if is_local and is_stored:
        return Where.BOTH
    if is_local:
        return Where.LOCAL
    return Where.OBJECTS if is_stored else None


def _has(ranges: Sequence[Range], moment_ns: int) -> bool:
    at = bisect_right(ranges, (moment_ns, 1 << 63)) - 1
    return at >= 0 and moment_ns < ranges[at][1]
