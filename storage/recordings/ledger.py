"""What is recorded, from the names of the segments alone: `recordings/<camera>/<yyyymmdd>/<segment
name>`.

A finished segment is named by `SegmentName`; one being written is `<camera>_<start
ms>_open_<fence>.mp4` and has no end yet. Whatever else lies there is reported once, and left alone.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain.clock import MS_PER_HOUR, NS_PER_DAY, NS_PER_MS
from domain.errors import StoreError
from domain.media.packets import SegmentName, parse_open_name, segment_number
from domain.paths.object_keys import day_of
from storage.recordings.disk_usage import OPEN_MARK, DiskUsage

_DAY = re.compile(r"^\d{8}$")
_FOR_EVER_MS = 1 << 62
_MOST_FOREIGN = 1_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of recording. UTC nanoseconds; `end_ns` is None while it is written."""

    path: Path
    camera_id: str
    start_ns: int
    end_ns: int | None
    fence: int

    @property
    def start_ms(self) -> int:
        return self.start_ns // NS_PER_MS


def open_name(camera_id: str, start_ms: int, fence: int) -> str:
    """The name of a segment while it is written."""
    return f"{camera_id}_{start_ms}_open_{fence}.mp4"


def parse_segment(path: Path) -> Segment | None:
    """The segment that a file is by its name, or None where it is none."""
    if (name := SegmentName.parse(path.name)) is not None:
        return Segment(path, name.camera_id, name.start_ns, name.end_ns, name.fence)
    if (written := parse_open_name(path.name)) is not None:
        camera_id, start_ms, fence = written
        return Segment(path, camera_id, start_ms * NS_PER_MS, None, fence)
    return None


