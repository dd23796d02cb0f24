"""The pictures of a piece of recording with their wall times, from a keyframe on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.media.packets import ticks_to_ns
from storage.mp4.boxes import whole_bytes
from storage.mp4.demuxer import Mp4Reader, Sample
from storage.recordings.cut_plan import CutPiece


@dataclass(frozen=True, slots=True)
class Timed:
    sample: Sample
    wall_ns: int
    decode_ns: int
    duration_ns: int


def from_keyframe(piece: CutPiece, is_first: bool) -> Iterator[Timed]:
    """Yield the pictures of a piece from a keyframe on: for the first piece of a range the one at
    or before its start, for others the one after.
    """
    path = piece.segment.path
    limit_bytes = whole_bytes(path)
    entry_ns: int | None = _entry_ns(piece, limit_bytes, is_first)
    with Mp4Reader(path, limit_bytes) as reader:
        for timed in timed_pictures(reader, piece.segment.start_ns):
            if timed.decode_ns >= piece.to_ns:
                return
            if entry_ns is not None and (timed.wall_ns < entry_ns or not timed.sample.is_keyframe):
                continue
            entry_ns = None
            yield timed


def _entry_ns(piece: CutPiece, limit_bytes: int, is_first: bool) -> int:
    """Return the wall time at or after which the piece's first keyframe is required."""
    start_ns = piece.segment.start_ns
    if piece.from_ns <= start_ns or not is_first:
        return piece.from_ns
    entry_ns = start_ns
    with Mp4Reader(piece.segment.path, limit_bytes) as reader:
        for timed in timed_pictures(reader, start_ns):
            if timed.decode_ns > piece.from_ns:
                break
            if timed.sample.is_keyframe and timed.wall_ns <= piece.from_ns:
                entry_ns = timed.wall_ns
    return entry_ns


def timed_pictures(reader: Mp4Reader, start_ns: int) -> Iterator[Timed]:
    """Yield the pictures with their wall times; the first one is shown at the segment's start."""
    base = reader.parameters.time_base
    first_pts: int | None = None
    for sample in reader:
        if first_pts is None:
            first_pts = sample.pts
        wall_ns, decode_ns = (
            start_ns + ticks_to_ns(ticks - first_pts, base) for ticks in (sample.pts, sample.dts)
        )
        yield Timed(sample, wall_ns, decode_ns, ticks_to_ns(sample.duration, base))
