"""The heads of finished segments, of which few differ: a file is opened for each coding, not for
each segment of a day.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage.recordings.served_segments import describe_head, read_head
from storage.recordings.virtual.layout_records import (
    FileVersion,
    StoredRecord,
    boxes_of,
    content_of,
)
from storage.recordings.virtual.layouts import RecordingIndex

MOST_HOURS = 500
"""The hours whose codings are remembered; each has about 0.1 MB."""
MOST_HEADS = 10_000
HeadDescription = tuple[str, str]
"""A hash of a head, and its MIME type for players."""


@dataclass(frozen=True, slots=True)
class _Coding:
    """What decides about the head of a segment, and of which file that is known."""

    digest: bytes
    version: FileVersion
    has_hashes: bool

    def is_of(self, version: FileVersion) -> bool:
        """Return whether the head is that of a file in this state."""
        return self.version.has_layout_of(version, self.has_hashes)


@dataclass(frozen=True, slots=True)
class _Hour:
    version: FileVersion
    codings: Mapping[str, _Coding]


class SegmentHeads:
    """Finds the heads of the segments of one machine. Thread-safe."""

    def __init__(self, index: RecordingIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._hours: OrderedDict[tuple[str, int], _Hour] = OrderedDict()
        self._heads: OrderedDict[object, HeadDescription] = OrderedDict()

    def of(self, camera_id: str, hour_ns: int, path: Path, version: FileVersion) -> HeadDescription:
        """Return the description of the head of a finished segment that begins in an hour.

        Raises DataLoss if it cannot be read, NotFound if the file was deleted.
        """
        coding = self._codings(camera_id, hour_ns).get(path.name)
        is_known = coding is not None and coding.is_of(version)
        key: object = coding.digest if coding is not None and is_known else (path, version)
        with self._lock:
            known = self._heads.get(key)
        if known is not None:
            return known
        found = describe_head(read_head(path))
        with self._lock:
            self._heads[key] = found
            if len(self._heads) > MOST_HEADS:
                self._heads.popitem(last=False)
        return found

    def _codings(self, camera_id: str, hour_ns: int) -> Mapping[str, _Coding]:
        version = self._index.version(camera_id, hour_ns)
        if version is None:
            return {}
        with self._lock:
            known = self._hours.get((camera_id, hour_ns))
            if known is not None and known.version == version:
                return known.codings
        records = self._index.hour(camera_id, hour_ns)
        found = {
            name: _Coding(digest, record.version, record.has_hashes)
            for name, record in records.items()
            if (digest := _digest(record)) is not None
        }
        with self._lock:
            self._hours[camera_id, hour_ns] = _Hour(version, found)
            if len(self._hours) > MOST_HOURS:
                self._hours.popitem(last=False)
        return found


def _digest(record: StoredRecord) -> bytes | None:
    """Return a digest of what decides about a head: its length, and for each track the time base,
    the codec parameters, and by how much the first sample is shown later.
    """
    try:
        parts = content_of(record)
        digest = hashlib.sha256(parts[b"frag"][:8])
        for name in (b"vide", b"soun"):
            track = boxes_of(parts.get(name, b""), 0, len(parts.get(name, b"")))
            digest.update(name + track.get(b"head", b"") + track.get(b"late", b"")[:4])
        return digest.digest()
    except KeyError:
        return None
