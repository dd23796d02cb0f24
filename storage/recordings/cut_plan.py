"""Which file is used for which time: the arithmetic of cutting, without reading a file. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from domain.clock import NS_PER_MS
from domain.recordings.overlay_intervals import overlay
from storage.recordings.ledger import Segment

JOIN_GAP_NS = 100 * NS_PER_MS
"""A shorter distance between two files is jitter of the arrival, and no gap."""
_FOR_EVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class CutPiece:
    """A segment, and the part of the requested range [from_ns, to_ns) for which it is used."""

    segment: Segment
    from_ns: int
    to_ns: int

    @property
    def length_ns(self) -> int:
        return self.to_ns - self.from_ns


def plan(segments: Sequence[Segment], from_ns: int, to_ns: int) -> tuple[CutPiece, ...]:
    """Return pieces in order that do not overlap. If segments overlap (recorded twice), the higher
    fencing number is used, then the later start, then the first of `segments`.
    """
    layers = [
        (max(one.start_ns, from_ns), min(_end_ns(one), to_ns), one)
        for one in reversed(segments)
        if one.start_ns < to_ns and _end_ns(one) > from_ns
    ]
    layers.sort(key=lambda layer: (layer[2].fence, layer[2].start_ns))
    return tuple(CutPiece(segment, start, end) for start, end, segment in overlay(layers))


def longest_run(pieces: Sequence[CutPiece], keys: Sequence[bytes]) -> tuple[CutPiece, ...]:
    """Return the run of adjacent pieces with an equal key (codec parameters) that has the most
    time; the earliest of equals.
    """
    keyed = zip(keys, pieces, strict=True)
    runs = [tuple(piece for _, piece in run) for _, run in groupby(keyed, key=itemgetter(0))]
    return max(runs, key=lambda run: sum(piece.length_ns for piece in run), default=())


def gaps_of(
    covered: Sequence[tuple[int, int]], from_ns: int, to_ns: int
) -> tuple[tuple[int, int], ...]:
    """Return the parts of [from_ns, to_ns) outside the ranges of `covered` (sorted by start), in
    UTC ms, except those shorter than JOIN_GAP_NS.
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
