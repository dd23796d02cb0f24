"""The pictures and the sound of a piece of recording with their wall times, from a keyframe on, for
`cut_clip.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from domain.clock import NS_PER_S
from domain.media.packets import ticks_to_ns
from storage.mp4.boxes import whole_bytes
from storage.mp4.demuxer import Mp4Reader, Sample
from storage.recordings.cut_plan import CutPiece

_SOUND_LATE_NS = NS_PER_S
"""How far sound may be stored after its picture in a file."""


@dataclass(frozen=True, slots=True)
class Timed:
    sample: Sample
    wall_ns: int
    decode_ns: int
    duration_ns: int

    @property
    def end_ns(self) -> int:
        return self.wall_ns + self.duration_ns


def from_keyframe(piece: CutPiece, is_first: bool, with_sound: bool) -> Iterator[Timed]:
    """Yield the packets of a piece from a keyframe on: for a clip's first piece the one at or
    before its start, for others the one after.
    """
    path = piece.segment.path
    limit_bytes = whole_bytes(path)
    entry_ns: int | None = _entry_ns(piece, limit_bytes, is_first)
    late_ns = _SOUND_LATE_NS if with_sound else 0
    with Mp4Reader(path, limit_bytes) as reader:
        for timed in _timed(reader, piece.segment.start_ns, with_sound):
            if timed.decode_ns >= piece.to_ns + late_ns:
                return
            if timed.decode_ns >= piece.to_ns and not timed.sample.is_sound:
                continue
            if entry_ns is not None and (
                timed.sample.is_sound or timed.wall_ns < entry_ns or not timed.sample.is_keyframe
            ):
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
        for timed in _timed(reader, start_ns):
            if timed.decode_ns > piece.from_ns:
                break
            if timed.sample.is_keyframe and timed.wall_ns <= piece.from_ns:
                entry_ns = timed.wall_ns
    return entry_ns


def _timed(reader: Mp4Reader, start_ns: int, with_sound: bool = False) -> Iterator[Timed]:
    """Yield the samples with their wall times; time 0 of sound and pictures is that of the first
    picture shown.
    """
    base = reader.parameters.time_base
    sound_base = Fraction(1, reader.sound_hz or 1)
    first_pts: int | None = None
    for sample in reader.with_sound() if with_sound else reader:
        if sample.is_sound:
            wall_ns = start_ns + ticks_to_ns(sample.pts, sound_base)
            yield Timed(sample, wall_ns, wall_ns, ticks_to_ns(sample.duration, sound_base))
            continue
        if first_pts is None:
            first_pts = sample.pts
        wall_ns, decode_ns = (
            start_ns + ticks_to_ns(ticks - first_pts, base) for ticks in (sample.pts, sample.dts)
        )
        yield Timed(sample, wall_ns, decode_ns, ticks_to_ns(sample.duration, base))
