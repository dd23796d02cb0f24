"""What is recorded, from the names of the segments alone: `recordings/<camera>/<yyyymmdd>/<segment
name>`.

A finished segment is named by `SegmentName`. One that is being written is `<camera>_<start
ms>_open_<fence>.mp4` and has no end yet. Any other file is reported once, and left alone.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from domain.clock import MS_PER_HOUR, NS_PER_DAY, NS_PER_MS, Clock
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName, parse_open_name, segment_number
from storage.recordings.day_index import DayIndex, DayIndexes
from storage.recordings.disk_usage import OPEN_MARK, DiskUsage

_DAY = re.compile(r"^\d{8}$")
_FOR_EVER_MS = 1 << 62
_MOST_FOREIGN = 1_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of recording; times are UTC nanoseconds. `end_ns` is None while it is written."""

    path: Path
    camera_id: str
    start_ns: int
    end_ns: int | None
    fence: int

    @property
    def start_ms(self) -> int:
        return self.start_ns // NS_PER_MS

    @property
    def key(self) -> tuple[int, int]:
        """What identifies a segment of a camera, also while it is being written."""
        return self.start_ns, self.fence


class NamedSegment(NamedTuple):
    """A segment of a camera as its name denotes it. They are ordered by start, fencing number and
    name.
    """

    start_ms: int
    fence: int
    name: str
    duration_ms: int | None
    """None while it is written."""
    folder: str

    @property
    def start_ns(self) -> int:
        return self.start_ms * NS_PER_MS

    @property
    def end_ns(self) -> int | None:
        duration_ms = self.duration_ms
        return None if duration_ms is None else (self.start_ms + duration_ms) * NS_PER_MS


def open_name(camera_id: str, start_ms: int, fence: int) -> str:
    """Return the name of a segment while it is written."""
    return f"{camera_id}_{start_ms}_open_{fence}.mp4"


def parse_segment(path: Path) -> Segment | None:
    """Return the segment that a file's name denotes, or None."""
    if (name := SegmentName.parse(path.name)) is not None:
        return Segment(path, name.camera_id, name.start_ns, name.end_ns, name.fence)
    if (written := parse_open_name(path.name)) is not None:
        camera_id, start_ms, fence = written
        return Segment(path, camera_id, start_ms * NS_PER_MS, None, fence)
    return None


