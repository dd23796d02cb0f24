"""Checks that nothing is older than its maximum unless a legal hold covers it, and that held events
exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.clock import NS_PER_DAY, Clock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import SIDECAR, day_of, event_object
from domain.recordings.holds import Hold, StandingHolds
from domain.registry import Registry
from storage.clients.s3 import ObjectStore
from storage.recordings.gaps.retention import too_old
from storage.recordings.gaps.stored import StoredGaps, StoredLog
from storage.recordings.ledger import Ledger
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.virtual.index_retention import hours_without_segments
from storage.recordings.virtual.stored_index import StoredHour, StoredIndex
from storage.retention import Ages

LATE_NS = NS_PER_DAY
"""Retention runs each minute on a node and each hour for the site, and may have been stopped: a
smaller excess is no violation.
"""


@dataclass(frozen=True, slots=True)
class TooOld:
    camera_id: str
    day: str
    where: str
    count: int


class AgeCheck:
    def __init__(
        self, objects: ObjectStore, layout: Layout | None, registry: Registry, clock: Clock
    ) -> None:
        self._objects = objects
        self._layout = layout
        self._clock = clock
        self._ages = Ages(registry, clock.wall_ns() - LATE_NS)

    def is_too_old(self, camera_id: str, ended_ns: int) -> bool:
        return ended_ns < self._ages.cutoff_ns(camera_id)

    def recordings(self, held: StandingHolds) -> Iterator[TooOld]:
        """Yield the days of cameras with recordings that are too old, here and in the store."""
        stored = StoredSegments(self._objects, self._clock)
        for camera_id in stored.cameras():
            for day in stored.days(camera_id):
                if day <= day_of(self._ages.cutoff_ns(camera_id)):
                    ranges = [
                        (segment.start_ns, segment.end_ns)
                        for segment in stored.on_day(camera_id, day)
                    ]
                    yield from self._too_old(camera_id, day, "in the object store", ranges, held)
        if self._layout is not None:
            yield from self._local(Ledger(self._layout.recordings), held)

    def gap_logs(self, held: StandingHolds) -> Iterator[StoredLog]:
        """Yield the days of cameras whose gap logs in the store are too old."""
        return (
            log
            for log, is_held in too_old(StoredGaps(self._objects), self._ages.cutoff_ns, held)
            if not is_held
        )

    def layouts(self) -> Iterator[StoredHour]:
        """Yield the hours of the stored recording index that are too old and have no recording."""
        index = StoredIndex(self._objects, self._clock)
        segments = StoredSegments(self._objects, self._clock)
        return hours_without_segments(index, segments, self._ages.cutoff_ns)

    def missing(self, holds: Sequence[Hold]) -> Iterator[str]:
        """Yield the events for which a hold was placed and that do not exist."""
        for hold in holds:
            stands = hold.event and hold.is_active_at(self._clock.wall_ns())
            if (
                stands
                and self._objects.stat(event_object(hold.camera, hold.event, SIDECAR)) is None
            ):
                yield hold.event

    def _local(self, ledger: Ledger, held: StandingHolds) -> Iterator[TooOld]:
        for camera_id in ledger.cameras():
            for folder in ledger.days(camera_id):
                if folder.name <= day_of(self._ages.cutoff_ns(camera_id)):
                    ranges = [
                        (name.start_ns, name.end_ns)
                        for name in ledger.finished_names(folder, camera_id)
                    ]
                    yield from self._too_old(camera_id, folder.name, "on this node", ranges, held)

    def _too_old(
        self,
        camera_id: str,
        day: str,
        where: str,
        ranges: list[tuple[int, int]],
        held: StandingHolds,
    ) -> Iterator[TooOld]:
        count = sum(
            self.is_too_old(camera_id, end_ns) and not held.covers(camera_id, start_ns, end_ns)
            for start_ns, end_ns in ranges
        )
        if count:
            yield TooOld(camera_id, day, where, count)
