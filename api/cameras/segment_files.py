"""Segments whose files are on this machine. The API reads them itself: a second process that only
copies the bytes would cost as much as sending them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from api.cameras.segment_locator import Located
from domain.clock import NS_PER_HOUR
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from storage.recordings.file_reader import FilePart
from storage.recordings.virtual.layout_records import StoredRecord
from storage.recordings.virtual.layouts import RecordingIndex


class LocalSegments:
    """The recordings in the data folder of this process, if there are any."""

    def __init__(self, layout: Layout) -> None:
        self._recordings = layout.recordings
        self._index = RecordingIndex(layout.recording_index)

    def records(self, segments: Sequence[Located]) -> Iterator[tuple[Located, StoredRecord]]:
        """Yield the segments that the recording index of this machine has, and their layouts."""
        hours: dict[int, dict[str, StoredRecord]] = {}
        for one in segments:
            if one.is_open or self._path(one) is None:
                continue
            hour = one.segment.start_ns // NS_PER_HOUR
            if hour not in hours:
                hours = {hour: self._index.hour(one.segment.camera_id, hour * NS_PER_HOUR)}
            record = hours[hour].get(one.name)
            if record is not None and record.is_of(one.version):
                yield one, record

    def open_part(self, one: Located, offset: int, length_bytes: int) -> FilePart | None:
        """Open a part of a segment; return None if its file is not here."""
        path = self._path(one)
        if path is None:
            return None
        try:
            return FilePart(path, offset, length_bytes)
        except OSError:  # deleted since, or not readable here: its node says which
            return None

    def _path(self, one: Located) -> Path | None:
        """Return the path of a segment if its file here is the one that its node listed."""
        if one.lease is None:
            return None
        day = self._recordings / one.segment.camera_id / day_of(one.segment.start_ns)
        path = day / one.name
        try:
            found = path.stat()
        except OSError:
            return None
        listed = one.version
        if found.st_ino != listed.inode:
            return None
        is_same = (found.st_size, found.st_mtime_ns) == (listed.size_bytes, listed.modified_ns)
        return path if is_same or one.is_open else None
