"""Makes the index anew from what does not live in Redis: journals, this node's spool, people,
registry, watches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from domain.clock import SystemClock
from domain.errors import DataLoss, StoreError
from domain.events.event import Event, Sidecar
from domain.paths.data_layout import Layout
from domain.paths.object_keys import EVENTS_PREFIX, SIDECAR, is_correction
from domain.settings import Settings
from domain.stored_model import unreadable
from domain.ulid import wall_ms_of
from storage.archive.archive import Archive
from storage.archive.archiver import MOVED_KEY, Archiver
from storage.archive.progress import moved_until_ms, stands
from storage.clients.redis import Redis, text, texts
from storage.clients.s3 import ObjectStore
from storage.events.corrections import read_record
from storage.events.journal import Journal
from storage.events.spool import Spool
from storage.index.event_index import EventIndex
from storage.rebuild_parts import Applied, Hour, applied, apply, hours
from storage.site.people import People
from storage.site.registries import Registries
from storage.site.site_identity import SiteIdentity
from storage.site.watches import Watches

_log = logging.getLogger(__name__)
_BATCH = 500
_DONE, _GONE = "{rebuild}:done", "{rebuild}:gone"
"""Hours of journals that a run has done, with what they held; and the events that they say are
deleted.
"""
ProgressSeen = Callable[[int, int], None]
"""Called with how many parts are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was read. `damaged` names journals, sidecars and records of people that could not be
    read in full.
    """

    people: int
    events: int
    """That the index now has."""
    archived: int
    """That the archive has."""
    registry: int
    """The version of the registry that was announced again; 0 where none was ever applied."""
    damaged: tuple[str, ...]
    watches: int
    """Those that stand."""


def rebuild(
    objects: ObjectStore,
    redis: Redis,
    layout: Layout | None = None,
    progress: ProgressSeen | None = None,
    from_sidecars: bool = False,
    whole: bool = False,
    force: bool = False,
) -> Rebuilt:
    """Restore people and the registry's announcement, then every event; idempotent, and harmless
    beside running keepers (newer rows stay).

    `layout`: also the journal minutes and the spool of this node. `from_sidecars`: read every
    event's sidecar as well, which finds events whose journals are lost, and takes a request for
    each. What the archive has stays there, and journals of its time are not read, unless `whole`.

    Raises StoreError, before anything is changed, where the object store has lost what the site
    had: a rebuild would remove it from Redis too. `force` accepts that loss.

    Stopped and called again, it goes on: hours of journals that were done are noted in Redis, and
    go with it if it is emptied again.
    """
    identity = SiteIdentity(redis, objects, None if layout is None else layout.site, SystemClock())
    if not force:
        _refuse_loss(identity, People(redis, objects))
    with (
        TemporaryDirectory(prefix="sightline-rebuild-") as folder,
        closing(Archive.open(objects, redis, Path(folder), Settings(), SystemClock())) as archive,
    ):
        rebuilt = _Rebuild(
            objects, redis, layout, progress or _unseen, from_sidecars, whole, archive
        ).run()
    identity.accept()
    return rebuilt


def _refuse_loss(identity: SiteIdentity, people: People) -> None:
    objects_fault = identity.check().objects
    if objects_fault is not None:
        raise StoreError(f"nothing was changed: {objects_fault}")
    known, lost = people.list(), people.lost()
    if known and len(lost) == len(known):
        raise StoreError(
            f"nothing was changed: the object store has no record of any of the {len(known)} "
            "people that Redis knows, and a rebuild "
            "would remove them all; put the store back, or accept the loss with `sightline index "
            "rebuild --force`"
        )


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""


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
        self._people = People(redis, objects)
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
        # Local before stored: a minute that is uploaded meanwhile is then read twice rather than
        # not at all.
        local = (
            []
            if self._layout is None
            else list(Journal(self._layout.journal, SystemClock()).parts())
        )
        wanted = [
            hour
            for hour in hours(self._objects)
            if self._whole or hour.ended_ms > self._archived_until_ms
        ]
        sidecars = self._sidecar_keys() if self._from_sidecars else []
        self._total = len(wanted) + len(local) + len(sidecars)
        self._stored(wanted)
        for part in local:
            self._take(apply(self._index, part.name, [part], self._archived_until_ms))
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
        # Last: whoever matches them then looks through what was indexed by now.
        watches = self._watches.restore()
        self._damaged += (one.key for one in self._watches.records().damaged)
        return Rebuilt(
            people, self._index.count(), archived, registry, tuple(self._damaged), watches
        )

    def _restore_archive(self) -> None:
        """Its catalogues, where they are lost; and up to when it has everything."""
        Archiver(self._archive, self._index, self._redis, self._objects, SystemClock()).restore()
        self._archived_until_ms = moved_until_ms(self._objects)

    def _stored(self, wanted: Sequence[Hour]) -> None:
        """The journals of the store, but for the hours that a run which was stopped has done."""
        marks = {hour.name: hour.mark for hour in wanted}
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
            [hour for hour in wanted if hour.name not in done],
            self._archived_until_ms,
        ):
            self._take(one)
            if not one.damaged:
                self._redis.do("HSET", _DONE, one.name, marks[one.name])

    def _take(self, done: Applied) -> None:
        """What is left to be done of some lines: what the archive may have, and what is deleted."""
        self._damaged += done.damaged
        known = (
            self._archive.search.get_all([*{event.id for event in done.old}, *done.old_corrections])
            if done.old or done.old_corrections
            else {}
        )
        self._put(
            event
            for event in done.old
            if event.id not in known or not stands(known[event.id], event)
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
            old = [event.id for event in found if wall_ms_of(event.id) < self._archived_until_ms]
            known = self._archive.search.get_all(old) if old else {}
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
            return Sidecar.model_validate_json(self._objects.get(key)).event
        except ValidationError as error:
            _log.error("%s", unreadable(key, error))
            self._damaged.append(key)
            return None

    def _spooled(self) -> list[Event]:
        if self._layout is None:
            return []
        spool = Spool(self._layout, SystemClock())
        events = (spool.event(entry) for entry in spool.pending(spool.cameras()))
        return [event for event in events if event is not None]
