"""The header of a progressive MP4 file: one edit list a track, so that players start at time 0
(ISO/IEC 14496-12, 8.6 and 8.7). Pure.

Samples before time 0 are needed for decoding, and hidden. A gap lengthens the sample before it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storage.mp4.sample_entries import MATRIX, box, full_box
from storage.mp4.tracks import TrackHeader

MOVIE_SCALE = 90_000
_FILE_TYPE = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
_MEDIA_HEADS = {
    False: (b"vide", full_box(b"vmhd", 0, 1, bytes(8))),
    True: (b"soun", full_box(b"smhd", 0, 0, bytes(4))),
}
_LARGE_BOX_BYTES = 16
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TrackTables:
    """The samples of one track of a progressive file, at least one, in decoding order. Times are in
    ticks of 1 / `timescale` s.
    """

    header: TrackHeader
    timescale: int
    times: IntArray
    """Decoding times, which rise."""
    shifts: IntArray
    """Presentation times minus decoding times."""
    sizes: IntArray
    keyframes: IntArray
    """The numbers of the keyframes, from 1."""
    chunks: IntArray
    """The distance of each chunk from the first byte of the media data."""
    in_chunk: IntArray
    """The number of samples in each chunk."""
    end: int
    """The latest end of a sample."""
    last_duration: int

    @property
    def shown(self) -> int:
        """How long it is shown from time 0 on, in ticks of the movie."""
        return max(0, self.end) * MOVIE_SCALE // self.timescale

    def trak(self, number: int, body_at: int) -> bytes:
        """Return the `trak`; `body_at` is the offset of the first sample in the file."""
        head = (
            struct.pack(">QQIIQ", 0, 0, number, 0, self.shown)
            + bytes(12)
            + (b"\1\0" if self.header.is_sound else bytes(2))
            + bytes(2)
            + MATRIX
            + self.header.shown_size
        )
        offsets = full_box(b"co64", 0, 0, _numbers(">u8", self.chunks + body_at))
        tables = box(b"stbl", self.header.description + self._tables + offsets)
        return box(
            b"trak",
            full_box(b"tkhd", 1, 3, head) + self._edits() + box(b"mdia", self._media(tables)),
        )

    def _edits(self) -> bytes:
        """Return the edits from time 0 on: a track that begins before it shows the part after it; a
        later track shows nothing until its start.
        """
        first = int(self.times[0])
        edits = [
            (max(0, self.shown - max(0, first) * MOVIE_SCALE // self.timescale), max(0, -first))
        ]
        if first > 0 and self.header.is_sound:
            edits.insert(0, (first * MOVIE_SCALE // self.timescale, -1))
        rows = b"".join(struct.pack(">QqI", length, start, 0x10000) for length, start in edits)
        return box(b"edts", full_box(b"elst", 1, 0, len(edits).to_bytes(4, "big") + rows))

    def _media(self, tables: bytes) -> bytes:
        handler, media_head = _MEDIA_HEADS[self.header.is_sound]
        length = int(self.times[-1] - self.times[0]) + self.last_duration
        head = full_box(
            b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, self.timescale, length, 0x55C4, 0)
        )
        head += full_box(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + b"Sightline\0")
        here = box(
            b"dinf", full_box(b"dref", 0, 0, (1).to_bytes(4, "big") + full_box(b"url ", 0, 1, b""))
        )
        return head + box(b"minf", media_head + here + tables)

    @cached_property
    def _tables(self) -> bytes:
        """The tables that do not depend on the place of the media data."""
        durations = np.append(np.diff(self.times), self.last_duration)
        tables = full_box(b"stts", 0, 0, _runs(durations))
        if np.any(self.shifts):
            tables += full_box(b"ctts", 1, 0, _runs(self.shifts))
        if len(self.keyframes) < len(self.times):
            tables += full_box(b"stss", 0, 0, _numbers(">u4", self.keyframes))
        first = _run_starts(self.in_chunk)
        rows = np.column_stack((first + 1, self.in_chunk[first], np.ones(len(first), np.int64)))
        tables += full_box(b"stsc", 0, 0, _numbers(">u4", rows))
        return tables + full_box(b"stsz", 0, 0, bytes(4) + _numbers(">u4", self.sizes))


def file_head(tracks: Sequence[TrackTables], body_bytes: int) -> bytes:
    """Return all of a file before its media data, which has `body_bytes`: `ftyp`, `moov` and the
    header of `mdat`.
    """
    media_head = struct.pack(">I4sQ", 1, b"mdat", _LARGE_BOX_BYTES + body_bytes)
    # The offsets have a fixed length, so the length of the movie is known before they are.
    body_at = len(_FILE_TYPE) + len(_movie(tracks, 0)) + len(media_head)
    return _FILE_TYPE + _movie(tracks, body_at) + media_head


def _movie(tracks: Sequence[TrackTables], body_at: int) -> bytes:
    length = max((track.shown for track in tracks), default=0)
    head = struct.pack(">QQIQIH10x", 0, 0, MOVIE_SCALE, length, 0x10000, 0x100) + MATRIX + bytes(24)
    boxes = b"".join(track.trak(number, body_at) for number, track in enumerate(tracks, 1))
    return box(
        b"moov", full_box(b"mvhd", 1, 0, head + (len(tracks) + 1).to_bytes(4, "big")) + boxes
    )


def _runs(values: IntArray) -> bytes:
    """Return the number of runs of equal values, and (count, value) of each."""
    first = _run_starts(values)
    counts = np.diff(np.append(first, len(values)))
    return _numbers(">i4", np.column_stack((counts, values[first])))


def _run_starts(values: IntArray) -> IntArray:
    """Return the places at which a run of equal values begins."""
    changes = np.flatnonzero(np.diff(values)) + 1
    return np.concatenate((np.zeros(min(1, len(values)), np.int64), changes))


def _numbers(form: str, rows: IntArray) -> bytes:
    """Return the number of rows, and all their numbers."""
    return len(rows).to_bytes(4, "big") + rows.astype(form).tobytes()
