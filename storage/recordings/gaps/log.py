"""What this node did not record and why, as lines of JSON: an append-only file for each camera and
day (UTC) under `gaps/`.

`storage/recordings/gaps/rows.py` defines the lines. The file `alive` is the heartbeat of the
process that runs a camera, and `analysed` says until when its log of the analysis is complete.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from domain.clock import LATEST_NS, NS_PER_DAY, NS_PER_MS, Clock
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of, day_start_ns
from domain.recordings.gaps import Gap
from domain.recordings.holds import StandingHolds
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause
from storage.clients.append_only_file import append_line
from storage.clients.append_reader import AppendReader
from storage.recordings.gaps.day_log import DayLog, Logged, logged, read_day, readable
from storage.recordings.gaps.disk_writes import DeferredSync
from storage.recordings.gaps.partly_rows import again_line, partly_line
from storage.recordings.gaps.rows import GapRow, day_end_ns, gaps_between

_ALIVE, _ANALYSED, _LOG = "alive", "analysed", ".jsonl"


class GapLog:
    """The log of a node. It is safe for threads and processes."""

    def __init__(self, layout: Layout, clock: Clock, sync: DeferredSync | None = None) -> None:
        """With `sync`, its `append` writes the lines of gaps, which are on disk after the next
        `sync.sync()`. Without it they are on disk when `add` and `open` return.
        """
        self._layout = layout
        self._clock = clock
        self._sync = sync
        self._touched: dict[tuple[str, str], Path] = {}
        """The files that `beat` and `mark_analysed` touch, by camera and name."""

    def add(self, gap: Gap) -> None:
        """Log a gap that has ended. Raises StoreError."""
        since_ns = gap.since_ns or gap.start_ns
        for start_ns, end_ns in _by_day(gap.start_ns, gap.end_ns):
            self._append(gap.camera_id, GapRow(start_ns, end_ns, gap.cause, gap.detail, since_ns))

    def open(self, gap: Gap) -> None:
        """Log a gap that has lasted until `gap.end_ns` and continues. It is logged again at the
        first check of each day. Raises StoreError.
        """
        *before, (start_ns, _) = _by_day(gap.start_ns, max(gap.end_ns, gap.start_ns) + NS_PER_MS)
        since_ns = gap.since_ns or gap.start_ns
        for part_start_ns, part_end_ns in before:
            self._append(
                gap.camera_id, GapRow(part_start_ns, part_end_ns, gap.cause, gap.detail, since_ns)
            )
        self._append(gap.camera_id, GapRow(start_ns, None, gap.cause, gap.detail, since_ns))

    def logged(self, camera_id: str, from_ns: int, to_ns: int) -> Logged:
        """Return all that is logged of [from_ns, to_ns); the gaps are without overlaps."""
        days = [_read(path) for path in self._files(camera_id, from_ns, to_ns)]
        rows = [day.gaps for day in days]
        gaps = gaps_between(camera_id, rows, self.last_beat_ns(camera_id), (from_ns, to_ns))
        return logged(gaps, days, from_ns, to_ns)

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Gap, ...]:
        """Return the gaps within [from_ns, to_ns), cut to it, by start, without overlaps."""
        return self.logged(camera_id, from_ns, to_ns).gaps

    def add_partly_analysed(self, camera_id: str, ranges: Sequence[PartlyAnalysed]) -> None:
        """Log ranges in which a checkpoint was analysed only partly, as `MissedPassings` gives
        them: some end at their start or before it. Raises StoreError.

        They survive this process at once, and a power cut some seconds later.
        """
        parts: dict[tuple[str, PartlyCause], list[PartlyAnalysed]] = {}
        for start_ns, end_ns, cause in ranges:
            for part_ns in _by_day(start_ns, end_ns) or [(start_ns, end_ns)]:
                key = day_of(part_ns[0]), cause
                parts.setdefault(key, []).append(PartlyAnalysed(*part_ns, cause))
        for (day, cause), found in parts.items():
            self._write(camera_id, day, partly_line(cause, found), durable=False)

    def partly_analysed(
        self, camera_id: str, from_ns: int, to_ns: int
    ) -> tuple[PartlyAnalysed, ...]:
        """Return the logged ranges that overlap [from_ns, to_ns), as they were written."""
        return self.logged(camera_id, from_ns, to_ns).partly

    def add_analysed_again(self, camera_id: str, ranges: Sequence[Analysed]) -> None:
        """Log ranges that were analysed from the recording afterwards. Their events are in the
        spool before; a range whose line is lost is analysed once more. Raises StoreError.
        """
        parts: dict[str, list[Analysed]] = {}
        for start_ns, end_ns in ranges:
            for part_ns in _by_day(start_ns, end_ns):
                parts.setdefault(day_of(part_ns[0]), []).append(Analysed(*part_ns))
        for day, found in parts.items():
            self._write(camera_id, day, again_line(found), durable=True)

    def analysed_again(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Analysed, ...]:
        """Return the logged ranges that overlap [from_ns, to_ns), as they were written."""
        return self.logged(camera_id, from_ns, to_ns).again

    def first_ns(self, camera_id: str) -> int | None:
        """Return the start of the first gap of a camera; None if there is none."""
        for path in self._files(camera_id, 0, LATEST_NS):
            if rows := _read(path).gaps:
                return min(row.since_ns for row in rows)
        return None

    def left_open(self, camera_id: str) -> Gap | None:
        """Return the last logged gap if it continues: it lasts from its start, and has no logged
        end. Returns None if it has ended.
        """
        for path in reversed(self._files(camera_id, 0, LATEST_NS)):
            if rows := _read(path).gaps:
                said = rows[-1]
                gap = Gap(
                    camera_id, said.start_ns, said.start_ns, said.cause, said.detail, said.since_ns
                )
                return gap if said.end_ns is None else None
        return None

    def beat(self, camera_id: str) -> None:
        """Record that a process runs the camera now; call it every second. Raises StoreError."""
        self._touch(camera_id, _ALIVE, self._clock.wall_ns())

    def last_beat_ns(self, camera_id: str) -> int | None:
        """Return when a process last ran the camera on this node; None if none ever did."""
        return self._touched_ns(camera_id, _ALIVE)

    def mark_analysed(self, camera_id: str, until_ns: int) -> None:
        """Record that everything before `until_ns` was analysed, or is logged as partly analysed.
        Raises StoreError.
        """
        self._touch(camera_id, _ANALYSED, until_ns)

    def analysed_until_ns(self, camera_id: str) -> int | None:
        """Return what `mark_analysed` recorded last; None if nothing."""
        return self._touched_ns(camera_id, _ANALYSED)

    def _touch(self, camera_id: str, name: str, at_ns: int) -> None:
        path = self._touched.get((camera_id, name)) or self._touched.setdefault(
            (camera_id, name), self._layout.gaps / camera_id / name
        )
        try:
            try:
                os.utime(path, ns=(at_ns, at_ns))
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                os.utime(path, ns=(at_ns, at_ns))
        except OSError as error:
            raise StoreError("{path} cannot be touched: {error}", path=path, error=error) from error

    def _touched_ns(self, camera_id: str, name: str) -> int | None:
        try:
            return (self._layout.gaps / camera_id / name).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def cameras(self) -> list[str]:
        """Return the cameras that ever ran here."""
        return sorted(path.name for path in self._layout.gaps.glob("*") if path.is_dir())

    def days(self, camera_id: str) -> dict[str, int]:
        """Return the days (`yyyymmdd`) with a log, and its size in bytes. Raises OSError."""
        try:
            # Cheaper than paths: all cameras are read each 30 s.
            with os.scandir(self._layout.gaps / camera_id) as found:
                logs = sorted((entry.name, entry) for entry in found if _is_log(entry.name))
        except FileNotFoundError:
            return {}
        sizes = ((name.removesuffix(_LOG), _size_bytes(entry)) for name, entry in logs)
        return {day: size_bytes for day, size_bytes in sizes if size_bytes is not None}

    def follow(self, camera_id: str, day: str) -> AppendReader:
        """Return a reader of the lines that are appended to a day's log."""
        return AppendReader(self._layout.gaps / camera_id / f"{day}{_LOG}")

    def read(self, camera_id: str, day: str) -> bytes:
        """Return the readable lines of a day's log, as they are on disk."""
        return readable((self._layout.gaps / camera_id / f"{day}{_LOG}").read_bytes())

    def forget_before(self, camera_id: str, before_ns: int, held: StandingHolds) -> None:
        """Delete the days that are entirely before that of `before_ns`, and that no hold covers."""
        for path in self._files(camera_id, 0, max(0, before_ns - NS_PER_DAY)):
            start_ns = day_start_ns(path.stem)
            if not held.covers(camera_id, start_ns, start_ns + NS_PER_DAY):
                path.unlink(missing_ok=True)

    def _append(self, camera_id: str, row: GapRow) -> None:
        self._write(camera_id, day_of(row.start_ns), row.line(), durable=True)

    def _write(self, camera_id: str, day: str, line: bytes, durable: bool) -> None:
        path = self._layout.gaps / camera_id / f"{day}{_LOG}"
        try:
            if durable and self._sync is not None:
                self._sync.append(path, line)
            else:
                append_line(path, line, durable=durable)
        except OSError as error:
            raise StoreError(
                "the gap of camera {camera} cannot be written down: {error}",
                camera=camera_id,
                error=error,
            ) from error

    def _files(self, camera_id: str, from_ns: int, to_ns: int) -> list[Path]:
        first, last = day_of(from_ns), day_of(to_ns)
        folder = self._layout.gaps / camera_id
        try:
            with os.scandir(folder) as found:  # cheaper than paths: a start reads all cameras
                names = sorted(entry.name for entry in found)
        except FileNotFoundError:
            return []
        logs = (name for name in names if _is_log(name))
        return [folder / name for name in logs if first <= name.removesuffix(_LOG) <= last]


def _is_log(name: str) -> bool:
    """Return whether a file of this name is the log of a day: other files may lie beside it."""
    day = name.removesuffix(_LOG)
    return day != name and len(day) == 8 and day.isdecimal()


def _size_bytes(entry: os.DirEntry[str]) -> int | None:
    """Return the size of a file; None if it was deleted since."""
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return None


def _by_day(start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    parts = []
    while start_ns < end_ns:
        part_end_ns = min(end_ns, day_end_ns(start_ns))
        parts.append((start_ns, part_end_ns))
        start_ns = part_end_ns
    return parts


def _read(path: Path) -> DayLog:
    """Return the log of a day; an empty one if it was deleted since."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return DayLog()
    return read_day(data, str(path))[0]
