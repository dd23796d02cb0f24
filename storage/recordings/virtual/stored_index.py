"""The recording index in the object store, with an object for each camera, hour and node:
`recording_index/<camera>/<yyyymmdd>/<hh>/<node>.layouts`.

Each node uploads the files of its own index, in the same format (`layouts.py`), so that stored
segments can be verified while the node is unreachable, or after its disk is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from domain.clock import NS_PER_HOUR, Clock
from domain.errors import DataLoss, NotFound
from domain.paths.object_keys import (
    RECORDING_INDEX_PREFIX,
    day_of,
    day_start_ns,
    is_day,
    layouts_object,
)
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.recordings.day_listings import DayListings
from storage.recordings.virtual.layout_records import StoredRecord, valid_records

MOST_HOUR_BYTES = 64 << 20
"""An hour of 100 pictures and 50 pieces of sound a second has 4 MB."""
_SUFFIX = ".layouts"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredHour:
    """The stored layouts of a camera, a node and an hour."""

    camera_id: str
    hour_ns: int
    """The start of the hour."""
    node: str
    stat: ObjectStat

    @property
    def end_ns(self) -> int:
        return self.hour_ns + NS_PER_HOUR


class StoredIndex:
    """The stored recording index. It is thread-safe.

    Every call raises ObjectsUnavailable if the store is unreachable.
    """

    def __init__(self, objects: ObjectStore, clock: Clock) -> None:
        self._objects = objects
        self._listings = DayListings(self.on_day, clock)

    def records(self, camera_id: str, hour_ns: int) -> dict[str, StoredRecord]:
        """Return the records of all nodes of the segments that begin in an hour, by the name of the
        segment. The listing is as old as `DayListings` allows.
        """
        found: dict[str, StoredRecord] = {}
        for hour in self._listings.of(camera_id, day_of(hour_ns)):
            if hour.hour_ns == hour_ns:
                found |= valid_records(self._readable(hour))
        return found

    def on_day(self, camera_id: str, day: str) -> Iterator[StoredHour]:
        """Yield what is stored of a camera's day, from a new listing."""
        prefix = f"{RECORDING_INDEX_PREFIX}{camera_id}/{day}/"
        for stat in self._objects.list(prefix):
            hour, _, name = stat.key.removeprefix(prefix).partition("/")
            if not (len(hour) == 2 and hour.isdecimal() and name.endswith(_SUFFIX)):
                continue
            node, hour_ns = name.removesuffix(_SUFFIX), day_start_ns(day) + int(hour) * NS_PER_HOUR
            if layouts_object(camera_id, hour_ns, node) == stat.key:
                yield StoredHour(camera_id, hour_ns, node, stat)

    def cameras(self) -> list[str]:
        return sorted(self._objects.folders(RECORDING_INDEX_PREFIX))

    def days(self, camera_id: str) -> list[str]:
        """Return the days (`yyyymmdd`) of a camera with stored layouts."""
        prefix = f"{RECORDING_INDEX_PREFIX}{camera_id}/"
        return sorted(filter(is_day, self._objects.folders(prefix)))

    def read(self, camera_id: str, hour_ns: int, node: str) -> bytes:
        """Return the records of a node and an hour. Raises NotFound, and DataLoss if there are too
        many bytes.
        """
        return self._objects.get(layouts_object(camera_id, hour_ns, node), MOST_HOUR_BYTES)

    def put(self, camera_id: str, hour_ns: int, node: str, data: bytes) -> None:
        key = layouts_object(camera_id, hour_ns, node)
        self._objects.put(key, data, "application/octet-stream")

    def remove(self, hour: StoredHour) -> None:
        """Delete the layouts of an hour; missing ones are no error."""
        self._objects.delete(hour.stat.key)

    def _readable(self, hour: StoredHour) -> bytes:
        try:
            return self.read(hour.camera_id, hour.hour_ns, hour.node)
        except NotFound:  # deleted since it was listed
            return b""
        except DataLoss as loss:
            _log.warning("the layouts of an hour are read from its segments: %s", loss)
            return b""
