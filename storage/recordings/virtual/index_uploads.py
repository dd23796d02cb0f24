"""Uploads the recording index of a node to the object store, an hour at a time.

The index of an hour is uploaded as a whole: with the first of its segments, every five minutes
while the hour lasts, and when it is over. What is stored is known from the store's listing, which
is read once for each camera and day, so that an interrupted upload is completed after a restart.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from domain.clock import NS_PER_HOUR, Clock
from domain.errors import DataLoss, NotFound
from domain.paths.object_keys import day_of
from storage.recordings.virtual.layout_records import records_in
from storage.recordings.virtual.layouts import RecordingIndex
from storage.recordings.virtual.stored_index import StoredIndex

EVERY_S = 300.0
"""An index that still grows is uploaded no more often."""
SETTLED_S = 10.0
"""A segment is in the index this long after it was uploaded: the recorder adds it right after the
segment has its name.
"""
MOST_DAYS = 2000
"""The days of cameras of which the stored sizes are remembered."""
_Hour = tuple[str, int]
"""A camera, and the start of an hour (UTC ns)."""


class IndexUploads:
    """The uploads of one node; one thread uses it."""

    def __init__(self, index: RecordingIndex, stored: StoredIndex, node: str, clock: Clock) -> None:
        self._index = index
        self._stored = stored
        self._node = node
        self._clock = clock
        self._grown_s: dict[_Hour, float] = {}
        """The hours whose index may differ from the stored one, and when a segment of each was
        last uploaded.
        """
        self._uploaded_s: dict[_Hour, float] = {}
        """When the index of an hour that lasts was last uploaded."""
        self._days: OrderedDict[tuple[str, str], dict[int, int]] = OrderedDict()
        """For each hour of a camera's day the size of the index here as of its upload."""

    def add(self, camera_id: str, start_ns: int) -> None:
        """Record that the store has a segment that begins at `start_ns`."""
        hour = camera_id, start_ns // NS_PER_HOUR * NS_PER_HOUR
        self._grown_s[hour] = self._clock.monotonic_s()

    def run_once(self, stop: threading.Event) -> int:
        """Upload what is due, and return the number of bytes. Raises ObjectsUnavailable or OSError;
        the next call continues.
        """
        done_bytes = 0
        for hour in [one for one in self._grown_s if self._is_due(one)]:
            if stop.is_set():
                break
            done_bytes += self._upload(*hour)
            del self._grown_s[hour]
            self._uploaded_s[hour] = self._clock.monotonic_s()
        for hour in [one for one in self._uploaded_s if self._is_over(one)]:
            del self._uploaded_s[hour]
        return done_bytes

    def _is_due(self, hour: _Hour) -> bool:
        now_s = self._clock.monotonic_s()
        if self._is_over(hour):
            return now_s - self._grown_s[hour] >= SETTLED_S
        uploaded_s = self._uploaded_s.get(hour)
        return uploaded_s is None or now_s - uploaded_s >= EVERY_S

    def _is_over(self, hour: _Hour) -> bool:
        return self._clock.wall_ns() >= hour[1] + NS_PER_HOUR

    def _upload(self, camera_id: str, hour_ns: int) -> int:
        size_bytes = self._index.size_bytes(camera_id, hour_ns)
        sizes = self._sizes(camera_id, day_of(hour_ns))
        if not size_bytes or size_bytes == sizes.get(hour_ns):
            return 0
        data = self._index.data(camera_id, hour_ns)
        stored = self._stored_data(camera_id, hour_ns) if hour_ns in sizes else b""
        merged = _merged(stored, data)
        if merged != stored:
            self._stored.put(camera_id, hour_ns, self._node, merged)
        sizes[hour_ns] = len(data)
        return len(merged)

    def _sizes(self, camera_id: str, day: str) -> dict[int, int]:
        known = self._days.get((camera_id, day))
        if known is None:
            # An hour that lasts may be from an earlier disk of this node, so it is compared.
            known = {
                one.hour_ns: one.stat.size_bytes if self._is_over((camera_id, one.hour_ns)) else 0
                for one in self._stored.on_day(camera_id, day)
                if one.node == self._node
            }
            self._days[camera_id, day] = known
            if len(self._days) > MOST_DAYS:
                self._days.popitem(last=False)
        self._days.move_to_end((camera_id, day))
        return known

    def _stored_data(self, camera_id: str, hour_ns: int) -> bytes:
        try:
            return self._stored.read(camera_id, hour_ns, self._node)
        except (NotFound, DataLoss):  # deleted since it was listed, or larger than any index
            return b""


def _merged(stored: bytes, data: bytes) -> bytes:
    """Return the index of this disk, after the stored records of segments that it does not know:
    an earlier disk of this node recorded them, or the index was deleted since.
    """
    if data.startswith(stored):
        return data
    names = {record.name for record in records_in(data)}
    earlier = [record.data for record in records_in(stored) if record.name not in names]
    return b"".join(earlier) + data
