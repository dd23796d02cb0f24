"""The virtual files of recordings, from the layouts of segments on nodes and in the object store.

A file is made once for several requests, because a player requests many byte ranges of it. For
FRESH_S it is used as it is. After that the segments are listed again, and the file is made again if
they differ.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.access.api_context import ApiContext
from api.cameras.fragment_check import FragmentVerification
from api.cameras.segment_files import LocalSegments
from api.cameras.segment_locator import (
    Located,
    LocatedSegments,
    open_segment_part,
    segment_bytes,
)
from domain.errors import BadInput, DataLoss, NotFound
from storage.mp4.segment_layout import read_layout
from storage.recordings.cut_plan import plan
from storage.recordings.ledger import parse_segment
from storage.recordings.virtual.layout_records import (
    LayoutRecord,
    StoredRecord,
    read_record,
    write_record,
)
from storage.recordings.virtual.reader import FragmentChecks, PartStream, read_bytes
from storage.recordings.virtual.timeline import LaidOutPiece
from storage.recordings.virtual.virtual_file import VirtualFile, make_virtual_file

FRESH_S = 5.0
MOST_BYTES = 128 << 20
"""The most memory that the files of a process use together, unless it is one file."""
MOST_SAMPLES = 20_000_000
"""The most pictures and pieces of sound of a file. A day of 100 pictures and 50 pieces of sound a
second has 13 million.
"""
MOST_DIGESTS = 1000
"""The files of which a process remembers the SHA-256, by their ETags."""
MOST_LAYOUT_BYTES = 64 << 20
"""The most memory that the layouts of segments in the object store use."""
MOST_UNKNOWN_BYTES = 4 << 30
"""The most bytes of stored segments that are read for their layouts in one request."""
_Key = tuple[str, int, int]
_SegmentKey = tuple[int, int]


@dataclass(frozen=True, eq=False)
class RecordingFile:
    """A virtual file, and the sources of its segments."""

    file: VirtualFile
    located: LocatedSegments
    sources: tuple[Located, ...]
    """Where each segment of the file is."""
    checks: FragmentChecks
    local: LocalSegments

    def read(self, context: ApiContext, first: int, length_bytes: int) -> Generator[bytes]:
        """Yield bytes of the file. Raises what the sources raise, and DataLoss."""

        def open_part(number: int, offset: int, length: int) -> PartStream:
            one = self.sources[number]
            here = self.local.open_part(one, offset, length)
            return here or open_segment_part(context, one, offset, length)

        return read_bytes(self.file, first, length_bytes, open_part, self.checks)


@dataclass(slots=True)
class _Known:
    recording: RecordingFile
    listed_s: float


class RecordingFiles:
    """Makes the virtual files of a process, and caches them. Thread-safe."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._layouts = _StoredLayouts(context)
        self._verification = FragmentVerification(context)
        self._digests: OrderedDict[str, bytes] = OrderedDict()
        self._local = LocalSegments(context.layout)

    def recent(self, camera_id: str, span: tuple[int, int]) -> RecordingFile | None:
        """Return the file of a range if its segments were listed within FRESH_S."""
        with self._lock:
            known = self._known.get((camera_id, *span))
            if known is None or self._context.clock.monotonic_s() - known.listed_s >= FRESH_S:
                return None
            self._known.move_to_end((camera_id, *span))
            return known.recording

    def forget(self, recording: RecordingFile) -> None:
        """Have the segments of a file listed again by the next request."""
        with self._lock:
            stale = [key for key, known in self._known.items() if known.recording is recording]
            for key in stale:
                del self._known[key]
        for camera_id, _, _ in stale:
            self._context.stored.forget(camera_id)

    def sha256(self, recording: RecordingFile, content: Iterable[bytes]) -> bytes:
        """Return the SHA-256 of a file, whose bytes are `content`. They are read if the digest is
        not known.
        """
        etag = recording.file.etag
        with self._lock:
            known = self._digests.get(etag)
        if known is not None:
            return known
        digest = hashlib.sha256()
        for chunk in content:
            digest.update(chunk)
        with self._lock:
            self._digests[etag] = digest.digest()
            if len(self._digests) > MOST_DIGESTS:
                self._digests.popitem(last=False)
        return digest.digest()

    def file_of(
        self, camera_id: str, span: tuple[int, int], found: LocatedSegments
    ) -> RecordingFile:
        """Return the file of a range from the segments that were just listed.

        Raises NotFound if nothing is recorded, BadInput if too much must be read for it, and what
        the sources raise.
        """
        listed_s = self._context.clock.monotonic_s()
        with self._lock:
            known = self._known.get((camera_id, *span))
        if known is not None and known.recording.located == found:
            known.listed_s = listed_s
            return known.recording
        records = self._records(camera_id, span, found.segments)
        damaged = self._verification.damaged(found.segments)
        with self._making:
            file, sources = _make(found, records, damaged, span)
        made = RecordingFile(file, found, sources, self._verification.of(sources), self._local)
        with self._lock:
            self._known[(camera_id, *span)] = _Known(made, listed_s)
            self._known.move_to_end((camera_id, *span))
            self._evict()
        return made

    def _records(
        self, camera_id: str, span: tuple[int, int], segments: Sequence[Located]
    ) -> dict[_SegmentKey, StoredRecord]:
        """Return the layouts of segments. One that cannot be read is left out."""
        found = {one.key: record for one, record in self._local.records(segments)}
        elsewhere = [one for one in segments if one.key not in found]
        for lease in dict.fromkeys(one.lease for one in elsewhere if one.lease is not None):
            records = self._context.node_client.layouts(
                lease.node_api_url, lease.node, camera_id, *span
            )
            mine = {one.key for one in elsewhere if one.lease == lease}
            by_key = ((_key_of(record), record) for record in records)
            found |= {key: record for key, record in by_key if key in mine}
        return found | self._layouts.records([one for one in segments if one.lease is None])

    def _evict(self) -> None:
        size_bytes = sum(one.recording.file.memory_bytes for one in self._known.values())
        while size_bytes > MOST_BYTES and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            size_bytes -= oldest.recording.file.memory_bytes


