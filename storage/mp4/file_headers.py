"""The header of a progressive MP4 file: one edit list a track, so that players start at time 0
(ISO/IEC 14496-12, 8.6 and 8.7). Pure.

Samples before time 0 are needed for decoding, and hidden. A gap lengthens the sample before it. The
header is a list of bytes objects, because the tables of a day have many megabytes that are shared
with other files.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from storage.mp4 import sample_tables as tables
from storage.mp4.sample_entries import MATRIX, box, full_box
from storage.mp4.sample_tables import PlacedTables
from storage.mp4.tracks import TrackHeader

MOVIE_SCALE = 90_000
_FILE_TYPE = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
_MEDIA_HEADS = {
    False: (b"vide", full_box(b"vmhd", 0, 1, bytes(8))),
    True: (b"soun", full_box(b"smhd", 0, 0, bytes(4))),
}
_LARGE_BOX_BYTES = 16
_BOX_HEAD_BYTES = 8
_STTS_ROW_BYTES = _CTTS_ROW_BYTES = _CO64_ROW_BYTES = 8
_STSC_ROW_BYTES = 12
_STSS_ROW_BYTES = 4
Parts = list[bytes]
"""Bytes in sequence."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackTables:
    """One track of a progressive file. Times are in ticks of 1 / `timescale` s."""

    header: TrackHeader
    timescale: int
    parts: Sequence[PlacedTables]
    """At least one, in sequence."""

    @property
    def shown(self) -> int:
        """How long it is shown from time 0 on, in ticks of the movie."""
        end = max(one.end for one in self.parts)
        return max(0, end) * MOVIE_SCALE // self.timescale

    def trak(self, number: int, body_at: int) -> Parts:
        """Return the `trak`; `body_at` is the offset of the first sample in the file."""
        head = (
            struct.pack(">QQIIQ", 0, 0, number, 0, self.shown)
            + bytes(12)
            + (b"\1\0" if self.header.is_sound else bytes(2))
            + bytes(2)
            + MATRIX
            + self.header.shown_size
        )
        content = _nested(b"stbl", [self.header.description, *self._tables(body_at)])
        return _nested(
            b"trak",
            [full_box(b"tkhd", 1, 3, head), self._edits(), *_nested(b"mdia", self._media(content))],
        )

    def _edits(self) -> bytes:
        """Return the edits from time 0 on: a track that begins before it shows the part after it; a
        later track shows nothing until its start.
        """
        first = self.parts[0].first_time
        edits = [
            (max(0, self.shown - max(0, first) * MOVIE_SCALE // self.timescale), max(0, -first))
        ]
        if first > 0 and self.header.is_sound:
            edits.insert(0, (first * MOVIE_SCALE // self.timescale, -1))
        rows = b"".join(struct.pack(">QqI", length, start, 0x10000) for length, start in edits)
        return box(b"edts", full_box(b"elst", 1, 0, len(edits).to_bytes(4, "big") + rows))

    def _media(self, content: Parts) -> Parts:
        handler, media_head = _MEDIA_HEADS[self.header.is_sound]
        last = self.parts[-1]
        length = last.last_time - self.parts[0].first_time + last.tables.last_duration
        head = full_box(
            b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, self.timescale, length, 0x55C4, 0)
        )
        head += full_box(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + b"Sightline\0")
        here = box(
            b"dinf", full_box(b"dref", 0, 0, (1).to_bytes(4, "big") + full_box(b"url ", 0, 1, b""))
        )
        return [head, *_nested(b"minf", [media_head, here, *content])]

    def _tables(self, body_at: int) -> Parts:
        parts = self.parts
        found = _table(b"stts", 0, tables.durations(parts), _STTS_ROW_BYTES)
        late = tables.shifts(parts)
        if late:
            found += _table(b"ctts", 1, late, _CTTS_ROW_BYTES)
        keyframes = tables.keyframes(parts)
        if keyframes is not None:
            found += _table(b"stss", 0, keyframes, _STSS_ROW_BYTES)
        found += _table(b"stsc", 0, tables.chunk_runs(parts), _STSC_ROW_BYTES)
        count = sum(one.tables.count for one in parts).to_bytes(4, "big")
        sizes = [one.tables.sizes for one in parts]
        found += _nested(b"stsz", [bytes(8) + count, *sizes])
        return found + _table(b"co64", 0, tables.chunk_offsets(parts, body_at), _CO64_ROW_BYTES)


def file_head(tracks: Sequence[TrackTables], body_bytes: int) -> Parts:
    """Return all of a file before its media data, which has `body_bytes`: `ftyp`, `moov` and the
    header of `mdat`.
    """
    media_head = struct.pack(">I4sQ", 1, b"mdat", _LARGE_BOX_BYTES + body_bytes)
    # The offsets have a fixed length, so the length of the movie is known before they are.
    movie_bytes = _length(_movie(tracks, 0))
    body_at = len(_FILE_TYPE) + movie_bytes + len(media_head)
    return _merged([_FILE_TYPE, *_movie(tracks, body_at), media_head])


def _movie(tracks: Sequence[TrackTables], body_at: int) -> Parts:
    length = max((track.shown for track in tracks), default=0)
    head = struct.pack(">QQIQIH10x", 0, 0, MOVIE_SCALE, length, 0x10000, 0x100) + MATRIX + bytes(24)
    head = full_box(b"mvhd", 1, 0, head + (len(tracks) + 1).to_bytes(4, "big"))
    traks = [part for number, one in enumerate(tracks, 1) for part in one.trak(number, body_at)]
    return _nested(b"moov", [head, *traks])


def _table(kind: bytes, version: int, rows: Parts, row_bytes: int) -> Parts:
    """Return a table: its version and flags, the number of rows, and the rows."""
    count = _length(rows) // row_bytes
    return _nested(kind, [struct.pack(">II", version << 24, count), *rows])


def _nested(kind: bytes, content: Parts) -> Parts:
    return [struct.pack(">I4s", _BOX_HEAD_BYTES + _length(content), kind), *content]


def _length(parts: Parts) -> int:
    return sum(map(len, parts))


_SHARED_BYTES = 4096


def _merged(parts: Parts) -> Parts:
    """Join short neighbours; long parts stay objects that several files share."""
    found: Parts = []
    short: Parts = []
    for part in parts:
        if len(part) < _SHARED_BYTES:
            short.append(part)
            continue
        found += (b"".join(short), part)
        short = []
    return [part for part in (*found, b"".join(short)) if part]
