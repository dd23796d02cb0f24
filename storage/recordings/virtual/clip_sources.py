"""The segments of which clips are made: on this disk, and of late events in the object store."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from domain.clock import NS_PER_HOUR
from domain.errors import DataLoss, NotFound
from storage.clients.s3 import ObjectStore, ObjectStream
from storage.mp4.segment_layout import SegmentLayout, read_layout
from storage.recordings.damaged_fragments import state_of
from storage.recordings.file_reader import FilePart
from storage.recordings.ledger import Ledger, Segment, parse_segment
from storage.recordings.stored_segments import StoredSegment, StoredSegments
from storage.recordings.virtual.layout_records import FileVersion, StoredRecord, read_record
from storage.recordings.virtual.layouts import RecordingIndex, version_of
from storage.recordings.virtual.reader import PartStream
from storage.recordings.virtual.stored_index import StoredIndex

MOST_SEGMENT_BYTES = 256 << 20
"""A segment of 10 s is far smaller, also at 100 Mbit/s."""
_log = logging.getLogger(__name__)
_RecordsOf = Callable[[int], Mapping[str, StoredRecord]]
"""Returns the records of the segments that begin in an hour (UTC ns), by their names."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipSource:
    """A segment whose bytes can be read, also if it is renamed or deleted meanwhile."""

    segment: Segment
    layout: SegmentLayout
    hashes: tuple[bytes, ...] | None
    """The SHA-256 of each fragment; None if nothing hashed it."""
    is_hashed_late: bool
    """Whether the hashes are of a first reading, and not of the recorder."""
    state: str
    """The segment, and the version of its file, as `DamagedFragments` has them."""
    open_part: Callable[[int, int], PartStream]
    """Opens a part by its offset and its length. Raises OSError, NotFound, DataLoss, and
    ObjectsUnavailable.
    """


class ClipSources:
    """Finds the segments of clips. One thread uses it."""

    def __init__(
        self,
        ledger: Ledger,
        index: RecordingIndex,
        stored: StoredSegments,
        stored_index: StoredIndex,
        objects: ObjectStore,
    ) -> None:
        self._ledger = ledger
        self._index = index
        self._stored = stored
        self._stored_index = stored_index
        self._objects = objects

    def here(self, camera_id: str, from_ns: int, to_ns: int, held: ExitStack) -> list[ClipSource]:
        """Return the segments of a range on this disk, as `open_segments` does."""
        listed = self._ledger.segments(camera_id, from_ns, to_ns)
        return open_segments(listed, self._index, held)

    def everywhere(
        self, camera_id: str, from_ns: int, to_ns: int, held: ExitStack
    ) -> list[ClipSource]:
        """Return the segments of a range on this disk, and those that only the object store has.

        Raises ObjectsUnavailable.
        """
        here = self.here(camera_id, from_ns, to_ns, held)
        keys = {one.segment.key for one in here}
        records = _known_hours(partial(self._stored_index.records, camera_id))
        there = (
            self._in_store(one, records)
            for one in self._stored.between(camera_id, from_ns, to_ns)
            if (one.start_ns, one.fence) not in keys
        )
        found = [*here, *(one for one in there if one is not None)]
        return sorted(found, key=lambda one: one.segment.key)

    def _in_store(self, one: StoredSegment, records: _RecordsOf) -> ClipSource | None:
        name = one.name.file_name
        segment = Segment(Path(name), one.camera_id, one.start_ns, one.end_ns, one.fence)
        version = FileVersion(one.size_bytes, 0, 0, one.etag)
        known = records(_hour_of(segment)).get(name)
        open_part = partial(self._open_stored, one)
        try:
            if known is None or not known.is_of(version):
                if one.size_bytes > MOST_SEGMENT_BYTES:
                    raise DataLoss(
                        "it has {size_bytes} bytes, which no segment has", size_bytes=one.size_bytes
                    )
                data = b"".join(open_part(0, one.size_bytes))
                return _source(segment, version, read_layout(io.BytesIO(data)), open_part)
            return _recorded(segment, version, known, open_part)
        except (NotFound, DataLoss) as error:
            _log.warning("a clip is made without %s: %s", one.key, error)
            return None

    def _open_stored(self, one: StoredSegment, offset: int, length_bytes: int) -> ObjectStream:
        stream = self._objects.read(one.key, offset, length_bytes)
        if stream.stat.etag != one.etag:
            stream.close()
            raise DataLoss("{key} was replaced since it was listed", key=one.key)
        return stream