class _StoredLayouts:
    """The layouts of segments in the object store, which never change. Thread-safe."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._known: OrderedDict[str, StoredRecord] = OrderedDict()
        self._size_bytes = 0

    def records(self, segments: Sequence[Located]) -> dict[_SegmentKey, StoredRecord]:
        """Return the layouts of stored segments. A segment that is not known is read.

        Raises BadInput if too much would be read, ObjectsUnavailable.
        """
        with self._lock:
            known = {one.name: self._known[one.name] for one in segments if one.name in self._known}
        missing = [one for one in segments if one.name not in known]
        size_bytes = sum(one.size_bytes for one in missing)
        if size_bytes > MOST_UNKNOWN_BYTES:
            raise BadInput(
                f"the range has {size_bytes / 1e9:.1f} GB in the object store that were not read "
                f"before, and one request reads at most {MOST_UNKNOWN_BYTES / 1e9:.1f} GB; "
                "request it in parts"
            )
        for one in missing:
            record = self._read(one)
            if record is not None:
                known[one.name] = record
                self._add(record)
        return {one.key: known[one.name] for one in segments if one.name in known}

    def _read(self, one: Located) -> StoredRecord | None:
        try:
            layout = read_layout(io.BytesIO(segment_bytes(self._context, one)))
        except (NotFound, DataLoss):  # deleted since it was listed, or damaged: it is a gap
            return None
        return write_record(LayoutRecord(one.name, one.version, layout))

    def _add(self, record: StoredRecord) -> None:
        with self._lock:
            self._known[record.name] = record
            self._size_bytes += len(record.data)
            while self._size_bytes > MOST_LAYOUT_BYTES:
                _, oldest = self._known.popitem(last=False)
                self._size_bytes -= len(oldest.data)


def _make(
    found: LocatedSegments,
    records: Mapping[_SegmentKey, StoredRecord],
    damaged: Mapping[_SegmentKey, frozenset[int]],
    span: tuple[int, int],
) -> tuple[VirtualFile, tuple[Located, ...]]:
    located = {one.key: one for one in found.segments}
    counted = _CountedLayouts()
    pieces = [
        LaidOutPiece(piece, record.layout, record.hashes, damaged.get(key, frozenset()))
        for piece in plan([one.segment for one in found.segments], *span)
        if (key := (piece.segment.start_ns, piece.segment.fence)) in records
        and (record := counted.read(records[key]))
    ]
    file = make_virtual_file(pieces, *span)
    sources = tuple(located[one.segment.start_ns, one.segment.fence] for one in file.segments)
    return file, sources


class _CountedLayouts:
    """Reads layouts up to a number of samples, because a stolen node chooses what it sends."""

    def __init__(self) -> None:
        self._samples = 0

    def read(self, stored: StoredRecord) -> LayoutRecord:
        """Return the content of a record. Raises BadInput after too many samples, DataLoss."""
        record = read_record(stored)
        sound = record.layout.sound
        self._samples += len(record.layout.video) + (0 if sound is None else len(sound))
        if self._samples > MOST_SAMPLES:
            raise BadInput(
                f"the range has more than {MOST_SAMPLES / 1e6:.0f} million pictures and pieces of "
                "sound; request it in parts"
            )
        return record


def _key_of(record: StoredRecord) -> _SegmentKey | None:
    segment = parse_segment(Path(record.name))
    return None if segment is None else (segment.start_ns, segment.fence)
