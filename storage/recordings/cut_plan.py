"""Which file answers for which moment: the pure arithmetic of cutting, without a file touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import itemgetter

from domain.clock import NS_PER_MS
from storage.recordings.ledger import Segment

JOIN_GAP_NS = 100 * NS_PER_MS
"""Less than this between two files is the jitter of arrival, not something missing."""
_FOR_EVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class CutPiece:
    """A segment, and the part of the asked time [from_ns, to_ns) for which it is used."""

    segment: Segment
    from_ns: int
    to_ns: int

    @property
    def length_ns(self) -> int:
        return self.to_ns - self.from_ns


def plan(segments: Sequence[Segment], from_ns: int, to_ns: int) -> tuple[CutPiece, ...]:
    """Pieces in order that share no moment. Where segments overlap (recorded twice), the higher
    fence has it, then the later start.
    """
    within = [
        segment for segment in segments if segment.start_ns < to_ns and _end_ns(segment) > from_ns
    ]
    edges = sorted(
        {from_ns, to_ns}
        | {edge for s in within for edge in (s.start_ns, _end_ns(s)) if from_ns < edge < to_ns}
    )
    pieces: list[CutPiece] = []
    for start_ns, end_ns in pairwise(edges):
        holders = [
            segment
            for segment in within
            if segment.start_ns <= start_ns and _end_ns(segment) >= end_ns
        ]
        if not holders:
            continue
        segment = max(holders, key=lambda holder: (holder.fence, holder.start_ns))
        if pieces and pieces[-1].segment == segment and pieces[-1].to_ns == start_ns:
            pieces[-1] = replace(pieces[-1], to_ns=end_ns)
        else:
            pieces.append(CutPiece(segment, start_ns, end_ns))
    return tuple(pieces)


def longest_run(pieces: Sequence[CutPiece], keys: Sequence[bytes]) -> tuple[CutPiece, ...]:
    """Of the runs of neighbours with an equal key (codec parameters), the one that has most of
    the time; the earliest of equals.
    """
    keyed = zip(keys, pieces, strict=True)
    runs = [tuple(piece for _, piece in run) for _, run in groupby(keyed, key=itemgetter(0))]
    return max(runs, key=lambda run: sum(piece.length_ns for piece in run), default=())


def gaps_of(
    covered: Sequence[tuple[int, int]], from_ns: int, to_ns: int
) -> tuple[tuple[int, int], ...]:
    """The parts of [from_ns, to_ns) that no range of `covered` (sorted by start) has, in UTC
    ms; less than JOIN_GAP_NS is none.
    """
    gaps, until_ns = [], from_ns
    for start_ns, end_ns in [*covered, (to_ns, to_ns)]:
        start_ns = min(start_ns, to_ns)
        if start_ns - until_ns > JOIN_GAP_NS:
            gaps.append((until_ns // NS_PER_MS, start_ns // NS_PER_MS))
        until_ns = max(until_ns, end_ns)
    return tuple(gaps)


def _end_ns(segment: Segment) -> int:
    return _FOR_EVER_NS if segment.end_ns is None else segment.end_ns
