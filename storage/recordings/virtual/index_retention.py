"""Retention of the recording index in the object store: an hour is deleted after its recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.clock import NS_PER_HOUR
from domain.paths.object_keys import day_of
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.virtual.stored_index import StoredHour, StoredIndex


def hours_without_segments(
    index: StoredIndex, segments: StoredSegments, cutoff_ns: Callable[[str], int]
) -> Iterator[StoredHour]:
    """Yield the hours that ended before their camera's cutoff and have no segment in the store."""
    for camera_id in index.cameras():
        before_ns = cutoff_ns(camera_id)
        for day in index.days(camera_id):
            if day > day_of(before_ns):
                break
            hours = [one for one in index.on_day(camera_id, day) if one.end_ns <= before_ns]
            if not hours:
                continue
            kept = {
                one.start_ns // NS_PER_HOUR * NS_PER_HOUR for one in segments.on_day(camera_id, day)
            }
            yield from (one for one in hours if one.hour_ns not in kept)
