"""Moves events from the index to the archive, and deletes archived events that are too old. One
process does this for the whole site.

A day is moved in this order. The events are read from the index and staged here. Each area's file
is written, verified, uploaded and read back, and the day's catalogue names the new files. The index
is read again; if it is unchanged, the day is removed from it. Files that no catalogue names are
deleted.

A run that was killed at any point loses nothing, and the next one repeats it. An event that both
know is one event, and its later version is valid.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from domain.clock import MS_PER_DAY, MS_PER_HOUR, NS_PER_DAY, NS_PER_MS, Clock
from domain.errors import DataLoss, NotFound, StoreError
from domain.events.event import Event
from domain.metrics import ARCHIVED_EVENTS
from domain.paths.object_keys import ARCHIVED_PREFIX, place_of_key
from domain.recordings.holds import StandingHolds
from domain.ulid import wall_ms_of
from storage.archive.archive import Archive
from storage.archive.catalogue_rebuild import CatalogueRebuild
from storage.archive.day import ColdLeg, Day
from storage.archive.parquet_files import RowSelection, WrittenFile
from storage.archive.progress import (
    Moved,
    fingerprint_of,
    is_current,
    latest_of,
    record_moved_until,
)
from storage.archive.retention import TooOld, too_old
from storage.archive.rows import row_from_event
from storage.archive.search import day_of_ms, day_start_ms
from storage.clients.locks import Lock
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.index.event_index import EventIndex

_log = logging.getLogger(__name__)
RUNNER_KEY = "{archive}:runner"
RUNNER_S = 120
_EVENTS_A_BATCH = 20_000
ArchiveProgress = Callable[[str, int], None]
"""A function that is called with the day being moved and the number of events moved so far."""


class Archiver:
    def __init__(
        self, archive: Archive, index: EventIndex, redis: Redis, objects: ObjectStore, clock: Clock
    ) -> None:
        self._archive = archive
        self._index = index
        self._redis = redis
        self._objects = objects
        self._clock = clock
        self._lock = Lock(redis, RUNNER_KEY, RUNNER_S)
        self._catalogue_rebuild = CatalogueRebuild(archive, objects, self._renew_lock)

    def run(
        self,
        days: int,
        stop: threading.Event | None = None,
        progress: ArchiveProgress | None = None,
    ) -> Moved | None:
        """Move every whole day that ended `days` days ago. Returns None if another process does.

        A day of which something cannot be read stays in the index. Raises DataLoss for the first
        such day after all others were moved, and StoreError if a store is unreachable.
        """
        moved, stop = Moved(), stop or threading.Event()
        failed: dict[str, str] = {}
        before_ms = self._clock.wall_ns() // NS_PER_MS - days * MS_PER_DAY
        with self._exclusive() as is_exclusive:
            if not is_exclusive:
                return None
            self._archive.catalogue.announce()
            self._catalogue_rebuild.describe_old_days()
            while not stop.is_set() and (day := self._oldest(before_ms, failed)) is not None:
                try:
                    self._move(day, moved)
                except (DataLoss, NotFound) as error:
                    _log.error("the events of %s stay in the index: %s", day, error)
                    failed[day] = str(error)
                if progress is not None:
                    progress(day, moved.events)
            moved.stray = self._sweep()
            for day, why in failed.items():
                raise DataLoss("the events of {day} stay in the index: {why}", day=day, why=why)
            if not stop.is_set():
                record_moved_until(self._objects, self._redis, before_ms)
        return moved

    def restore(self, drops_missing: bool = False) -> int:
        """Create the catalogues of days without a readable one from the files; return their number.
        `CatalogueRebuild` describes the parameter. Raises StoreError if another process runs.
        """
        with self._exclusive() as is_exclusive:
            if not is_exclusive:
                raise StoreError(
                    "events are being moved to the archive; try again when that is done"
                )
            self._archive.catalogue.announce()
            return self._catalogue_rebuild.restore(drops_missing)

    def retain(
        self,
        cutoff_ns: Callable[[str], int],
        held: StandingHolds,
        stop: threading.Event | None = None,
    ) -> Moved | None:
        """Delete archived events that started before their camera's cutoff, except those under a
        hold. A file that would be empty is deleted.

        A file that cannot be read is deleted when all of it is too old. Until then it stays, and
        the others are done.
        """
        moved = Moved()
        with self._exclusive() as is_exclusive:
            if not is_exclusive:
                return None
            for name, day in sorted(self._archive.catalogue.days().items()):
                if stop is not None and stop.is_set():
                    break
                gone = {
                    file.area: found
                    for file in day.files
                    if (found := too_old(self._archive, file, cutoff_ns, held)).count
                }
                if gone:
                    self._rewrite(self._archive.catalogue.days()[name], gone, moved)
            moved.stray = self._sweep()
        return moved

    @contextmanager
    def _exclusive(self) -> Iterator[bool]:
        """Yield whether no other process runs. The lock of a dead process expires."""
        if not self._lock.acquire():
            yield False
            return
        self._archive.writer.clear()
        try:
            yield True
        finally:
            self._lock.release()

    def _renew_lock(self) -> None:
        """Renew the lock. Raises StoreError if it expired, because another process may run then."""
        if not self._lock.renew():
            raise StoreError("another process has taken over the archive; this run ends here")

    def _oldest(self, before_ms: int, failed: Container[str]) -> str | None:
        """Return the oldest day with events in the index that did not fail, if it ended long enough
        ago.
        """
        days = (day_of_ms(hour * MS_PER_HOUR) for hour in self._index.hours())
        day = next((day for day in days if day not in failed), None)
        return day if day is not None and day_start_ms(day) + MS_PER_DAY <= before_ms else None

    def _move(self, name: str, moved: Moved) -> None:
        hours = self._hours_of(name)
        staged: list[Path] = []
        fingerprints: dict[int, int] = {}
        by_area: dict[str, dict[str, Event]] = {}
        try:
            day = self._archive.catalogue.days().get(name) or self._day_without_files(name)
            for hour in hours:
                fingerprints[hour] = self._stage(hour, day, staged, by_area)
                self._renew_lock()
            written = [
                made
                for area in sorted(by_area)
                if (made := self._merged(day, area, staged, by_area[area], moved)) is not None
            ]
        finally:
            self._archive.writer.forget(*staged)
        if written:
            self._publish(day, [], written, self._legs(name))
        count = self._remove_from_index(name, fingerprints)
        moved.events += count
        ARCHIVED_EVENTS.inc(count)

    def _stage(
        self, hour: int, day: Day, staged: list[Path], by_area: dict[str, dict[str, Event]]
    ) -> int:
        """Write an hour's events into files of their own, and return their fingerprint. The events
        of areas that already have a file are also added to `by_area`.
        """
        fingerprint = 0
        events = self._index.hour(hour)
        while batch := list(islice(events, _EVENTS_A_BATCH)):
            latest = latest_of(batch)
            staged.append(
                self._archive.writer.stage([row_from_event(event) for event in latest.values()])
            )
            for event in latest.values():
                known = by_area.setdefault(event.area, {})
                if day.file(event.area) is not None:
                    known[event.id] = event
            fingerprint ^= fingerprint_of(latest.values())
        return fingerprint

    def _merged(
        self, day: Day, area: str, staged: Sequence[Path], fresh: dict[str, Event], moved: Moved
    ) -> WrittenFile | None:
        """Return an area's new file; None if the existing one has all of it."""
        self._renew_lock()
        old = day.file(area)
        writer = self._archive.writer
        if old is None:
            written = writer.merge(day.day, area, 1, [RowSelection(tuple(staged))])
        else:
            there = {event.id: event for event in self._archive.search.of_file(old, list(fresh))}
            outdated = [
                event_id
                for event_id, event in fresh.items()
                if event_id in there and is_current(there[event_id], event)
            ]
            if len(outdated) == len(fresh):
                return None
            replaced = tuple(event_id for event_id in there if event_id not in set(outdated))
            with self._archive.cache.held([old]) as (path,):
                parts = [
                    RowSelection((path,), replaced, old.version),
                    RowSelection(tuple(staged), tuple(outdated)),
                ]
                written = writer.merge(day.day, area, old.generation + 1, parts)
        if written is not None:
            writer.upload(written)
            moved.files += 1
        return written

    def _legs(self, name: str) -> list[ColdLeg]:
        """Return the impossible legs that begin on a day, before their events are removed from the
        index.
        """
        first = day_start_ms(name) // MS_PER_HOUR
        while (
            found := self._index.impossible(first, first + MS_PER_DAY // MS_PER_HOUR)
        ).pending_hours:
            self._renew_lock()
        pairs = [pair for pair in found.pairs if day_of_ms(wall_ms_of(pair[0])) == name]
        events = self._index.get_all([later for _, later in pairs])
        return [
            ColdLeg(*pair, event.reading)
            for pair, event in zip(pairs, events, strict=True)
            if event is not None
        ]

    def _publish(
        self,
        day: Day,
        removed: Iterable[str],
        written: Sequence[WrittenFile],
        legs: Iterable[ColdLeg] | None = None,
    ) -> None:
        """Let the catalogue name the new files, and delete the files that they replace."""
        self._renew_lock()
        changed = self._archive.catalogue.change(
            day, removed, [(made.file, made.bloom) for made in written], legs
        )
        current = {file.key for file in changed.files}
        for file in day.files:
            if file.key not in current:
                self._objects.delete(file.key)

    def _remove_from_index(self, name: str, fingerprints: dict[int, int]) -> int:
        """Remove a day from the index if it is unchanged. Otherwise the next run moves what has
        arrived since.
        """
        self._archive.catalogue.settle()
        now = {hour: self._hour_fingerprint(hour) for hour in self._hours_of(name)}
        if now != fingerprints:
            return 0
        self._renew_lock()
        start_ns = day_start_ms(name) * NS_PER_MS
        return self._index.expire(start_ns + NS_PER_DAY, start_ns)

    def _hours_of(self, name: str) -> list[int]:
        return [hour for hour in self._index.hours() if day_of_ms(hour * MS_PER_HOUR) == name]

    def _hour_fingerprint(self, hour: int) -> int:
        fingerprint, events = 0, self._index.hour(hour)
        while batch := list(islice(events, _EVENTS_A_BATCH)):
            fingerprint ^= fingerprint_of(latest_of(batch).values())
        return fingerprint

    def _rewrite(self, day: Day, gone: dict[str, TooOld], moved: Moved) -> None:
        """Write a day's files again without some events."""
        written: list[WrittenFile] = []
        for file in day.files:
            if file.area not in gone:
                continue
            moved.removed += gone[file.area].count
            if gone[file.area].count == file.rows:
                continue
            self._renew_lock()
            with self._archive.cache.held([file]) as (path,):
                made = self._archive.writer.merge(
                    day.day,
                    file.area,
                    file.generation + 1,
                    [RowSelection((path,), gone[file.area].ids, file.version)],
                )
            if made is not None:
                self._archive.writer.upload(made)
                moved.files += 1
                written.append(made)
        self._publish(day, gone, written)

    def _day_without_files(self, name: str) -> Day:
        """Return a day without files: it never had any, or all were deleted.

        Raises DataLoss if its catalogue cannot be read, because its files are unknown then.
        """
        if (why := self._archive.catalogue.damaged.get(name)) is not None:
            raise DataLoss(why)
        return Day(name, self._archive.catalogue.version(name))

    def _sweep(self) -> int:
        """Delete files of interrupted runs, which no catalogue names. A day whose catalogue cannot
        be read is left alone.
        """
        days = self._archive.catalogue.days()
        named = {file.key for day in days.values() for file in day.files}
        stray = 0
        for stat in list(self._objects.list(ARCHIVED_PREFIX)):
            place = place_of_key(stat.key)
            if place is None:
                continue
            day, _ = place
            if (
                stat.key in named
                or day in self._archive.catalogue.damaged
                or not self._archive.catalogue.version(day)
            ):
                continue
            self._renew_lock()
            try:
                self._objects.delete(stat.key)
                stray += 1
            except NotFound:
                _log.info("%s was deleted already", stat.key)
        return stray