def open_segments(
    segments: Sequence[Segment], index: RecordingIndex, held: ExitStack
) -> list[ClipSource]:
    """Open segments of one camera, whose files `held` closes. One that was deleted, or that cannot
    be read, is left out.
    """
    if not segments:
        return []
    records = _known_hours(partial(index.hour, segments[0].camera_id))
    found = (_opened(segment, records, held) for segment in segments)
    return [one for one in found if one is not None]


def _known_hours(read: Callable[[int], Mapping[str, StoredRecord]]) -> _RecordsOf:
    """Return a function that reads each hour once."""
    known: dict[int, Mapping[str, StoredRecord]] = {}

    def records(hour_ns: int) -> Mapping[str, StoredRecord]:
        if hour_ns not in known:
            known[hour_ns] = read(hour_ns)
        return known[hour_ns]

    return records


def _opened(segment: Segment, records: _RecordsOf, held: ExitStack) -> ClipSource | None:
    """Open a segment, which may have been finished and renamed since it was listed."""
    try:
        file = held.enter_context(segment.path.open("rb"))
    except FileNotFoundError:
        renamed = _finished(segment)
        is_other = renamed is not None and renamed.path != segment.path
        return _opened(renamed, records, held) if renamed is not None and is_other else None
    except OSError as error:
        _log.warning("a clip is made without %s: %s", segment.path, error)
        return None
    try:
        return _read(segment, file, records)
    except (DataLoss, OSError) as error:
        _log.warning("a clip is made without %s: %s", segment.path, error)
        return None


def _read(segment: Segment, file: BinaryIO, records: _RecordsOf) -> ClipSource:
    version, is_open = version_of(file), segment.end_ns is None
    open_part = partial(_open_held, file.fileno(), is_open)
    known = None if is_open else records(_hour_of(segment)).get(segment.path.name)
    if known is None or not known.is_of(version):
        return _source(segment, version, read_layout(file), open_part)
    return _recorded(segment, version, known, open_part)


def _finished(segment: Segment) -> Segment | None:
    names = segment.path.parent.glob(
        f"{segment.camera_id}_{segment.start_ms}_*_{segment.fence}.mp4"
    )
    return next((found for path in names if (found := parse_segment(path)) is not None), None)


def _open_held(descriptor: int, may_grow: bool, offset: int, length_bytes: int) -> FilePart:
    return FilePart(Path(f"/proc/self/fd/{descriptor}"), offset, length_bytes, may_grow)


def _source(
    segment: Segment,
    version: FileVersion,
    layout: SegmentLayout,
    open_part: Callable[[int, int], PartStream],
) -> ClipSource:
    """Return a segment that nothing has hashed."""
    return ClipSource(segment, layout, None, False, _state(segment, version), open_part)


def _recorded(
    segment: Segment,
    version: FileVersion,
    known: StoredRecord,
    open_part: Callable[[int, int], PartStream],
) -> ClipSource:
    record = read_record(known)
    return ClipSource(
        segment,
        record.layout,
        record.hashes,
        record.is_hashed_late,
        _state(segment, version),
        open_part,
    )


def _state(segment: Segment, version: FileVersion) -> str:
    return state_of(
        segment.path.name, version.size_bytes, version.modified_ns, version.inode, version.etag
    )


def _hour_of(segment: Segment) -> int:
    return segment.start_ns // NS_PER_HOUR * NS_PER_HOUR
