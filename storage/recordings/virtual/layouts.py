"""The layouts of the segments on this machine: from the recording index, else from the files.

The recorder adds each finished segment to the index, with the SHA-256 of its fragments as they were
written.

The index has one file for each camera and hour of the start, `<camera>/<yyyymmdd>/<hh>.layouts`,
with records (`layout_records.py`) one after the other. It is derived: it may be deleted, and the
names of segments alone say what is recorded. It is deleted with the recordings of its day.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO

from domain.clock import NS_PER_HOUR
from domain.errors import DataLoss
from domain.paths.object_keys import day_of
from storage.mp4.segment_layout import read_layout
from storage.recordings.ledger import Segment
from storage.recordings.virtual.layout_records import (
    FileVersion,
    LayoutRecord,
    StoredRecord,
    valid_records,
    write_record,
)

_HOURS_PER_DAY = 24
MOST_KNOWN_BYTES = 48 << 20
"""The most memory that hours of the index which were read use; a day has 25 MB."""
_log = logging.getLogger(__name__)


def version_of(file: IO[bytes]) -> FileVersion:
    """Return the version of an open file."""
    return FileVersion.of(os.fstat(file.fileno()))


def hashed_record(path: Path) -> StoredRecord:
    """Return the layout of a finished segment with the hashes of its fragments as they are now.

    Raises DataLoss if it cannot be read, OSError.
    """
    with path.open("rb") as file:
        layout = read_layout(file)
        hashes = []
        for start, end in layout.fragments.tolist():
            file.seek(start)
            hashes.append(hashlib.sha256(file.read(end - start)).digest())
        record = LayoutRecord(path.name, version_of(file), layout, tuple(hashes))
    return write_record(record)


class RecordingIndex:
    """The files of the recording index."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, camera_id: str, start_ns: int, record: StoredRecord) -> None:
        """Append the record of a segment that begins at `start_ns`. Raises OSError."""
        path = self._path(camera_id, start_ns)
        try:
            _append(path, record.data)
        except FileNotFoundError:  # the first of a day
            path.parent.mkdir(parents=True, exist_ok=True)
            _append(path, record.data)

    def hour(self, camera_id: str, hour_ns: int) -> dict[str, StoredRecord]:
        """Return the records of segments that begin in an hour, by the name of the segment."""
        try:
            data = self.data(camera_id, hour_ns)
        except OSError as error:
            _log.warning("an hour of the recording index cannot be read: %s", error)
            return {}
        return valid_records(data)

    def data(self, camera_id: str, hour_ns: int) -> bytes:
        """Return the records of an hour as they are stored, none if there are none. Raises
        OSError.
        """
        try:
            return self._path(camera_id, hour_ns).read_bytes()
        except FileNotFoundError:
            return b""

    def version(self, camera_id: str, hour_ns: int) -> FileVersion | None:
        """Return the version of the file of an hour; None if there is none, or it cannot be
        read.
        """
        try:
            return FileVersion.of(self._path(camera_id, hour_ns).stat())
        except OSError:
            return None

    def size_bytes(self, camera_id: str, hour_ns: int) -> int:
        """Return the size of the records of an hour. Raises OSError."""
        try:
            return self._path(camera_id, hour_ns).stat().st_size
        except FileNotFoundError:
            return 0

    def _path(self, camera_id: str, start_ns: int) -> Path:
        hour = start_ns // NS_PER_HOUR % _HOURS_PER_DAY
        return self._folder / camera_id / day_of(start_ns) / f"{hour:02}.layouts"


def _append(path: Path, data: bytes) -> None:
    """Append with one write, so that records of several processes do not mix. Raises OSError if
    not all of it is written; readers then leave out the part.
    """
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.write(file, data) != len(data):
            raise OSError(f"only a part of a record could be written to {path}")
    finally:
        os.close(file)


class KnownHours:
    """The hours of an index that a process has read, which are read again only if their files were
    changed. Thread-safe.
    """

    def __init__(self, index: RecordingIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, int], _KnownHour] = OrderedDict()
        self._size_bytes = 0

    def hour(self, camera_id: str, hour_ns: int) -> Mapping[str, StoredRecord]:
        """Return the records of segments that begin in an hour, by the name of the segment."""
        version = self._index.version(camera_id, hour_ns)
        if version is None:
            return {}
        with self._lock:
            known = self._known.get((camera_id, hour_ns))
            if known is not None and known.version == version:
                self._known.move_to_end((camera_id, hour_ns))
                return known.records
        records = self._index.hour(camera_id, hour_ns)
        self._add((camera_id, hour_ns), _KnownHour(version, records))
        return records

    def _add(self, key: tuple[str, int], hour: _KnownHour) -> None:
        with self._lock:
            before = self._known.pop(key, None)
            self._size_bytes += hour.version.size_bytes
            self._size_bytes -= 0 if before is None else before.version.size_bytes
            self._known[key] = hour
            while self._size_bytes > MOST_KNOWN_BYTES:
                _, oldest = self._known.popitem(last=False)
                self._size_bytes -= oldest.version.size_bytes


@dataclass(frozen=True, slots=True)
class _KnownHour:
    version: FileVersion
    """That of the file before it was read, so what was added meanwhile is read later."""
    records: Mapping[str, StoredRecord]


class Layouts:
    """Finds the layouts of segments on this machine. Thread-safe."""

    def __init__(self, index: RecordingIndex) -> None:
        self._index = index

    def records(self, segments: Sequence[Segment]) -> Iterator[StoredRecord]:
        """Yield the layouts of segments of one camera, by start. A segment that was deleted, or
        that has no whole picture, is left out.

        The layout of a finished segment that is not in the index is read from its file and added.
        """
        for hour, in_hour in groupby(segments, lambda one: one.start_ns // NS_PER_HOUR):
            known: dict[str, StoredRecord] | None = None
            for segment in in_hour:
                if known is None:
                    known = self._index.hour(segment.camera_id, hour * NS_PER_HOUR)
                record = self._record(segment, known.get(segment.path.name))
                if record is not None:
                    yield record

    def _record(self, segment: Segment, known: StoredRecord | None) -> StoredRecord | None:
        try:
            with segment.path.open("rb") as file:
                version = version_of(file)
                if known is not None and known.is_of(version):
                    return known
                record = write_record(LayoutRecord(segment.path.name, version, read_layout(file)))
        except FileNotFoundError:
            return None
        except DataLoss as loss:
            _log.warning("%s is left out of recordings: %s", segment.path, loss)
            return None
        if segment.end_ns is not None:
            self._add(segment, record)
        return record

    def _add(self, segment: Segment, record: StoredRecord) -> None:
        """Add a record to the index. Without it, the next reader reads the segment again."""
        try:
            self._index.add(segment.camera_id, segment.start_ns, record)
        except OSError as error:
            _log.warning("the layout of %s is not in the index: %s", segment.path, error)
