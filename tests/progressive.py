"""Writes progressive MP4: the header in front, then the media data.

Samples are written in the order of their arrival, to a file without a name; on `finish` the header
is known, and both become the clip. `file_headers.py` has the header.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from domain.errors import StoreError
from storage.mp4.file_headers import MOVIE_SCALE, TrackTables, file_head
from storage.mp4.sample_tables import IntArray, PlacedTables, Samples, sample_tables
from storage.mp4.tracks import TrackHeader

_COPY_BYTES = 1 << 20


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

    def shown(self) -> list[int]:
        """Return the presentation times, in ticks."""
        return [time + shift for time, shift in zip(self._times, self._shifts, strict=True)]

    def delay(self, ticks: int) -> None:
        """Move every sample by `ticks`."""
        self._times = array("q", [time + ticks for time in self._times])
        self._end += ticks

    def tables(self) -> TrackTables:
        """Return all samples, of which there is at least one."""
        samples = Samples(
            _numbers(self._times),
            _numbers(self._shifts),
            self._end,
            self._last_duration,
            _numbers(self._sizes),
            _numbers(self._keyframes),
            _numbers(self._chunks),
            _numbers(self._in_chunk),
        )
        return TrackTables(self._track, self.timescale, [PlacedTables(sample_tables(samples))])


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
        """Move time 0 back to the picture that is shown then if it is the last one, or the next one
        is shown more than a second later; return the ticks of the movie by which it moved.

        Players, libavformat among them, begin at the next picture, or drop a whole track, if an
        edit list starts within a picture.
        """
        shown = sorted(self.video.shown())
        count = bisect_right(shown, 0)
        latest = shown[count - 1]
        if count < len(shown) and shown[count] - latest <= MOVIE_SCALE:
            return 0
        self.video.delay(-latest)
        if self.sound is not None:
            self.sound.delay(-latest * self.sound.timescale // MOVIE_SCALE)
        return -latest

    def finish(self) -> None:
        """Write the file; it is on disk when this returns."""
        with _writing(), self._path.open("wb") as file:
            file.writelines(self._head())
            self._body.seek(0)
            shutil.copyfileobj(self._body, file, _COPY_BYTES)
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        self._body.close()

    def _head(self) -> list[bytes]:
        written = [track.tables() for track in (self.video, self.sound) if track]
        return file_head(written, self._size_bytes)


def _numbers(values: array[int]) -> IntArray:
    return np.array(values, np.int64)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"a recording cannot be written: {error}") from error
