"""Reads the files of a camera with libavformat and decodes them. What they contain is the truth
with which the ledger is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import av

from domain.clock import NS_PER_MS, NS_PER_S
from domain.paths.segment_name import SegmentName

Span = tuple[int, int]
"""[start, end) in UTC nanoseconds."""
HOLE_NS = NS_PER_S
"""The rule of docs/recording.md: pictures further apart than this leave a hole."""
_NAME_MAY_BE_OFF_NS = 2 * NS_PER_MS


@dataclass(slots=True)
class Files:
    """`spans` are what is really there, by start; `faults` are sentences."""

    spans: list[Span] = field(default_factory=list)
    pictures: int = 0
    faults: list[str] = field(default_factory=list)


def read_files(folder: Path) -> Files:
    """Every segment of a camera, by start. An open one is a fault: this is for after a clean
    stop.
    """
    found = Files()
    end_ns = 0
    named = [(SegmentName.parse(file.name), file) for file in folder.rglob("*.mp4")]
    found.faults += [f"{file.name} was never finished" for name, file in named if name is None]
    for name, file in sorted((name, file) for name, file in named if name is not None):
        if name.start_ns < end_ns - _NAME_MAY_BE_OFF_NS:
            found.faults.append(
                f"{file.name} begins {(end_ns - name.start_ns) / NS_PER_S:.2f} s before the one "
                "before it ends"
            )
        end_ns = name.end_ns
        _read(name, file, found)
    return found


def _read(name: SegmentName, file: Path, found: Files) -> None:
    times_ns, broken = _pictures(file, name.start_ns)
    if broken:
        found.faults.append(f"{file.name}: {broken} of {len(times_ns)} pictures cannot be decoded")
    if not times_ns:
        found.faults.append(f"{file.name} holds no picture")
        return
    usual_ns = (
        sorted(after - before for before, after in pairwise(times_ns))[len(times_ns) // 2]
        if len(times_ns) > 2
        else NS_PER_S // 25
    )
    spans = spans_of(times_ns, usual_ns)
    if abs(spans[-1][1] - name.end_ns) > HOLE_NS:
        found.faults.append(
            f"{file.name} ends {(name.end_ns - spans[-1][1]) / NS_PER_S:+.2f} s from its last "
            "picture's end"
        )
    found.spans += spans
    found.pictures += len(times_ns)


def _pictures(file: Path, start_ns: int) -> tuple[list[int], int]:
    times_ns, broken = [], 0
    with av.open(str(file)) as container:
        (stream,) = container.streams.video
        assert stream.time_base is not None
        for packet in container.demux(stream):
            if packet.pts is not None and packet.size:
                times_ns.append(start_ns + round(packet.pts * stream.time_base * NS_PER_S))
            try:
                packet.decode()
            except av.error.InvalidDataError:
                broken += 1
    return sorted(times_ns), broken


def spans_of(times_ns: Sequence[int], usual_ns: int) -> list[Span]:
    """Pictures joined to stretches; each lasts as long as is usual."""
    spans = [(times_ns[0], times_ns[0] + usual_ns)]
    for at_ns in times_ns[1:]:
        start_ns, end_ns = spans[-1]
        if at_ns - end_ns > HOLE_NS:
            spans.append((at_ns, at_ns + usual_ns))
        else:
            spans[-1] = (start_ns, max(end_ns, at_ns + usual_ns))
    return spans


def joined(spans: Iterable[Span]) -> list[Span]:
    """In order, with those made one between which is no hole."""
    result: list[Span] = []
    for start_ns, end_ns in sorted(spans):
        if result and start_ns - result[-1][1] <= HOLE_NS:
            result[-1] = (result[-1][0], max(result[-1][1], end_ns))
        else:
            result.append((start_ns, end_ns))
    return result


def holes(spans: Iterable[Span], from_ns: int, to_ns: int) -> list[Span]:
    """What is missing within [from_ns, to_ns), but for what is too short to be a hole."""
    edge_ns, found = from_ns, []
    for start_ns, end_ns in joined(spans):
        if end_ns <= from_ns or start_ns >= to_ns:
            continue
        if start_ns - edge_ns > HOLE_NS:
            found.append((edge_ns, start_ns))
        edge_ns = max(edge_ns, end_ns)
    return [*found, (edge_ns, to_ns)] if to_ns - edge_ns > HOLE_NS else found


def differences(one: Iterable[Span], other: Iterable[Span], from_ns: int, to_ns: int) -> list[Span]:
    """Where only one of two accounts of [from_ns, to_ns) has something, for longer than a hole."""
    ones, others = holes(one, from_ns, to_ns), holes(other, from_ns, to_ns)
    edges = sorted({from_ns, to_ns, *(edge for pair in (*ones, *others) for edge in pair)})
    parts = [
        (start, end)
        for start, end in pairwise(edges)
        if _lies_in(start, end, ones) != _lies_in(start, end, others)
    ]
    return [(start, end) for start, end in parts if end - start > HOLE_NS]


def _lies_in(start_ns: int, end_ns: int, spans: Sequence[Span]) -> bool:
    return any(first <= start_ns and end_ns <= last for first, last in spans)
