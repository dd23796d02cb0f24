"""The layouts of segments in the object store: from the stored recording index, else from the
segments.

A segment that the index lacks is read as a whole, once in each process. Its hashes are then those
of its first reading: they do not prove what was recorded, but its content cannot change unnoticed.
"""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import closing
from itertools import groupby

from api.access.api_context import ApiContext
from api.cameras.recording_blocks import SegmentKey
from api.cameras.segment_locator import SEGMENT_MAX_BYTES, Located, open_segment_part
from domain.clock import NS_PER_HOUR
from domain.errors import DataLoss, NotFound
from storage.mp4.segment_layout import read_layout
from storage.recordings.virtual.layout_records import LayoutRecord, StoredRecord, write_record
from storage.recordings.virtual.stored_index import StoredIndex

MOST_LAYOUT_BYTES = 64 << 20
"""The most memory that the layouts of segments in the object store use."""
_log = logging.getLogger(__name__)
_Version = tuple[str, str]
"""The name of a segment, and the ETag of its object."""


class StoredLayouts:
    """Finds the layouts of segments in the object store. Thread-safe."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._index = StoredIndex(context.objects, context.clock)
        self._lock = threading.Lock()
        self._known: OrderedDict[_Version, StoredRecord] = OrderedDict()
        self._size_bytes = 0

    def unknown_bytes(self, segments: Sequence[Located]) -> int:
        """Return how much of segments `records` would read besides the index. Raises
        ObjectsUnavailable.
        """
        known = self._indexed(segments)
        return sum(one.size_bytes for one in segments if one.key not in known)

    def records(self, segments: Sequence[Located]) -> dict[SegmentKey, StoredRecord]:
        """Return the layouts of stored segments. One that cannot be read is left out.

        Raises ObjectsUnavailable.
        """
        found = self._indexed(segments)
        for one in segments:
            record = None if one.key in found else self._read(one)
            if record is not None:
                found[one.key] = record
                self._add(one, record)
        return found

    def _indexed(self, segments: Sequence[Located]) -> dict[SegmentKey, StoredRecord]:
        """Return the layouts that are known, or that the stored index has."""
        with self._lock:
            found = {
                one.key: self._known[version]
                for one in segments
                if (version := _version_of(one)) in self._known
            }
        missing = [one for one in segments if one.key not in found]
        for hour, in_hour in groupby(missing, lambda one: one.segment.start_ns // NS_PER_HOUR):
            ours = list(in_hour)
            records = self._index.records(ours[0].segment.camera_id, hour * NS_PER_HOUR)
            for one in ours:
                record = records.get(one.name)
                if record is not None and record.is_of(one.version):
                    found[one.key] = record
                    self._add(one, record)
        return found

    def _read(self, one: Located) -> StoredRecord | None:
        try:
            with closing(open_segment_part(self._context, one, 0, one.size_bytes)) as stream:
                if one.size_bytes > SEGMENT_MAX_BYTES:
                    raise DataLoss(
                        "{segment} has {size_bytes} bytes, which no segment has",
                        segment=one.name,
                        size_bytes=one.size_bytes,
                    )
                data = b"".join(stream)
            layout = read_layout(io.BytesIO(data))
        except (NotFound, DataLoss) as loss:  # deleted since it was listed, or damaged: a gap
            _log.warning("%s is left out of recordings: %s", one.name, loss)
            return None
        hashes = tuple(
            hashlib.sha256(data[start:end]).digest() for start, end in layout.fragments.tolist()
        )
        record = LayoutRecord(one.name, one.version, layout, hashes, is_hashed_late=True)
        return write_record(record)

    def _add(self, one: Located, record: StoredRecord) -> None:
        version = _version_of(one)
        with self._lock:
            before = self._known.pop(version, None)
            self._size_bytes += len(record.data) - (0 if before is None else len(before.data))
            self._known[version] = record
            while self._size_bytes > MOST_LAYOUT_BYTES:
                _, oldest = self._known.popitem(last=False)
                self._size_bytes -= len(oldest.data)


def _version_of(one: Located) -> _Version:
    return one.name, one.version.etag