class Ledger:
    """Reads folders when called, a day of a camera at a time. It is not thread-safe if `remove` is
    used.
    """

    def __init__(self, recordings: Path, clock: Clock | None = None) -> None:
        """With a clock, it remembers the names in folders between calls."""
        self.recordings = recordings
        self._indexes = None if clock is None else DayIndexes(clock)
        self.foreign: set[Path] = set()
        """Files that are no segments, as far as they have been found."""
        self._sizes = DiskUsage()
        self._unreadable: set[Path] = set()

    def cameras(self) -> tuple[str, ...]:
        """Return the cameras that have a folder, by name."""
        return tuple(sorted(folder.name for folder in _folders(self.recordings)))

    def segments(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Segment, ...]:
        """Return the segments that overlap [from_ns, to_ns), by start; an open one is assumed to
        last until now.
        """
        return tuple(
            Segment(
                Path(f"{named.folder}/{named.name}"),
                camera_id,
                named.start_ns,
                named.end_ns,
                named.fence,
            )
            for named in self.names(camera_id, from_ns, to_ns)
        )

    def names(self, camera_id: str, from_ns: int, to_ns: int) -> list[NamedSegment]:
        """Return the same segments as `segments` does, without paths: a day has thousands."""
        first, last = day_of(from_ns - NS_PER_DAY), day_of(to_ns)
        from_ms, to_ms = from_ns // NS_PER_MS, -(-to_ns // NS_PER_MS)
        found = [
            named
            for folder in self.days(camera_id)
            if first <= folder.name <= last
            for named in self._in(folder, camera_id, from_ms, to_ms)
        ]
        found.sort()
        return found

    def open_segments(
        self, camera_id: str, days: Iterable[Path] | None = None
    ) -> tuple[Segment, ...]:
        """Return the segments of a camera that were never finished, by start; only those in the
        folders `days`, if they are given.
        """
        paths = [
            folder / name
            for folder in (self.days(camera_id) if days is None else days)
            for name in names_in(folder)
            if OPEN_MARK in name
        ]
        found = [
            segment
            for path in paths
            if (segment := parse_segment(path)) is not None and segment.camera_id == camera_id
        ]
        return tuple(
            sorted((segment for segment in found if segment.end_ns is None), key=_by_start)
        )

    def finished_names(self, folder: Path, camera_id: str) -> list[SegmentName]:
        """Return the finished segments of a day's folder, unsorted; other files are ignored."""
        named = (SegmentName.parse(name) for name in names_in(folder))
        return [name for name in named if name is not None and name.camera_id == camera_id]

    def oldest(self) -> Segment | None:
        """Return the finished segment with the earliest start, of all cameras."""
        return next(self.oldest_first(), None)

    def oldest_first(
        self, camera_ids: Iterable[str] | None = None, before_ns: int | None = None
    ) -> Iterator[Segment]:
        """Yield finished segments of these cameras, or of all, by start; only those that begin
        before `before_ns`.

        Names are read as they are needed, an hour of recording at a time: a day of hundreds of
        cameras has millions. A folder that cannot be read is left out.
        """
        chosen = self.cameras() if camera_ids is None else camera_ids
        folders = [
            (folder, camera_id) for camera_id in chosen for folder in self._readable_days(camera_id)
        ]
        for day in sorted({folder.name for folder, _ in folders}):
            if before_ns is not None and day > day_of(before_ns):
                return
            for segment in self._of_day([pair for pair in folders if pair[0].name == day]):
                if before_ns is not None and segment.start_ns >= before_ns:
                    return
                yield segment

    def _of_day(self, folders: Sequence[tuple[Path, str]]) -> Iterator[Segment]:
        from_ms: int | None = self._least_start_ms(folders, 0)
        while from_ms is not None:
            for _, _, at, name in sorted(self._of_hour(folders, from_ms)):
                segment = parse_segment(folders[at][0] / name)
                assert segment is not None
                yield segment
            from_ms = self._least_start_ms(folders, from_ms + MS_PER_HOUR)

    def _least_start_ms(self, folders: Iterable[tuple[Path, str]], from_ms: int) -> int | None:
        """Return the earliest start at `from_ms` or later in these folders; None without one."""
        parts = (name.rsplit("_", 3) for folder, _ in folders for name in self._readable(folder))
        starts = (segment_number(part[1]) for part in parts if len(part) == 4)
        return min((one for one in starts if one is not None and one >= from_ms), default=None)

    def _of_hour(
        self, folders: Sequence[tuple[Path, str]], from_ms: int
    ) -> Iterator[tuple[int, int, int, str]]:
        """Return start, fence, folder number and name: a third of a segment's memory, and most are
        never used.
        """
        for at, (folder, camera_id) in enumerate(folders):
            for name in self._readable(folder):
                if _is_outside(name, from_ms, from_ms + MS_PER_HOUR):
                    continue
                named = SegmentName.parse(name)
                if named is None or named.camera_id != camera_id:
                    self._report_foreign(folder / name, camera_id)
                elif from_ms <= named.start_ms < from_ms + MS_PER_HOUR:
                    yield named.start_ms, named.fence, at, name

    def total_bytes(self) -> int:
        """Return the size of all recordings. Folders that did not change since the last call are
        not read again; files being written are.
        """
        folders = [day for camera_id in self.cameras() for day in self._readable_days(camera_id)]
        return self._sizes.total_bytes(folders)

    def _readable_days(self, camera_id: str) -> list[Path]:
        """Return the same as `days`, or nothing if the folder of the camera cannot be read."""
        folder = self.recordings / camera_id
        return _days_in(folder, self._readable(folder))

    def _readable(self, folder: Path) -> list[str]:
        """Return the names in a folder, or none if it cannot be read. What changes is logged."""
        try:
            names = names_in(folder)
        except OSError as error:
            if folder not in self._unreadable:
                _log.error(
                    "%s cannot be read, so nothing in it is deleted; examine the disk: %s",
                    folder,
                    error,
                )
            self._unreadable.add(folder)
            return []
        self._unreadable.discard(folder)
        return names

    def remove(self, segment: Segment) -> int:
        """Delete a segment and return the freed bytes, 0 if it was deleted before. Raises
        StoreError. Its day's folder, and the index of that day, are deleted with its last file.

        Its range is recorded first (`deleted`), so that nothing is reported as never recorded.
        """
        self._remember(segment)
        try:
            size_bytes = segment.path.stat().st_size
            segment.path.unlink()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreError(
                "{path} cannot be deleted: {error}", path=segment.path, error=error
            ) from error
        self._sizes.removed(segment.path, size_bytes)
        self._remove_empty_day(segment)
        return size_bytes

    def _remove_empty_day(self, segment: Segment) -> None:
        """Delete the folder of a day, and the index of its recordings, if no file is left."""
        day = segment.path.parent
        try:
            day.rmdir()
        except OSError:
            return  # not empty
        index = Layout(self.recordings.parent).recording_index
        shutil.rmtree(index / segment.camera_id / day.name, ignore_errors=True)

    def deleted(self, camera_id: str) -> tuple[int, int] | None:
        """Return the range (UTC ns) in which segments of a camera were deleted here; what is left
        in between still exists.
        """
        try:
            first_ms, _, last_ms = self._deleted_file(camera_id).read_text("ascii").partition(" ")
            return int(first_ms) * NS_PER_MS, int(last_ms) * NS_PER_MS
        except (OSError, ValueError):
            return None

    def _remember(self, segment: Segment) -> None:
        if segment.end_ns is None:
            return
        known = self.deleted(segment.camera_id) or (segment.start_ns, segment.end_ns)
        first_ns, last_ns = min(known[0], segment.start_ns), max(known[1], segment.end_ns)
        file = self._deleted_file(segment.camera_id)
        unfinished = file.with_name(f".deleted.{os.getpid()}")
        with suppress(OSError):  # a full disk: making room is more important
            unfinished.write_text(f"{first_ns // NS_PER_MS} {last_ns // NS_PER_MS}", "ascii")
            unfinished.replace(file)

    def _deleted_file(self, camera_id: str) -> Path:
        return self.recordings / camera_id / "deleted"

    def days(self, camera_id: str) -> list[Path]:
        """Return the folders of a camera's days, oldest first."""
        folder = self.recordings / camera_id
        return _days_in(folder, names_in(folder))

    def _in(self, folder: Path, camera_id: str, from_ms: int, to_ms: int) -> Iterator[NamedSegment]:
        """Yield the segments of a day that overlap [from_ms, to_ms)."""
        known = self._indexes
        index = None if known is None else known.of(folder, camera_id, names_in)
        if index is None:
            index = DayIndex.of(camera_id, names_in(folder))
        folder_name = str(folder)
        for name, start_ms, duration_ms, fence in index.between(from_ms, to_ms):
            yield NamedSegment(start_ms, fence, name, duration_ms, folder_name)
        for name in index.others:
            numbers = _numbers(name, camera_id)
            if numbers is None:
                self._report_foreign(folder / name, camera_id)
            elif _overlaps(numbers, from_ms, to_ms):
                start, duration, fence = numbers
                yield NamedSegment(start, fence, name, duration, folder_name)

    def _report_foreign(self, path: Path, camera_id: str) -> None:
        """Report a file unless it is being written."""
        segment = parse_segment(path)
        is_foreign = segment is None or segment.camera_id != camera_id
        if is_foreign and path not in self.foreign and len(self.foreign) < _MOST_FOREIGN:
            self.foreign.add(path)
            _log.warning("%s is no segment of its camera; it is left alone", path)


