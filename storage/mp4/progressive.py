"""Writes progressive MP4: the index in front, one edit list a track, so that players start at time
0 (ISO/IEC 14496-12, 8.6 and 8.7).

Samples are written in the order of their arrival, to a file without a name; on `close` the head is
known, and both become the clip. Samples before time 0 are needed for decoding, and hidden. A gap
lengthens the sample before it.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path

from domain.errors import StoreError
from storage.mp4.sample_entries import MATRIX, box, full_box
from storage.mp4.tracks import TrackHeader

MOVIE_SCALE = 90_000
_COPY_BYTES = 1 << 20
_MEDIA_HEADS = {
    False: (b"vide", full_box(b"vmhd", 0, 1, bytes(8))),
    True: (b"soun", full_box(b"smhd", 0, 0, bytes(4))),
}


class TrackWriter:
    """One track's samples, in ticks of 1 / `timescale` s; decoding times rise. `ProgressiveWriter`
    creates it.
    """

    def __init__(self, track: TrackHeader, timescale: int) -> None:
        self.timescale = timescale
        self._track = track
        self._times = array("q")
        self._shifts = array("i")
        self._sizes = array("I")
        self._keyframes = array("I")
        self._chunks = array("Q")
        self._in_chunk = array("I")
        self._end = 0
        self._last_duration = 0
        self.latest: int | None = None
        """The highest presentation time, in ticks; None without a sample."""

    def __len__(self) -> int:
        return len(self._times)

    def add(
        self,
        offset: int,
        is_new_chunk: bool,
        size: int,
        dts: int,
        pts: int,
        duration: int,
        is_keyframe: bool,
    ) -> None:
        self._times.append(dts)
        self._shifts.append(pts - dts)
        self._sizes.append(size)
        if is_keyframe:
            self._keyframes.append(len(self._times))
        if is_new_chunk:
            self._chunks.append(offset)
            self._in_chunk.append(0)
        self._in_chunk[-1] += 1
        self._end = max(self._end, pts + duration)
        self._last_duration = duration
        self.latest = pts if self.latest is None else max(self.latest, pts)

    def delay(self, ticks: int) -> None:
        """Move every sample by `ticks`."""
        self._times = array("q", [time + ticks for time in self._times])
        self._end += ticks
        self.latest = None if self.latest is None else self.latest + ticks

    @property
    def shown(self) -> int:
        """Return how long it is shown from time 0 on, in ticks of the movie."""
        return max(0, self._end) * MOVIE_SCALE // self.timescale

    def box(self, number: int, body_at: int) -> bytes:
        """Return the `trak`; `body_at` is the offset of the first written sample in the file."""
        size = self._track.shown_size
        volume = b"\1\0" if self._track.is_sound else bytes(2)
        head = (
            struct.pack(">QQIIQ", 0, 0, number, 0, self.shown)
            + bytes(12)
            + volume
            + bytes(2)
            + MATRIX
            + size
        )
        return box(
            b"trak",
            full_box(b"tkhd", 1, 3, head) + self._edits() + box(b"mdia", self._media(body_at)),
        )

    def _edits(self) -> bytes:
        """Return the edits from time 0 on: a track that begins before it shows the part after it; a
        later track shows nothing until its start.
        """
        first = self._times[0]
        edits = [
            (max(0, self.shown - max(0, first) * MOVIE_SCALE // self.timescale), max(0, -first))
        ]
        if first > 0 and self._track.is_sound:
            edits.insert(0, (first * MOVIE_SCALE // self.timescale, -1))
        rows = b"".join(struct.pack(">QqI", length, start, 0x10000) for length, start in edits)
        return box(b"edts", full_box(b"elst", 1, 0, len(edits).to_bytes(4, "big") + rows))

    def _media(self, body_at: int) -> bytes:
        handler, media_head = _MEDIA_HEADS[self._track.is_sound]
        length = self._times[-1] - self._times[0] + self._last_duration
        head = full_box(
            b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, self.timescale, length, 0x55C4, 0)
        )
        head += full_box(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + b"Sightline\0")
        here = box(
            b"dinf", full_box(b"dref", 0, 0, (1).to_bytes(4, "big") + full_box(b"url ", 0, 1, b""))
        )
        return head + box(
            b"minf",
            media_head + here + box(b"stbl", self._track.description + self._tables(body_at)),
        )

    def _tables(self, body_at: int) -> bytes:
        count = len(self)
        durations = (
            *(after - before for before, after in pairwise(self._times)),
            self._last_duration,
        )
        tables = full_box(b"stts", 0, 0, _runs(durations))
        if any(self._shifts):
            tables += full_box(b"ctts", 1, 0, _runs(self._shifts))
        if len(self._keyframes) < count:
            tables += full_box(b"stss", 0, 0, _numbers("I", self._keyframes))
        chunks = [
            (number, size)
            for number, size in enumerate(self._in_chunk, 1)
            if number == 1 or size != self._in_chunk[number - 2]
        ]
        tables += full_box(
            b"stsc",
            0,
            0,
            _numbers(
                "I", [field for number, size in chunks for field in (number, size, 1)], len(chunks)
            ),
        )
        tables += full_box(b"stsz", 0, 0, bytes(4) + _numbers("I", self._sizes))
        return tables + full_box(
            b"co64", 0, 0, _numbers("Q", [body_at + offset for offset in self._chunks])
        )


class ProgressiveWriter:
    """Writes one file with a video track and optionally a sound track. Raises StoreError if the
    disk refuses.
    """

    def __init__(self, path: Path, video: TrackHeader, sound: TrackHeader | None) -> None:
        self._path = path
        self.video = TrackWriter(video, MOVIE_SCALE)
        self.sound = TrackWriter(sound, sound.timescale) if sound else None
        self._newest: TrackWriter | None = None
        self._size_bytes = 0
        with _writing():
            self._body = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed by close

    def write(
        self, to: TrackWriter, data: bytes, dts: int, pts: int, duration: int, is_keyframe: bool
    ) -> None:
        """Write one sample, with times from time 0 on."""
        with _writing():
            self._body.write(data)
        to.add(self._size_bytes, to is not self._newest, len(data), dts, pts, duration, is_keyframe)
        self._newest = to
        self._size_bytes += len(data)

    def show_a_picture(self) -> int:
        """Move time 0 back to the last picture if every picture begins before it; return the ticks
        of the movie by which it moved.

        Players, libavformat among them, drop a whole track if an edit list starts within its last
        picture.
        """
        latest = self.video.latest
        if latest is None or latest >= 0:
            return 0
        self.video.delay(-latest)
        if self.sound is not None:
            self.sound.delay(-latest * self.sound.timescale // MOVIE_SCALE)
        return -latest

    def finish(self) -> None:
        """Write the file; it is on disk when this returns."""
        with _writing(), self._path.open("wb") as file:
            file.write(self._head())
            self._body.seek(0)
            shutil.copyfileobj(self._body, file, _COPY_BYTES)
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        self._body.close()

    def _head(self) -> bytes:
        kind = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
        mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + self._size_bytes)
        body_at = (
            len(kind) + len(self._movie(0)) + len(mdat)
        )  # offsets are of a fixed length, so its own is known before they are
        return kind + self._movie(body_at) + mdat

    def _movie(self, body_at: int) -> bytes:
        written = [track for track in (self.video, self.sound) if track]
        length = max((track.shown for track in written), default=0)
        head = (
            struct.pack(">QQIQIH10x", 0, 0, MOVIE_SCALE, length, 0x10000, 0x100)
            + MATRIX
            + bytes(24)
        )
        boxes = b"".join(track.box(number, body_at) for number, track in enumerate(written, 1))
        return box(
            b"moov", full_box(b"mvhd", 1, 0, head + (len(written) + 1).to_bytes(4, "big")) + boxes
        )


def _runs(values: Iterable[int]) -> bytes:
    """Return (count, value) of each run of equal values."""
    runs = [(sum(1 for _ in same), value) for value, same in groupby(values)]
    return len(runs).to_bytes(4, "big") + b"".join(
        struct.pack(">Ii", count, value) for count, value in runs
    )


def _numbers(kind: str, values: Sequence[int], count: int | None = None) -> bytes:
    return (len(values) if count is None else count).to_bytes(4, "big") + struct.pack(
        f">{len(values)}{kind}", *values
    )


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"a recording cannot be written: {error}") from error
