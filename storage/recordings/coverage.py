"""The coverage of a camera's time range: every moment is either recorded, with its place, or
missing, with its cause. Pure; UTC nanoseconds.

Recorded ranges take precedence over reported gaps, and a later report over an earlier one.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.messages.message import Message
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.overlay_intervals import overlay
from storage.recordings.recorded_ranges import JOIN_NS, Range, clip, merge

_DAMAGED = Message(
    "what is stored differs from its SHA-256 and is not sent; restore the segment from a backup if "
    "there is one"
)


class Where(StrEnum):
    LOCAL = "local"  # on the disk of a node
    OBJECTS = "objects"  # in the object store
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start_ns, end_ns) is recorded in this place."""

    start_ns: int
    end_ns: int
    where: Where


@dataclass(frozen=True, slots=True)
class Coverage:
    recorded: tuple[Stretch, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """A time range of a camera."""

    camera_id: str
    from_ns: int
    to_ns: int


def account(
    request: CoverageRequest,
    local: Sequence[Range],
    stored: Sequence[Range],
    reported: Sequence[Gap],
) -> Coverage:
    """Return the coverage of the range, except for gaps of no more than JOIN_NS. `reported` gaps
    are in the order of their reports.
    """
    from_ns, to_ns = request.from_ns, request.to_ns
    recorded = clip(merge([*local, *stored]), from_ns, to_ns)
    layers: list[tuple[int, int, Gap | None]] = [
        (from_ns, to_ns, Gap(request.camera_id, 0, 0, GapCause.UNKNOWN))
    ]
    layers += [
        (max(gap.start_ns, from_ns), min(gap.end_ns, to_ns), _without_range(gap))
        for gap in reported
    ]
    layers += [(start_ns, end_ns, None) for start_ns, end_ns in recorded]
    gaps = [
        _placed(gap, start_ns, end_ns)
        for start_ns, end_ns, gap in overlay(layers)
        if gap is not None
    ]
    return Coverage(
        tuple(_places(recorded, merge(local), merge(stored))), tuple(_before_starts(_long(gaps)))
    )


def without_damaged(coverage: Coverage, camera_id: str, damaged: Sequence[Range]) -> Coverage:
    """Return a coverage in which the recorded parts of `damaged` are gaps, however short."""
    if not damaged:
        return coverage
    kept: list[Stretch] = []
    gaps = list(coverage.gaps)
    for stretch in coverage.recorded:
        layers = [(stretch.start_ns, stretch.end_ns, True)]
        layers += [(*part, False) for part in clip(damaged, stretch.start_ns, stretch.end_ns)]
        for start_ns, end_ns, is_whole in overlay(layers):
            if is_whole:
                kept.append(replace(stretch, start_ns=start_ns, end_ns=end_ns))
            else:
                gaps.append(Gap(camera_id, start_ns, end_ns, GapCause.DAMAGED, _DAMAGED))
    return Coverage(tuple(kept), tuple(sorted(gaps, key=lambda gap: gap.start_ns)))


def _without_range(gap: Gap) -> Gap:
    """Return a gap without its range, so that adjacent gaps with equal content are joined; its
    begin is kept.
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
    """Return the gaps without those of no more than JOIN_NS; a gap with several causes counts as a
    whole.
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
    """Return the gaps with the restart as the cause of an unexplained gap directly before it: no
    node or process was running.
    """
    result = list(gaps)
    for at in range(len(result) - 2, -1, -1):
        gap, after = result[at], result[at + 1]
        if (
            gap.cause is GapCause.UNKNOWN
            and after.cause is GapCause.RESTART
            and gap.end_ns == after.start_ns
        ):
            result[at : at + 2] = [replace(after, start_ns=gap.start_ns, since_ns=0)]
    return result


def _places(
    recorded: Sequence[Range], local: Sequence[Range], stored: Sequence[Range]
) -> list[Stretch]:
    """Return the place of each recorded part. A short gap between segments of different places
    counts to the earlier one.
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
