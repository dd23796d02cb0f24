"""Overlays layers of intervals: at each time, the last layer that covers it is visible. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


def overlay(layers: Sequence[tuple[int, int, T]]) -> list[tuple[int, int, T]]:
    """Return the visible intervals (start, end, value), ordered and without overlaps. Adjacent
    intervals with equal values are joined.

    Times may have any unit; ends are excluded.
    """
    edges = sorted({edge for start, end, _ in layers if start < end for edge in (start, end)})
    waiting = sorted((start, depth) for depth, (start, end, _) in enumerate(layers) if start < end)
    seen: list[tuple[int, int, T]] = []
    over: list[int] = []
    taken = 0
    for start, end in pairwise(edges):
        while taken < len(waiting) and waiting[taken][0] <= start:
            heappush(over, -waiting[taken][1])
            taken += 1
        while over and layers[-over[0]][1] <= start:
            heappop(over)
        if over:
            _add(seen, start, end, layers[-over[0]][2])
    return seen


def _add(seen: list[tuple[int, int, T]], start: int, end: int, what: T) -> None:
    if seen and seen[-1][1] == start and seen[-1][2] == what:
        seen[-1] = (seen[-1][0], end, what)
    else:
        seen.append((start, end, what))
