"""Retention of the journal. A minute in the object store is deleted once it is older than
everything that is kept, and all its events are deleted.

A minute stays while objects of its events exist, for example under a hold. A minute with a
`delete` stays while a `put` or `correct` of its event, or any of its objects, is left. Otherwise a
rebuilt index would have the event again. Minutes are deleted oldest first, so that this
also holds after an interrupted run. A minute that cannot be read completely stays.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache

from domain.errors import DataLoss
from domain.metrics import RETENTION_DELETIONS
from domain.paths.object_keys import JOURNAL_PREFIX, event_day_prefix
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.events.journal import JournalDelete, JournalPart, event_of, stored_part

_DAYS_KNOWN = 400


class JournalRetention:
    def __init__(self, objects: ObjectStore, stop: threading.Event) -> None:
        self._objects = objects
        self._stop = stop
        self._kept: set[str] = set()
        """The events that remaining minutes report as published or corrected."""
        self._left = lru_cache(_DAYS_KNOWN)(self._left_in)

    def run(self, before_day: str) -> int:
        """Delete the finished minutes of days (`yyyymmdd`) before this one; return their number.
        Raises StoreError if the store is unreachable.
        """
        done = 0
        for stat in self._minutes(before_day):
            if self._stop.is_set():
                break
            done += self._one(stat)
        return done

    def _one(self, stat: ObjectStat) -> int:
        try:
            part = stored_part(self._objects, stat.key)
        except DataLoss:
            return 0
        if not self._is_over(part):
            self._kept |= {
                event_of(line) for line in part.lines if not isinstance(line, JournalDelete)
            }
            return 0
        if (
            self._objects.stat(stat.key) != stat
        ):  # a node that was offline for long has just added to it
            return 0
        self._objects.delete(stat.key)
        RETENTION_DELETIONS.labels("journal").inc()
        return 1

    def _is_over(self, part: JournalPart) -> bool:
        if part.damaged_lines or any(self._is_there(event_of(line)) for line in part.lines):
            return False
        return not self._kept & {
            line.event_id for line in part.lines if isinstance(line, JournalDelete)
        }

    def _is_there(self, event_id: str) -> bool:
        return event_id in self._left(event_day_prefix(event_id))

    def _left_in(self, prefix: str) -> frozenset[str]:
        """Return the events of a day that have any object in the store. Of a day past every
        camera's maximum, these are the held ones.
        """
        paths = (stat.key.removeprefix(prefix).split("/") for stat in self._objects.list(prefix))
        return frozenset(path[1] for path in paths if len(path) > 1)

    def _minutes(self, before_day: str) -> Iterator[ObjectStat]:
        """Yield the minutes of all nodes, oldest first."""
        days = [
            (day, prefix)
            for node in self._objects.folders(JOURNAL_PREFIX)
            for day, prefix in self._days(f"{JOURNAL_PREFIX}{node}/")
        ]
        for day in sorted({day for day, _ in days if day < before_day}):
            of_nodes = [
                stat
                for other, prefix in days
                if other == day
                for stat in self._objects.list(prefix)
            ]
            yield from sorted(of_nodes, key=lambda stat: stat.key.rpartition("/")[2])

    def _days(self, prefix: str) -> Iterator[tuple[str, str]]:
        prefixes = {"": prefix}
        for _ in ("year", "month", "day"):
            prefixes = {
                said + name: f"{at}{name}/"
                for said, at in prefixes.items()
                for name in self._objects.folders(at)
            }
        return iter(prefixes.items())
