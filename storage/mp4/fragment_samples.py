"""The samples of the fragments of an MP4 file, from their `moof` boxes (ISO/IEC 14496-12, 8.8), and
fragments with only one keyframe. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataLoss
from storage.mp4.fragment_times import FULL_BOX_BYTES, BoxRange, Head, boxes_in, trafs_in, u32
from storage.mp4.sample_entries import box, full_box

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_NOT_SYNC = 0x10000
_KEYFRAME = 0x02000000
_BASE_IS_MOOF = 0x020000
_HAS_OFFSET, _HAS_FIRST_FLAGS = 1, 4
_COLUMNS = (0x100, 0x200, 0x400, 0x800)
"""The flags of `trun` that say which of duration, size, flags and pts - dts each row has."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackRun:
    """Consecutive samples of one track: their ranges in the file, and their times in ticks."""

    track: int
    offsets: IntArray
    sizes: IntArray
    decode_times: IntArray
    durations: IntArray
    shown_after: IntArray
    """Presentation times minus decoding times."""
    are_keyframes: BoolArray


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A picture with which decoding can begin, and its times in ticks of its track."""

    data: bytes
    decode_time: int
    duration: int
    """How long it is shown alone."""
    shown_after: int
    """Presentation time minus decoding time."""


def runs_of(moof: bytes, offset: int, head: Head) -> list[TrackRun]:
    """Return the samples of a `moof`, which is at `offset` of its file, a run for each `trun`.

    Raises DataLoss.
    """
    try:
        return [run for traf in trafs_in(moof) for run in _runs(moof, offset, traf, head)]
    except (struct.error, LookupError, ValueError, OverflowError) as error:
        raise DataLoss("a fragment of a segment is damaged: {error}", error=error) from error


def picture_fragment(sequence: int, picture: Keyframe, head: Head) -> bytes:
    """Return a fragment with only one keyframe, shown at its own time."""
    size_bytes = len(picture.data)
    tfhd = full_box(b"tfhd", 0, _BASE_IS_MOOF, struct.pack(">I", head.video_track))
    tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", picture.decode_time))
    row = struct.pack(">IIIi", picture.duration, size_bytes, _KEYFRAME, picture.shown_after)
    size = 8 + 16 + 8 + len(tfhd) + len(tfdt) + 20 + len(row)
    trun = full_box(b"trun", 1, 0xF01, struct.pack(">Ii", 1, size + 8) + row)
    mfhd = full_box(b"mfhd", 0, 0, struct.pack(">I", sequence))
    traf = box(b"traf", tfhd + tfdt + trun)
    return box(b"moof", mfhd + traf) + box(b"mdat", picture.data)


def _runs(data: bytes, offset: int, traf: BoxRange, head: Head) -> Iterator[TrackRun]:
    parts = list(boxes_in(data, traf.body, traf.end))
    by_type = {part.type: part for part in parts}
    track, base, defaults = _track_of(data, offset, by_type[b"tfhd"], head)
    times = by_type[b"tfdt"].body
    (decode_time,) = struct.unpack_from(">Q" if data[times] else ">I", data, times + FULL_BOX_BYTES)
    at_byte = base
    for part in parts:
        if part.type == b"trun":
            run = _run(data, part, (track, base, at_byte, decode_time), defaults)
            if len(run.sizes):
                at_byte = int(run.offsets[-1] + run.sizes[-1])
                decode_time = int(run.decode_times[-1] + run.durations[-1])
                yield run


def _run(
    data: bytes, trun: BoxRange, at: tuple[int, int, int, int], defaults: tuple[int, int, int]
) -> TrackRun:
    track, base, at_byte, decode_time = at
    said, count = u32(data, trun.body) & 0xFFFFFF, u32(data, trun.body + 4)
    position = trun.body + 8
    if said & _HAS_OFFSET:
        (distance,) = struct.unpack_from(">i", data, position)
        at_byte, position = base + distance, position + 4
    first_flags: int | None = None
    if said & _HAS_FIRST_FLAGS:
        first_flags, position = u32(data, position), position + 4
    duration, size, flags, shown_after = _columns(
        data, (position, trun.end), count, said, (*defaults, 0)
    )
    if first_flags is not None and count:
        flags[0] = first_flags
    return TrackRun(
        track,
        at_byte + np.cumsum(size) - size,
        size,
        decode_time + np.cumsum(duration) - duration,
        duration,
        np.where(shown_after >> 31, shown_after - (1 << 32), shown_after),
        (flags & _NOT_SYNC) == 0,
    )


def _columns(
    data: bytes, within: tuple[int, int], count: int, said: int, defaults: tuple[int, ...]
) -> list[IntArray]:
    """Return duration, size, flags and pts - dts of `count` rows. Raises ValueError if the box is
    too short.
    """
    present = [column for column, bit in enumerate(_COLUMNS) if said & bit]
    start, end = within
    if start + 4 * count * len(present) > end:
        raise ValueError("a table of samples is longer than its box")
    if not present and count > len(data):
        raise ValueError("a table names more samples than the fragment can have")
    rows = np.frombuffer(data, ">u4", count * len(present), start).reshape(count, len(present))
    columns = [np.full(count, default, np.int64) for default in defaults]
    for place, column in enumerate(present):
        columns[column] = rows[:, place].astype(np.int64)
    return columns


def _track_of(
    data: bytes, offset: int, tfhd: BoxRange, head: Head
) -> tuple[int, int, tuple[int, int, int]]:
    """Return the track, the byte from which offsets count, and what rows have by default."""
    said, track = u32(data, tfhd.body) & 0xFFFFFF, u32(data, tfhd.body + FULL_BOX_BYTES)
    at, base = tfhd.body + 8, offset
    if said & 1:
        (base,) = struct.unpack_from(">Q", data, at)
        at += 8
    at += 4 if said & 2 else 0
    found = list(head.defaults.get(track, (0, 0, 0)))
    for column, bit in enumerate((8, 0x10, 0x20)):
        if said & bit:
            found[column], at = u32(data, at), at + 4
    return track, base, (found[0], found[1], found[2])
