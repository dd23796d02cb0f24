"""Which file is used for which time: the arithmetic of cutting, without reading a file. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from domain.clock import NS_PER_MS
from domain.recordings.overlay_intervals import overlay
from storage.recordings.ledger import Segment

JOIN_GAP_NS = 100 * NS_PER_MS
"""A shorter distance between two files is jitter of the arrival, and no gap."""
_FOR_EVER_NS = 1 << 62


class CutPiece(NamedTuple):
    """A segment, and the part of the requested range [from_ns, to_ns) for which it is used.

    A day has thousands, and a tuple is made in a third of the time of another object.
    """

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
    if all(before[1] <= after[0] for after, before in pairwise(layers)):  # none overlap
        pieces = (CutPiece(one, start, end) for start, end, one in reversed(layers))
        return tuple(piece for piece in pieces if piece.from_ns < piece.to_ns)
    layers.sort(key=lambda layer: (layer[2].fence, layer[2].start_ns))
    return tuple(CutPiece(segment, start, end) for start, end, segment in overlay(layers))


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
