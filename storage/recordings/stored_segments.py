"""The recordings in the object store, from its listing alone:
`recordings/<camera>/<yyyymmdd>/<segment name>`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.clock import LATEST_NS, NS_PER_DAY, NS_PER_S, Clock
from domain.errors import DataLoss, NotFound, ObjectsUnavailable
from domain.paths.object_keys import RECORDINGS_PREFIX, day_of, day_start_ns, is_day, segment_object
from domain.paths.segment_name import SegmentName
from storage.clients.s3 import ObjectStore
from storage.recordings.day_listings import DayListings
from storage.recordings.recorded_ranges import LEAST_BYTES

_LONGEST_SEGMENT_S = 3600


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """One segment in the object store."""

    name: SegmentName
    size_bytes: int
    etag: str

    @property
    def key(self) -> str:
        return segment_object(self.name)

    @property
    def camera_id(self) -> str:
        return self.name.camera_id

    @property
    def start_ns(self) -> int:
        return self.name.start_ns

    @property
    def end_ns(self) -> int:
        return self.name.end_ns

    @property
    def fence(self) -> int:
        return self.name.fence


class StoredSegments:
    """The stored recordings. It is thread-safe.

    Every call raises ObjectsUnavailable if the store is unreachable.
    """

    def __init__(self, objects: ObjectStore, clock: Clock) -> None:
        self._objects = objects
        self._listings = DayListings(self.on_day, clock)

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[StoredSegment, ...]:
        """Return the stored segments that overlap [from_ns, to_ns), by start; the listing is as
        old as `DayListings` allows. A segment that is too small for a picture is left out.
        """
        listed = (
            segment
            for day in _days(from_ns, to_ns)
            for segment in self._listings.of(camera_id, day)
        )
        found = [segment for segment in listed if segment.size_bytes >= LEAST_BYTES]
        return tuple(
            segment for segment in found if segment.start_ns < to_ns and segment.end_ns > from_ns
        )

    def fetch(self, name: SegmentName, into: Path) -> Path:
        """Copy a segment into the folder `into`, completely or not at all. Raises NotFound,
        DataLoss, or OSError if the disk refuses.
        """
        key, path = segment_object(name), into / name.file_name
        stat = self._objects.stat(key)
        if stat is None:
            raise NotFound("the object store has no {key}", key=key)
        unfinished = path.with_name(f".{name.file_name}.{os.getpid()}.{threading.get_ident()}")
        try:
            self._copy(key, unfinished, stat.size_bytes)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path

    def cameras(self) -> list[str]:
        """Return the cameras with recordings in the store."""
        return sorted(self._objects.folders(RECORDINGS_PREFIX))

    def days(self, camera_id: str) -> list[str]:
        """Return the days (`yyyymmdd`) of a camera with recordings in the store."""
        return sorted(filter(is_day, self._objects.folders(f"{RECORDINGS_PREFIX}{camera_id}/")))

    def on_day(self, camera_id: str, day: str) -> Iterator[StoredSegment]:
        """Return the stored segments of a camera's day, by start, from a new listing."""
        for found in self._objects.list(f"{RECORDINGS_PREFIX}{camera_id}/{day}/"):
            name = SegmentName.parse(found.key.rpartition("/")[2])
            if name is not None and segment_object(name) == found.key:
                yield StoredSegment(name, found.size_bytes, found.etag)

    def put(self, name: SegmentName, path: Path) -> StoredSegment:
        """Upload a segment, and check that the store has it. Raises ObjectsUnavailable if it does
        not, or OSError.
        """
        key = segment_object(name)
        given = self._objects.put_file(key, path, "video/mp4")
        if self._objects.stat(key) != given:
            raise ObjectsUnavailable("the object store did not keep {key} as it was given", key=key)
        return StoredSegment(name, given.size_bytes, given.etag)

    def holds(self, name: SegmentName, size_bytes: int) -> bool:
        """Return whether the store has this segment completely, now."""
        stat = self._objects.stat(segment_object(name))
        return stat is not None and stat.size_bytes == size_bytes

    def forget(self, camera_id: str) -> None:
        """List the days of a camera again at the next call of `between`."""
        self._listings.forget(camera_id)

    def remove(self, segment: StoredSegment) -> None:
        """Delete a segment; a missing one is no error."""
        self._objects.delete(segment.key)

    def _copy(self, key: str, path: Path, size_bytes: int) -> None:
        with path.open("wb") as out:
            copied = sum(out.write(chunk) for chunk in self._objects.read(key))
        if copied != size_bytes:
            raise DataLoss(
                "{key} has {size_bytes} bytes, and only {copied} could be read",
                key=key,
                size_bytes=size_bytes,
                copied=copied,
            )


def _days(from_ns: int, to_ns: int) -> Iterator[str]:
    """Return the days whose segments may overlap the range; the previous day too if it begins soon
    after midnight.
    """
    at_ns = day_start_ns(day_of(from_ns - _LONGEST_SEGMENT_S * NS_PER_S))
    while at_ns < min(to_ns, LATEST_NS):
        yield day_of(at_ns)
        at_ns += NS_PER_DAY
