"""The segments in the folders of days as numbers, so that those of a range are found at once.

A day has 8,640 segments. To list their names and to select those of five minutes takes longer than
all else before the first byte of a recording.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from domain.clock import NS_PER_S, Clock
from domain.paths.segment_name import SegmentName

SETTLED_NS = 15 * NS_PER_S
"""A folder that was changed later than this ago is listed again: its day may still be recorded. Two
changes within the resolution of its time could not be distinguished either.
"""
MOST_DAYS = 32
"""Each has about 0.2 MB."""
SegmentNumbers = tuple[int, int | None, int]
"""Start (UTC ms), duration (ms, None while it is written) and fencing number."""
NumbersOf = Callable[[str, str], SegmentNumbers | None]
"""Returns the numbers of a file name of a camera; None for another file."""


class DayIndex:
    """The finished segments of a camera in one folder."""

    def __init__(self, names: Sequence[str], camera_id: str, numbers_of: NumbersOf) -> None:
        self._camera_id = camera_id
        rows: list[tuple[int, int, int]] = []
        others: list[str] = []
        for name in names:
            numbers = numbers_of(name, camera_id)
            if numbers is None or numbers[1] is None or self._name(*numbers) != name:
                others.append(name)
            else:
                rows.append((numbers[0], numbers[1], numbers[2]))
        rows.sort()
        self._starts_ms = array("q", [row[0] for row in rows])
        self._durations_ms = array("q", [row[1] for row in rows])
        self._fences = array("q", [row[2] for row in rows])
        self._longest_ms = max(self._durations_ms, default=0)
        self.others = tuple(others)
        """The names of all other files, and of unusual ones."""

    def between(self, from_ms: int, to_ms: int) -> Iterator[tuple[str, int, int, int]]:
        """Yield name, start, duration and fencing number of the segments that overlap a range."""
        first = bisect_left(self._starts_ms, from_ms - self._longest_ms)
        last = bisect_left(self._starts_ms, to_ms)
        rows = zip(
            self._starts_ms[first:last],
            self._durations_ms[first:last],
            self._fences[first:last],
            strict=True,
        )
        for start_ms, duration_ms, fence in rows:
            if start_ms + duration_ms > from_ms:
                name = self._name(start_ms, duration_ms, fence)
                yield name, start_ms, duration_ms, fence

    def _name(self, start_ms: int, duration_ms: int | None, fence: int) -> str:
        assert duration_ms is not None
        return SegmentName(self._camera_id, start_ms, duration_ms, fence).file_name


class DayIndexes:
    """The indexes of the folders that were used last. Thread-safe."""

    def __init__(self, clock: Clock, numbers_of: NumbersOf) -> None:
        self._clock = clock
        self._numbers_of = numbers_of
        self._lock = threading.Lock()
        self._known: OrderedDict[Path, tuple[tuple[int, int, int], DayIndex]] = OrderedDict()

    def of(
        self, folder: Path, camera_id: str, names_in: Callable[[Path], Sequence[str]]
    ) -> DayIndex | None:
        """Return the index of a folder, which `names_in` lists if its index is not known or the
        folder was changed. Return None if it was changed lately, or cannot be read.
        """
        try:
            stat = folder.stat()
        except OSError:
            return None
        # A program that restores files sets the time of modification back, but not that of change.
        version = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
        with self._lock:
            known = self._known.get(folder)
            if known is not None and known[0] == version:
                self._known.move_to_end(folder)
                return known[1]
        if self._clock.wall_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < SETTLED_NS:
            return None
        made = DayIndex(names_in(folder), camera_id, self._numbers_of)
        with self._lock:
            self._known[folder] = (version, made)
            self._known.move_to_end(folder)
            if len(self._known) > MOST_DAYS:
                self._known.popitem(last=False)
        return made