def _by_start(segment: Segment) -> tuple[int, int]:
    return segment.start_ns, segment.fence


def _numbers(name: str, camera_id: str) -> tuple[int, int | None, int] | None:
    """Return start, duration and fence of the segment of a camera that a file name denotes; None
    for another file. The duration is None while the segment is written.
    """
    finished = SegmentName.parse(name)
    if finished is not None and finished.camera_id == camera_id:
        return finished.start_ms, finished.duration_ms, finished.fence
    written = parse_open_name(name)
    return (written[1], None, written[2]) if written and written[0] == camera_id else None


def _overlaps(numbers: tuple[int, int | None, int], from_ms: int, to_ms: int) -> bool:
    start_ms, duration_ms, _ = numbers
    return start_ms < to_ms and (duration_ms is None or start_ms + duration_ms > from_ms)


def _is_outside(name: str, from_ms: int, to_ms: int) -> bool:
    """Return whether a name certainly is a segment's outside the range. A day has thousands, and
    parsing them all takes five times as long.
    """
    parts = name.rsplit("_", 3)
    if len(parts) != 4:
        return False
    start_ms, duration_ms = segment_number(parts[1]), segment_number(parts[2])
    if start_ms is None or duration_ms is None:
        return False
    return start_ms >= to_ms or start_ms + duration_ms <= from_ms


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder; nothing if it does not exist."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - a path object for each of 8,640 takes longer
    except (FileNotFoundError, NotADirectoryError):
        return []


def _days_in(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the folders of days among the names in the folder of a camera, oldest first."""
    days = (folder / name for name in sorted(names) if _DAY.match(name))
    return [day for day in days if day.is_dir()]


def _folders(parent: Path) -> list[Path]:
    return [parent / name for name in names_in(parent) if (parent / name).is_dir()]
