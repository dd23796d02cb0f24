"""Segments whose files are on this machine. The API reads them itself: a second process that only
copies the bytes would cost as much as sending them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from api.cameras.segment_locator import Located
from domain.clock import NS_PER_HOUR
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from storage.recordings.file_reader import FilePart
from storage.recordings.virtual.layout_records import StoredRecord
from storage.recordings.virtual.layouts import KnownHours, RecordingIndex


class LocalSegments:
    """The recordings in the data folder of this process, if there are any."""

    def __init__(self, layout: Layout) -> None:
        self._recordings = str(layout.recordings)
        self._index = KnownHours(RecordingIndex(layout.recording_index))

    def records(self, segments: Sequence[Located]) -> Iterator[tuple[Located, StoredRecord]]:
        """Yield the segments that the recording index of this machine has, and their layouts.

        A layout with hashes is that of any file with its name and size, so no file is looked at.
        """
        hours: dict[int, Mapping[str, StoredRecord]] = {}
        for one in segments:
            if one.is_open or one.lease is None:
                continue
            hour = one.segment.start_ns // NS_PER_HOUR
            if hour not in hours:
                hours = {hour: self._index.hour(one.segment.camera_id, hour * NS_PER_HOUR)}
            record = hours[hour].get(one.name)
            if record is not None and record.is_of(one.version):
                yield one, record

    def open_part(self, one: Located, offset: int, length_bytes: int) -> FilePart | None:
        """Open a part of a segment; return None if the file that its node listed is not here."""
        path = self._path(one)
        if path is None:
            return None
        try:
            part = FilePart(Path(path), offset, length_bytes, may_grow=one.is_open)
        except OSError:  # deleted since, or not readable here: its node says which
            return None
        if _is_listed(one, part.stat):
            return part
        part.close()
        return None

    def has(self, one: Located) -> bool:
        """Return whether the file of a segment here is the one that its node listed."""
        return self._path(one) is not None

    def _path(self, one: Located) -> str | None:
        """Return the path of a segment if its file here is the one that its node listed."""
        if one.lease is None:
            return None
        day = day_of(one.segment.start_ns)
        # A path object for each segment of a day takes longer than to read its state.
        path = f"{self._recordings}/{one.segment.camera_id}/{day}/{one.name}"
        try:
            return path if _is_listed(one, os.stat(path)) else None  # noqa: PTH116
        except OSError:
            return None


def _is_listed(one: Located, found: os.stat_result) -> bool:
    """Return whether a file is in the state that its node listed."""
    listed = one.version
    if found.st_ino != listed.inode:
        return False
    is_same = (found.st_size, found.st_mtime_ns) == (listed.size_bytes, listed.modified_ns)
    return is_same or one.is_open
