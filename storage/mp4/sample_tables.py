"""The sample tables of a progressive MP4 file (ISO/IEC 14496-12, 8.6 and 8.7), in parts that are
joined without a look at their samples. Pure.

A part is made once for samples whose order is fixed, such as those of an hour. A file has parts in
sequence, each later in time and in the file than where it was made.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
_RUN = struct.Struct(">II")
_CHUNK_RUN_COLUMNS = 3


@dataclass(frozen=True, slots=True, eq=False)
class SampleTables:
    """Consecutive samples of a track, at least one, in decoding order. Times are in ticks of the
    track.
    """

    count: int
    first_time: int
    """The decoding time of the first sample."""
    last_time: int
    end: int
    """The latest end of a sample."""
    latest_shown: int
    last_duration: int
    steps: bytes
    """(count, ticks) for each run of equal distances between two samples."""
    shifts: bytes
    """(count, ticks) for each run of equal presentation times minus decoding times; empty if all
    are 0.
    """
    sizes: bytes
    keyframes: IntArray
    """The numbers of the keyframes, from 1."""
    chunks: IntArray
    """The distance of each chunk from the first byte of the media data."""
    chunk_runs: IntArray
    """For each run of chunks with equally many samples the number of the first, from 1, and the
    samples in each: n rows of 2.
    """

    @property
    def memory_bytes(self) -> int:
        arrays = (self.keyframes, self.chunks, self.chunk_runs)
        texts = (self.steps, self.shifts, self.sizes)
        return sum(one.nbytes for one in arrays) + sum(map(len, texts))

    def times(self) -> tuple[IntArray, IntArray]:
        """Return the decoding time and the presentation time of each sample."""
        steps, shifts = _values(self.steps, ">u4"), _values(self.shifts, ">i4")
        decoded = self.first_time + np.concatenate((np.zeros(1, np.int64), np.cumsum(steps)))
        return decoded, decoded + shifts if len(shifts) else decoded

    def shown_around(self, time: int) -> tuple[int | None, int | None]:
        """Return the presentation time of the last sample that is shown at `time` or before, and of
        the first one after it; None if there is none.
        """
        if self.latest_shown <= time:
            return self.latest_shown, None
        _, shown = self.times()
        before, after = shown[shown <= time], shown[shown > time]
        return (int(before.max()) if len(before) else None), int(after.min())


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The columns from which a part is made; they are as long as there are samples, or chunks."""

    times: IntArray
    """Decoding times, which rise."""
    shifts: IntArray
    """Presentation times minus decoding times."""
    end: int
    """The latest end of a sample."""
    last_duration: int
    sizes: IntArray
    keyframes: IntArray
    chunks: IntArray
    in_chunk: IntArray
    """The number of samples in each chunk."""


def sample_tables(samples: Samples) -> SampleTables:
    """Return the tables of samples, of which there is at least one."""
    times, shifts = samples.times, samples.shifts
    first = _run_starts(samples.in_chunk)
    return SampleTables(
        len(times),
        int(times[0]),
        int(times[-1]),
        samples.end,
        int((times + shifts).max()),
        samples.last_duration,
        runs(np.diff(times)),
        runs(shifts) if np.any(shifts) else b"",
        samples.sizes.astype(">u4").tobytes(),
        samples.keyframes,
        samples.chunks,
        np.column_stack((first + 1, samples.in_chunk[first])),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTables:
    """A part of a track in a file."""

    tables: SampleTables
    later_ticks: int = 0
    """What is added to its times."""
    body_at: int = 0
    """What is added to the distances of its chunks."""

    @property
    def first_time(self) -> int:
        return self.tables.first_time + self.later_ticks

    @property
    def last_time(self) -> int:
        return self.tables.last_time + self.later_ticks

    @property
    def end(self) -> int:
        return self.tables.end + self.later_ticks


def durations(parts: Sequence[PlacedTables]) -> list[bytes]:
    """Return the rows of `stts`. The last sample of a part lasts until the next part."""
    rows: list[bytes] = []
    for one, following in pairwise(parts):
        rows += (one.tables.steps, _RUN.pack(1, following.first_time - one.last_time))
    last = parts[-1].tables
    return [*rows, last.steps, _RUN.pack(1, last.last_duration)]


def shifts(parts: Sequence[PlacedTables]) -> list[bytes]:
    """Return the rows of `ctts`; none if no sample is shown after its decoding time."""
    if not any(one.tables.shifts for one in parts):
        return []
    return [one.tables.shifts or _RUN.pack(one.tables.count, 0) for one in parts]


def keyframes(parts: Sequence[PlacedTables]) -> list[bytes] | None:
    """Return the rows of `stss`; None if every sample is a keyframe."""
    if all(len(one.tables.keyframes) == one.tables.count for one in parts):
        return None
    rows, before = list[bytes](), 0
    for one in parts:
        rows.append((one.tables.keyframes + before).astype(">u4").tobytes())
        before += one.tables.count
    return rows


def chunk_runs(parts: Sequence[PlacedTables]) -> list[bytes]:
    """Return the rows of `stsc`."""
    rows, before = list[bytes](), 0
    for one in parts:
        runs = one.tables.chunk_runs
        table = np.ones((len(runs), _CHUNK_RUN_COLUMNS), np.int64)
        table[:, :2] = runs
        table[:, 0] += before
        rows.append(table.astype(">u4").tobytes())
        before += len(one.tables.chunks)
    return rows


def chunk_offsets(parts: Sequence[PlacedTables], body_at: int) -> list[bytes]:
    """Return the rows of `co64`, if the media data begins at `body_at`."""
    return [(one.tables.chunks + (one.body_at + body_at)).astype(">u8").tobytes() for one in parts]


def runs(values: IntArray) -> bytes:
    """Return the rows (count, value) of a table, one for each run of equal values."""
    first = _run_starts(values)
    counts = np.diff(np.append(first, len(values)))
    return np.column_stack((counts, values[first])).astype(">i4").tobytes()


def _values(rows: bytes, form: str) -> IntArray:
    """Return the value of each item of a table of runs."""
    table = np.frombuffer(rows, form).astype(np.int64).reshape(-1, 2)
    return np.repeat(table[:, 1], table[:, 0])


def _run_starts(values: IntArray) -> IntArray:
    """Return the places at which a run of equal values begins."""
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.concatenate((np.zeros(min(1, len(values)), np.int64), changes))
