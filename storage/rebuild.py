"""Rebuilds the index from what is not stored in Redis: journals, this node's spool, people,
registry, watches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.clock import SystemClock
from domain.errors import DataLoss, NotFound, StoreError
from domain.events.event import Event
from domain.paths.data_layout import Layout
from domain.paths.object_keys import EVENTS_PREFIX, SIDECAR, is_correction
from domain.settings import Settings
from domain.ulid import wall_ms_of
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.archive.progress import MOVED_KEY, is_current, moved_until_ms
from storage.archive.search import day_of_ms
from storage.clients.redis import Redis, text, texts
from storage.clients.s3 import ObjectStore
from storage.events.corrections import read_record
from storage.events.journal import Journal
from storage.events.sidecars import sidecar_at
from storage.events.spool import Spool
from storage.index.event_index import EventIndex
from storage.rebuild_parts import Applied, Hour, applied, apply, hours
from storage.site.people_index import PeopleIndex
from storage.site.registries import Registries
from storage.site.site_identity import SiteIdentity
from storage.site.watches import Watches

_log = logging.getLogger(__name__)
_BATCH = 500
_DONE, _GONE = "{rebuild}:done", "{rebuild}:gone"
"""The journal hours that a run has finished, with their content; and the events that they report as
deleted.
"""
ProgressSeen = Callable[[int, int], None]
"""A function that is called with the number of finished parts, and of all."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was read. `damaged` names journals, sidecars, records of people and days of the archive
    that could not be read completely.
    """

    people: int
    events: int
    """The number of events that the index has now."""
    archived: int
    """The number of events that the archive has."""
    registry: int
    """The version of the registry that was announced again; 0 if none was ever applied."""
    damaged: tuple[str, ...]
    watches: int
    """The number of active watches."""


def rebuild(
    objects: ObjectStore,
    redis: Redis,
    layout: Layout | None = None,
    progress: ProgressSeen | None = None,
    from_sidecars: bool = False,
    whole: bool = False,
    force: bool = False,
) -> Rebuilt:
    """Restore people, the announcement of the registry, and every event.

    It is idempotent, and harmless next to running publishers, because newer rows stay. With
    `layout`, the journal minutes and the spool of this node are read too. With `from_sidecars`,
    every event's sidecar is read, one request each, which finds events whose journals are lost.
    What the archive has stays there, and journals of its time are not read, unless `whole`. With
    `whole`, files of the archive that are missing also leave its catalogues.

    Raises StoreError, before any change, if the object store has lost what the site had: a rebuild
    would remove it from Redis too. `force` accepts that loss.

    A stopped rebuild continues at the next call: finished hours of journals are recorded in Redis,
    and lost if it is emptied again.
    """
    identity = SiteIdentity(redis, objects, None if layout is None else layout.site, SystemClock())
    if not force:
        _refuse_loss(identity, PeopleIndex(redis, objects))
    with (
        TemporaryDirectory(prefix="sightline-rebuild-") as folder,
        closing(Archive.open(objects, redis, Path(folder), Settings(), SystemClock())) as archive,
    ):
        rebuilt = _Rebuild(
            objects, redis, layout, progress or _no_progress, from_sidecars, whole, archive
        ).run()
    identity.accept()
    return rebuilt


def _refuse_loss(identity: SiteIdentity, people: PeopleIndex) -> None:
    objects_fault = identity.check().objects
    if objects_fault is not None:
        raise StoreError("nothing was changed: {objects_fault}", objects_fault=objects_fault)
    known, lost = people.names(), people.lost()
    if known and len(lost) == len(known):
        raise StoreError(
            "nothing was changed: the object store has no record of any of the "
            "{count} people that Redis knows, and a rebuild would remove them "
            "all; put the store back, or accept the loss with `sightline index "
            "rebuild --force`",
            count=len(known),
        )


def _no_progress(done: int, total: int) -> None:
    """Ignore the progress."""


class _Rebuild:
    def __init__(
        self,
        objects: ObjectStore,
        redis: Redis,
        layout: Layout | None,
        progress: ProgressSeen,
        from_sidecars: bool,
        whole: bool,
        archive: Archive,
    ) -> None:
        self._objects = objects
        self._redis = redis
        self._archive = archive
        self._index = EventIndex(redis)
        self._people = PeopleIndex(redis, objects)
        self._registries = Registries(redis, objects)
        self._watches = Watches(redis, objects, SystemClock())
        self._layout = layout
        self._progress = progress
        self._from_sidecars = from_sidecars
        self._whole = whole
        self._archived_until_ms = 0
        self._damaged: list[str] = []
        self._done = self._total = 0

    def run(self) -> Rebuilt:
        people, registry = self._people.restore(), self._announced()
        self._damaged += (one.key for one in self._people.records().damaged)
        self._restore_archive()
        # Local before stored: a minute that is uploaded in between is then read twice rather than
        # not at all.
        local = (
            []
            if self._layout is None
            else list(Journal(self._layout.journal, SystemClock()).parts())
        )
        pending = [
            hour
            for hour in hours(self._objects)
            if self._whole or hour.ended_ms > self._archived_until_ms
        ]
        sidecars = self._sidecar_keys() if self._from_sidecars else []
        self._total = len(pending) + len(local) + len(sidecars)
        self._stored(pending)
        for part in local:
            self._merge_result(apply(self._index, part.name, [part], self._archived_until_ms))
        gone = set(texts(self._redis.do("HKEYS", _GONE)))
        self._read_sidecars(sidecars, gone)
        self._put(self._spooled())
        # Whatever the order of lines: one node may have written down that it kept an event, and
        # another that it deleted it.
        for event_id in gone:
            self._index.remove(event_id)
        self._redis.do("DEL", _DONE, _GONE)
        if self._archived_until_ms:
            self._redis.do("SET", MOVED_KEY, self._archived_until_ms)
        archived = sum(file.rows for file in self._archive.files())
        # Last, so that the process that matches them looks up what was indexed by now.
        watches = self._watches.restore()
        self._damaged += (one.key for one in self._watches.records().damaged)
        return Rebuilt(
            people,
            self._index.count(),
            archived,
            registry,
            tuple(dict.fromkeys(self._damaged)),
            watches,
        )

    def _restore_archive(self) -> None:
        """Restore lost catalogues of the archive, and read up to when it has everything."""
        Archiver(self._archive, self._index, self._redis, self._objects, SystemClock()).restore(
            drops_missing=self._whole
        )
        self._archived_until_ms = moved_until_ms(self._objects)

    def _stored(self, pending: Sequence[Hour]) -> None:
        """Apply the journals of the store, except the hours that an earlier, stopped run has
        finished.
        """
        marks = {hour.name: hour.mark for hour in pending}
        noted = self._redis.do_all([("HGET", _DONE, name) for name in marks])
        done = {
            name
            for (name, mark), there in zip(marks.items(), noted, strict=True)
            if text(there) == mark
        }
        if done:
            self._count(len(done))
        for one in applied(
            self._objects,
            self._redis,
            [hour for hour in pending if hour.name not in done],
            self._archived_until_ms,
        ):
            self._merge_result(one)
            if not one.damaged:
                self._redis.do("HSET", _DONE, one.name, marks[one.name])

    def _merge_result(self, done: Applied) -> None:
        """Do what is left of some lines: of what the archive may have, and of what is deleted."""
        self._damaged += done.damaged
        known = self._archived({event.id for event in done.old} | done.old_corrections.keys())
        self._put(
            event
            for event in done.old
            if event.id not in known or not is_current(known[event.id], event)
        )
        for event_id, correction in done.old_corrections.items():
            there = known.get(event_id)
            if there is not None and (
                there.corrected is None or there.corrected.version < correction.version
            ):
                self._put([there.model_copy(update={"corrected": correction})])
        if done.gone:
            self._redis.do(
                "HSET", _GONE, *(word for event_id in done.gone for word in (event_id, 1))
            )
        self._count(1)

    def _archived(self, event_ids: Iterable[str]) -> dict[str, Event]:
        """Return those of the events that the archive has. Days that cannot be read are damaged."""
        by_day: dict[str, list[str]] = {}
        for event_id in event_ids:
            by_day.setdefault(day_of_ms(wall_ms_of(event_id)), []).append(event_id)
        known: dict[str, Event] = {}
        for day, ids in by_day.items():
            try:
                known |= self._archive.search.get_all(ids)
            except (DataLoss, NotFound) as error:
                _log.error("%s", error)
                self._damaged.append(f"archive of {day}")
        return known

    def _read_sidecars(self, sidecars: Sequence[str], gone: set[str]) -> None:
        for start in range(0, len(sidecars), _BATCH):
            batch = sidecars[start : start + _BATCH]
            self._correct([key for key in batch if is_correction(key)], gone)
            found = [
                event
                for key in batch
                if not is_correction(key)
                and (event := self._sidecar(key)) is not None
                and event.id not in gone
            ]
            known = self._archived(
                {event.id for event in found if wall_ms_of(event.id) < self._archived_until_ms}
            )
            self._put(event for event in found if event.id not in known)
            self._count(len(batch))

    def _count(self, more: int) -> None:
        self._done += more
        self._progress(self._done, self._total)

    def _announced(self) -> int:
        self._damaged += (one.key for one in self._registries.foreign())
        try:
            return self._registries.restore()
        except DataLoss as error:
            _log.error("%s", error)
            self._damaged.append(self._registries.newest_key())
            return 0

    def _put(self, events: Iterable[Event]) -> None:
        self._index.put_all(list(events))

    def _sidecar_keys(self) -> list[str]:
        return [
            found.key
            for found in self._objects.list(EVENTS_PREFIX)
            if found.key.endswith("/" + SIDECAR) or is_correction(found.key)
        ]

    def _correct(self, keys: Iterable[str], gone: set[str]) -> None:
        for key in keys:
            try:
                record = read_record(self._objects, key)
            except DataLoss as error:
                _log.error("%s", error)
                self._damaged.append(key)
                continue
            if record.event_id not in gone:
                self._index.correct(record.event_id, record.correction)

    def _sidecar(self, key: str) -> Event | None:
        try:
            return sidecar_at(self._objects, key).event
        except DataLoss as error:
            _log.error("%s", error)
            self._damaged.append(key)
            return None

    def _spooled(self) -> list[Event]:
        if self._layout is None:
            return []
        spool = Spool(self._layout, SystemClock())
        events = (spool.event(entry) for entry in spool.pending(spool.cameras()))
        return [event for event in events if event is not None]
