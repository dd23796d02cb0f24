"""The segments in the folders of days as numbers, so that those of a range are found at once.

A day has 8,640 segments. To list their names and to parse each of them takes longer than all else
before the first byte of a recording. The names of a folder are parsed together, and later only
those that are new.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.clock import NS_PER_S, Clock
from storage.mp4.fragment_samples import IntArray

SETTLED_NS = 15 * NS_PER_S
"""A folder that was changed later than this ago is listed again: its day may still be recorded. Two
changes within the resolution of its time could not be distinguished either.
"""
MOST_DAYS = 32
"""Each has about 0.3 MB."""
_START, _DURATION, _FENCE, _HASH = range(4)
"""The columns of the rows of an index."""


class DayIndex:
    """The finished segments of a camera in one folder. It is immutable."""

    def __init__(self, camera_id: str, rows: IntArray, others: Sequence[str]) -> None:
        self._camera_id = camera_id
        self._rows = rows[np.lexsort((rows[:, _FENCE], rows[:, _START]))]
        """Start (ms), duration (ms), fencing number and hash of the name of each."""
        self._longest_ms = int(rows[:, _DURATION].max(initial=0))
        self.others = tuple(others)
        """The names of all other files, and of segments with unusually large numbers."""

    @classmethod
    def of(cls, camera_id: str, names: Sequence[str]) -> DayIndex:
        """Return the index of a folder with these names."""
        return cls(camera_id, *_parsed(camera_id, names))

    def updated(self, names: Sequence[str]) -> DayIndex:
        """Return the index of the folder with these names; only those that are new are parsed.

        A name is known by its hash of 64 bits, as in `NameSet`.
        """
        hashes = np.fromiter(map(hash, names), np.int64, len(names))
        kept = _are_in(self._rows[:, _HASH], hashes)
        unknown = np.flatnonzero(~_are_in(hashes, self._rows[:, _HASH])).tolist()
        added, others = _parsed(self._camera_id, [names[place] for place in unknown])
        if len(added) == 0 and kept.all() and set(others) == set(self.others):
            return self
        return DayIndex(self._camera_id, np.concatenate((self._rows[kept], added)), others)

    def between(self, from_ms: int, to_ms: int) -> Iterator[tuple[str, int, int, int]]:
        """Yield name, start, duration and fencing number of the segments that overlap a range, by
        start and fencing number.
        """
        ends = (from_ms - self._longest_ms, to_ms)
        first, last = np.searchsorted(self._rows[:, _START], ends).tolist()
        prefix = f"{self._camera_id}_"
        for start_ms, duration_ms, fence, _ in self._rows[first:last].tolist():
            if start_ms + duration_ms > from_ms:
                name = f"{prefix}{start_ms}_{duration_ms}_{fence}.mp4"
                yield name, start_ms, duration_ms, fence


def _parsed(camera_id: str, names: Sequence[str]) -> tuple[IntArray, list[str]]:
    """Return the rows of the finished segments with these names, and the other names."""
    # One search of all names together takes a fifth of the time of one for each.
    parts = _names_of(camera_id).split(f"/{'/'.join(names)}/")
    others, found, *numbers = (parts[column::5] for column in range(5))
    columns = [*(list(map(int, column)) for column in numbers), list(map(hash, found))]
    rows = np.array(columns, np.int64).T.reshape(-1, len(columns))
    return rows, [name for name in "".join(others).split("/") if name]


def _are_in(hashes: IntArray, others: IntArray) -> NDArray[np.bool_]:
    """Return which hashes are among others, in a quarter of the time of `np.isin`."""
    order, known = np.argsort(hashes), np.sort(others)
    found = np.zeros(len(hashes), np.bool_)
    if len(known):
        places = np.searchsorted(known, hashes[order])
        found[order] = known.take(places, mode="clip") == hashes[order]
    return found


@lru_cache(MOST_DAYS)
def _names_of(camera_id: str) -> re.Pattern[str]:
    """Return a pattern of a finished segment in names between slashes, which no name has.

    Its numbers are as `SegmentName` writes them, and smaller than the bounds of a segment: a start
    before the year 5138, and a duration of less than 12 days.
    """
    numbers = "_".join(f"(0|[1-9][0-9]{{0,{most - 1}}})" for most in (14, 9, 18))
    return re.compile(rf"(?<=/)({re.escape(camera_id)}_{numbers}\.mp4)/")


class DayIndexes:
    """The indexes of the folders that were used last. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Path, tuple[tuple[int, int, int] | None, DayIndex]] = OrderedDict()
        """The index of each, and the version of the folder if it was settled."""

    def of(
        self, folder: Path, camera_id: str, names_in: Callable[[Path], Sequence[str]]
    ) -> DayIndex | None:
        """Return the index of a folder, which `names_in` lists unless it is settled and known.
        Return None if it cannot be read.
        """
        try:
            stat = folder.stat()
        except OSError:
            return None
        # A program that restores files sets the time of modification back, but not that of change.
        version = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
        with self._lock:
            settled, known = self._known.get(folder, (None, None))
            if known is not None and settled == version:
                self._known.move_to_end(folder)
                return known
        age_ns = self._clock.wall_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns)
        names = names_in(folder)
        made = DayIndex.of(camera_id, names) if known is None else known.updated(names)
        with self._lock:
            self._known[folder] = (version if age_ns >= SETTLED_NS else None, made)
            self._known.move_to_end(folder)
            if len(self._known) > MOST_DAYS:
                self._known.popitem(last=False)
        return made
