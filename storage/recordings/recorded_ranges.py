"""Which ranges of a camera's time are in finished segments on this disk, from names and sizes: a
month in seconds. Folders of unchanged days are not read again.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from domain.clock import LATEST_NS, NS_PER_DAY, NS_PER_MS, NS_PER_S
from domain.paths.object_keys import day_of
from domain.paths.segment_name import segment_number
from storage.recordings.ledger import names_in
from storage.recordings.name_set import NameSet

Range = tuple[int, int]
"""[start, end) in UTC nanoseconds."""
JOIN_NS = NS_PER_S
"""A shorter distance between two segments is no gap; a clip uses the same rule."""
LEAST_BYTES = 256
"""The head of a segment is larger than this. A power cut can leave empty files."""
MOST_DAYS = 1_000
_DAY = re.compile(r"^\d{8}$")


def merge(ranges: Iterable[Range], within_ns: int = JOIN_NS) -> list[Range]:
    """Return the ranges in order, joined if they overlap or are no more than `within_ns` apart,
    without empty ones.
    """
    merged: list[Range] = []
    start_ns, end_ns = 0, -within_ns - 1
    for next_start_ns, next_end_ns in sorted(ranges):
        if next_end_ns <= next_start_ns:
            continue
        if next_start_ns - end_ns <= within_ns:
            end_ns = max(end_ns, next_end_ns)
            continue
        if start_ns < end_ns:
            merged.append((start_ns, end_ns))
        start_ns, end_ns = next_start_ns, next_end_ns
    return [*merged, (start_ns, end_ns)] if start_ns < end_ns else merged


def clip(ranges: Iterable[Range], from_ns: int, to_ns: int) -> list[Range]:
    """Return the parts of the ranges within [from_ns, to_ns)."""
    cut = [(max(start_ns, from_ns), min(end_ns, to_ns)) for start_ns, end_ns in ranges]
    return [(start_ns, end_ns) for start_ns, end_ns in cut if start_ns < end_ns]


@dataclass(slots=True)
class _Day:
    """A day's folder as of its last change."""

    changed_ns: int
    ranges: list[Range] = field(default_factory=list)
    empty: dict[str, Range] = field(default_factory=dict)
    sized: NameSet = field(default_factory=NameSet)
    """The names whose size was read; a finished segment never changes, so this is done once."""


class RecordedRanges:
    """The recorded ranges of a disk. It is thread-safe.

    Each segment's size is read once: one that is too small for a picture is not recorded, whatever
    its name says.
    """

    def __init__(self, recordings: Path) -> None:
        self._recordings = recordings
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], _Day] = OrderedDict()

    def ranges(self, camera_id: str, from_ns: int, to_ns: int) -> list[Range]:
        """Return the recorded ranges within [from_ns, to_ns), in order; the segment being written
        is left out.
        """
        days = self._between(camera_id, from_ns, to_ns)
        return clip(merge(found for day in days for found in day.ranges), from_ns, to_ns)

    def empty(self, camera_id: str, from_ns: int, to_ns: int) -> dict[str, Range]:
        """Return the segments of a range that hold no picture, by name, each with its time."""
        found = {
            name: span
            for day in self._between(camera_id, from_ns, to_ns)
            for name, span in day.empty.items()
        }
        return {name: span for name, span in found.items() if span[0] < to_ns and span[1] > from_ns}

    def bounds(self, camera_id: str) -> Range | None:
        """Return the start of the earliest and the end of the latest finished segment; None if
        there is none. Only two days are read.
        """
        days = self._days(camera_id)
        first = next(
            (found[0] for day in days if (found := self._day(camera_id, day).ranges)), None
        )
        last = next(
            (found[-1] for day in reversed(days) if (found := self._day(camera_id, day).ranges)),
            None,
        )
        return None if first is None or last is None else (first[0], last[1])

    def _between(self, camera_id: str, from_ns: int, to_ns: int) -> list[_Day]:
        first, last = day_of(from_ns - NS_PER_DAY), day_of(to_ns)
        return [self._day(camera_id, day) for day in self._days(camera_id) if first <= day <= last]

    def _days(self, camera_id: str) -> list[str]:
        return sorted(name for name in names_in(self._recordings / camera_id) if _DAY.match(name))

    def _day(self, camera_id: str, day: str) -> _Day:
        folder, key = self._recordings / camera_id / day, (camera_id, day)
        try:
            changed_ns = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return _Day(0)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.changed_ns == changed_ns:
            return known
        found = _read(folder, camera_id, changed_ns, known)
        with self._lock:
            self._known[key] = found
            while len(self._known) > MOST_DAYS:
                self._known.popitem(last=False)
        return found


def _read(folder: Path, camera_id: str, changed_ns: int, before: _Day | None) -> _Day:
    """Return a day in its current state. Only the sizes of new names, and of empty files, are
    read.
    """
    now, ranges = _Day(changed_ns), []
    for name, span in _stretches(names_in(folder), camera_id):
        is_known = before is not None and name in before.sized and name not in before.empty
        if is_known or holds_pictures(folder / name):
            ranges.append(span)
        else:
            now.empty[name] = span
        now.sized.add(name)
    now.ranges = merge(ranges)
    return now


def holds_pictures(segment: Path) -> bool:
    """Return whether a file is large enough for a head. A file that was deleted since counts as
    recorded until its folder is read again.
    """
    try:
        return segment.stat().st_size >= LEAST_BYTES
    except FileNotFoundError:
        return True


def _stretches(names: Iterable[str], camera_id: str) -> list[tuple[str, Range]]:
    """Return each finished segment with its time. The names are parsed in a simple way, because
    `SegmentName.parse` takes seconds for a month.
    """
    found = []
    for name in names:
        parts = name.rsplit("_", 3)
        if len(parts) != 4 or parts[0] != camera_id or not _is_end(parts[3]):
            continue
        start_ms, duration_ms = segment_number(parts[1]), segment_number(parts[2])
        if start_ms is None or duration_ms is None:
            continue
        start_ns, end_ns = start_ms * NS_PER_MS, (start_ms + duration_ms) * NS_PER_MS
        if end_ns < LATEST_NS:
            found.append((name, (start_ns, end_ns)))
    return found


def _is_end(part: str) -> bool:
    return part.endswith(".mp4") and segment_number(part[:-4]) is not None
