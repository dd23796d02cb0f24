"""Retention of events: the journal, the index and the objects, in this order; the sidecar is
deleted last.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from domain.clock import NS_PER_MS
from domain.metrics import RETENTION_DELETIONS
from domain.paths.object_keys import EVENTS_PREFIX, SIDECAR, day_of
from domain.recordings.holds import LONGEST_EVENT_NS, StandingHolds
from domain.ulid import is_event_id, wall_ms_of
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.events.journal import Journal, JournalDelete
from storage.events.publish_steps import read_sidecar
from storage.index.event_index import EventIndex

_log = logging.getLogger(__name__)


class DeletedCounts(Protocol):
    events: int
    bytes: int
    held: int


@dataclass(slots=True)
class _Stored:
    """The objects of one event in the store."""

    camera_id: str
    event_id: str
    objects: list[ObjectStat] = field(default_factory=list)

    @property
    def started_ns(self) -> int:
        return wall_ms_of(self.event_id) * NS_PER_MS


class EventRetention:
    def __init__(
        self,
        objects: ObjectStore,
        index: EventIndex,
        journal: Journal,
        held: StandingHolds,
        stop: threading.Event,
        dry: bool,
    ) -> None:
        self._objects = objects
        self._index = index
        self._journal = journal
        self._held = held
        self._stop = stop
        self._dry = dry

    def run(self, cutoff_ns: Callable[[str], int], counts: DeletedCounts) -> None:
        """Delete every event that started before its camera's cutoff. Raises StoreError if a store
        is unreachable.
        """
        for camera_id, prefix in self._folders(cutoff_ns):
            for event in self._events(camera_id, prefix):
                if self._stop.is_set():
                    return
                if event.started_ns < cutoff_ns(camera_id):
                    self._one(event, counts)

    def _one(self, event: _Stored, counts: DeletedCounts) -> None:
        if self._is_held(event):
            counts.held += 1
            return
        counts.events += 1
        counts.bytes += sum(stat.size_bytes for stat in event.objects)
        if self._dry:
            return
        self._journal.append(JournalDelete(event_id=event.event_id, camera=event.camera_id))
        self._index.remove(event.event_id)
        for stat in sorted(event.objects, key=lambda stat: stat.key.endswith("/" + SIDECAR)):
            self._objects.delete(stat.key)
        RETENTION_DELETIONS.labels("event").inc()

    def _is_held(self, event: _Stored) -> bool:
        """Return whether a hold covers the event. The sidecar is read only if a hold is near."""
        if not self._held.covers(
            event.camera_id, event.started_ns, event.started_ns + LONGEST_EVENT_NS
        ):
            return False
        sidecar = read_sidecar(self._objects, event.camera_id, event.event_id)
        return sidecar is None or self._held.covers_event(sidecar.event)

    def _folders(self, cutoff_ns: Callable[[str], int]) -> Iterator[tuple[str, str]]:
        """Yield each camera's folder of each day that may have something too old, the oldest day
        first.
        """
        for prefix in self._days():
            for camera_id in self._objects.folders(prefix):
                if prefix.removeprefix(EVENTS_PREFIX).replace("/", "") <= day_of(
                    cutoff_ns(camera_id)
                ):
                    yield camera_id, f"{prefix}{camera_id}/"

    def _days(self) -> Iterator[str]:
        prefixes = [EVENTS_PREFIX]
        for _ in ("year", "month", "day"):
            prefixes = [
                f"{prefix}{name}/"
                for prefix in prefixes
                for name in sorted(self._objects.folders(prefix))
            ]
        return iter(prefixes)

    def _events(self, camera_id: str, prefix: str) -> Iterator[_Stored]:
        for event_id, stats in groupby(
            self._objects.list(prefix),
            key=lambda stat: stat.key.removeprefix(prefix).partition("/")[0],
        ):
            if is_event_id(event_id):
                yield _Stored(camera_id, event_id, list(stats))