class Ledger:
    """Reads folders when asked, a day of a camera at a time; only sums of sizes are remembered.
    Not thread-safe where `remove` is used.
    """

    def __init__(self, recordings: Path) -> None:
        self.recordings = recordings
        self.foreign: set[Path] = set()
        """Files that are no segments, as far as they have been seen."""
        self._sizes = DiskUsage()

    def cameras(self) -> tuple[str, ...]:
        """The cameras of which there is a folder, by name."""
        return tuple(sorted(folder.name for folder in _folders(self.recordings)))

    def segments(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Segment, ...]:
        """The segments that share a moment with [from_ns, to_ns), by start; an open one is
        taken to last until now.
        """
        first, last = day_of(from_ns - NS_PER_DAY), day_of(to_ns)
        found = [
            segment
            for folder in self.days(camera_id)
            if first <= folder.name <= last
            for segment in self._in(folder, camera_id, from_ns // NS_PER_MS, -(-to_ns // NS_PER_MS))
            if segment.start_ns < to_ns and (segment.end_ns is None or segment.end_ns > from_ns)
        ]
        return tuple(sorted(found, key=_by_start))

    def open_segments(self, camera_id: str) -> tuple[Segment, ...]:
        """The segments of a camera that were never finished, by start."""
        paths = [
            folder / name
            for folder in self.days(camera_id)
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
        """The finished segments of a day's folder, in no order; nothing else that lies there is
        told.
        """
        named = (SegmentName.parse(name) for name in names_in(folder))
        return [name for name in named if name is not None and name.camera_id == camera_id]

    def oldest(self) -> Segment | None:
        """The finished segment with the earliest start, of all cameras."""
        return next(self.oldest_first(), None)

    def oldest_first(
        self, camera_ids: Iterable[str] | None = None, before_ns: int | None = None
    ) -> Iterator[Segment]:
        """Finished segments of these cameras, or of all, by start; those alone that begin before
        `before_ns`.

        Names are read when they are come to, and kept for an hour of recording at a time: a day of
        hundreds of cameras has millions.
        """
        chosen = self.cameras() if camera_ids is None else camera_ids
        folders = [(folder, camera_id) for camera_id in chosen for folder in self.days(camera_id)]
        for day in sorted({folder.name for folder, _ in folders}):
            if before_ns is not None and day > day_of(before_ns):
                return
            for segment in self._of_day([pair for pair in folders if pair[0].name == day]):
                if before_ns is not None and segment.start_ns >= before_ns:
                    return
                yield segment

    def _of_day(self, folders: Sequence[tuple[Path, str]]) -> Iterator[Segment]:
        from_ms: int | None = _least_start_ms(folders, 0)
        while from_ms is not None:
            for _, _, at, name in sorted(self._of_hour(folders, from_ms)):
                segment = parse_segment(folders[at][0] / name)
                assert segment is not None
                yield segment
            from_ms = _least_start_ms(folders, from_ms + MS_PER_HOUR)

    def _of_hour(
        self, folders: Sequence[tuple[Path, str]], from_ms: int
    ) -> Iterator[tuple[int, int, int, str]]:
        """Start, fence, number of the folder and name: a third of what segments take, of which
        most are never come to.
        """
        for at, (folder, camera_id) in enumerate(folders):
            for name in names_in(folder):
                if _is_outside(name, from_ms, from_ms + MS_PER_HOUR):
                    continue
                named = SegmentName.parse(name)
                if named is None or named.camera_id != camera_id:
                    self._report_foreign(folder / name, camera_id)
                elif from_ms <= named.start_ms < from_ms + MS_PER_HOUR:
                    yield named.start_ms, named.fence, at, name

    def total_bytes(self) -> int:
        """What all recordings take. Folders that did not change since the last call are not
        read again; what is being written is.
        """
        folders = [folder for camera_id in self.cameras() for folder in self.days(camera_id)]
        return self._sizes.total_bytes(folders)

    def remove(self, segment: Segment) -> int:
        """Delete a segment; the bytes freed, 0 where it was gone already. Raises StoreError. Its
        day's folder goes with its last file.

        That it was there is remembered first (`deleted`), so that nobody looks for what never was.
        """
        self._remember(segment)
        try:
            size_bytes = segment.path.stat().st_size
            segment.path.unlink()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreError(f"{segment.path} cannot be deleted: {error}") from error
        self._sizes.removed(segment.path, size_bytes)
        with suppress(OSError):  # not empty
            segment.path.parent.rmdir()
        return size_bytes

    def deleted(self, camera_id: str) -> tuple[int, int] | None:
        """From when until when (UTC ns) segments of a camera were deleted here; whatever is
        left in between is still there.
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
        with suppress(OSError):  # a disk too full for this is being made room on: that goes first
            self._deleted_file(segment.camera_id).write_text(
                f"{first_ns // NS_PER_MS} {last_ns // NS_PER_MS}", "ascii"
            )

    def _deleted_file(self, camera_id: str) -> Path:
        return self.recordings / camera_id / "deleted"

    def days(self, camera_id: str) -> list[Path]:
        """The folders of a camera's days, oldest first."""
        return sorted(
            folder for folder in _folders(self.recordings / camera_id) if _DAY.match(folder.name)
        )

    def _in(
        self, folder: Path, camera_id: str, from_ms: int = 0, to_ms: int = _FOR_EVER_MS
    ) -> Iterator[Segment]:
        """The segments of a day, but for most of those outside [from_ms, to_ms)."""
        for name in names_in(folder):
            if _is_outside(name, from_ms, to_ms):
                continue
            path = folder / name
            segment = parse_segment(path)
            if segment is not None and segment.camera_id == camera_id:
                yield segment
            else:
                self._report_foreign(path, camera_id)

    def _report_foreign(self, path: Path, camera_id: str) -> None:
        """Unless it is being written."""
        segment = parse_segment(path)
        is_foreign = segment is None or segment.camera_id != camera_id
        if is_foreign and path not in self.foreign and len(self.foreign) < _MOST_FOREIGN:
            self.foreign.add(path)
            _log.warning("%s is no segment of its camera; it is left alone", path)


def _by_start(segment: Segment) -> tuple[int, int]:
    return segment.start_ns, segment.fence


def _is_outside(name: str, from_ms: int, to_ms: int) -> bool:
    """Whether a name certainly is a segment's outside the range: a day has thousands, and
    parsing all of them costs five times this.
    """
    parts = name.rsplit("_", 3)
    if len(parts) != 4:
        return False
    start_ms, duration_ms = segment_number(parts[1]), segment_number(parts[2])
    if start_ms is None or duration_ms is None:
        return False
    return start_ms >= to_ms or start_ms + duration_ms <= from_ms


def names_in(folder: Path) -> list[str]:
    """What lies in a folder; nothing where it is not there."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _least_start_ms(folders: Iterable[tuple[Path, str]], from_ms: int) -> int | None:
    """The earliest start at `from_ms` or later of what lies in these folders; None where there
    is none.
    """
    parts = (name.rsplit("_", 3) for folder, _ in folders for name in names_in(folder))
    starts = (segment_number(part[1]) for part in parts if len(part) == 4)
    return min((start for start in starts if start is not None and start >= from_ms), default=None)


def _folders(parent: Path) -> list[Path]:
    return [parent / name for name in names_in(parent) if (parent / name).is_dir()]
