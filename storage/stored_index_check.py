"""Compares the recording index in the object store with the stored segments."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from domain.clock import Clock
from domain.errors import DataLoss, NotFound
from storage.clients.s3 import ObjectStore
from storage.findings import Breach, Finding
from storage.recording_index_check import differences
from storage.recordings.stored_segments import StoredSegment, StoredSegments
from storage.recordings.virtual.layout_records import StoredRecord, records_in, valid_records
from storage.recordings.virtual.stored_index import StoredHour, StoredIndex

MOST_SEGMENT_BYTES = 256 << 20
_DELETE_IT = "delete it: its node uploads it again, or layouts are read from the segments"


class StoredIndexCheck:
    """Reads the whole index. A `deep` check also reads each segment that the index has."""

    def __init__(self, objects: ObjectStore, clock: Clock, deep: bool) -> None:
        self._objects = objects
        self._index = StoredIndex(objects, clock)
        self._segments = StoredSegments(objects, clock)
        self._deep = deep

    def find(self) -> Iterator[Finding]:
        for camera_id in self._index.cameras():
            for day in self._index.days(camera_id):
                segments = {
                    one.name.file_name: one for one in self._segments.on_day(camera_id, day)
                }
                for hour in self._index.on_day(camera_id, day):
                    yield from self._of_hour(hour, segments)

    def _of_hour(
        self, hour: StoredHour, segments: Mapping[str, StoredSegment]
    ) -> Iterator[Finding]:
        try:
            data = self._index.read(hour.camera_id, hour.hour_ns, hour.node)
        except NotFound:  # deleted since it was listed
            return
        except DataLoss as error:
            yield Finding(Breach.LAYOUT_DIFFERS, hour.stat.key, f"{error}; {_DELETE_IT}")
            return
        if sum(len(record.data) for record in records_in(data)) != len(data):
            message = f"a part of it cannot be read; {_DELETE_IT}"
            yield Finding(Breach.LAYOUT_DIFFERS, hour.stat.key, message)
        for record in valid_records(data).values():
            segment = segments.get(record.name)
            if segment is not None and record.has_hashes:
                yield from self._of_segment(record, segment)

    def _of_segment(self, record: StoredRecord, segment: StoredSegment) -> Iterator[Finding]:
        if record.version.size_bytes != segment.size_bytes:
            message = f"it has {segment.size_bytes} bytes of {record.version.size_bytes}"
            yield Finding(Breach.SEGMENT_DAMAGED, segment.key, message)
        elif self._deep:
            try:
                data = self._objects.get(segment.key, MOST_SEGMENT_BYTES)
            except NotFound:  # deleted since it was listed
                return
            yield from differences(record, io.BytesIO(data), segment.key)
