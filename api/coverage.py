"""Which parts of a range are recorded: ranges joined and clipped, and the gaps between them. Pure; UTC nanoseconds, end excluded."""

from __future__ import annotations

from collections.abc import Iterable

from domain.clock import NS_PER_S

Range = tuple[int, int]
JOIN_NS = NS_PER_S
"""Less than this between two segments is no gap: a clip counts holes the same way."""


def merge(ranges: Iterable[Range], from_ns: int, to_ns: int) -> list[Range]:
    """The ranges within `from_ns` to `to_ns`, in order, those that touch or overlap made one."""
    merged: list[Range] = []
    for start_ns, end_ns in sorted(ranges):
        start_ns, end_ns = max(start_ns, from_ns), min(end_ns, to_ns)
        if end_ns <= start_ns:
            continue
        if merged and start_ns - merged[-1][1] <= JOIN_NS:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_ns))
        else:
            merged.append((start_ns, end_ns))
    return merged


def gaps(merged: list[Range], from_ns: int, to_ns: int) -> list[Range]:
    """What `merged` leaves out of `from_ns` to `to_ns`; parts shorter than `JOIN_NS` do not count."""
    edges = [from_ns, *(edge for pair in merged for edge in pair), to_ns]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end - start > JOIN_NS]
