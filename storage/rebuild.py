"""Makes the index anew from what does not live in Redis: journals, this node's spool, people, registry, watches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from domain.clock import SystemClock
from domain.errors import DataLoss
from domain.events import Event, Sidecar
from domain.keys import EVENTS_PREFIX, REGISTRY_PREFIX, SIDECAR, is_correction
from domain.layout import Layout
from storage.corrections import read_record
from storage.index import EventIndex
from storage.journal import Journal, JournalPart, JournalPut, corrections, deleted, stored_keys, stored_part
from storage.people import People
from storage.redis_door import Redis
from storage.registries import Registries
from storage.s3 import ObjectStore
from storage.spool import Spool
from storage.watches import Watches

_log = logging.getLogger(__name__)
_BATCH = 500
ProgressSeen = Callable[[int, int], None]
"""Called with how many parts are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was read. `damaged` names journals, sidecars and records of people that could not be read in full."""

    people: int
    events: int
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
) -> Rebuilt:
    """Restore people and the registry's announcement, then every event; idempotent, and harmless beside running keepers (newer rows stay).

    `layout`: also the journal minutes and the spool of this node. `from_sidecars`: read every event's sidecar as well, which finds events
    whose journals are lost, and takes a request for each.
    """
    return _Rebuild(objects, redis, layout, progress or _unseen, from_sidecars).run()


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""


class _Rebuild:
    def __init__(self, objects: ObjectStore, redis: Redis, layout: Layout | None, progress: ProgressSeen, from_sidecars: bool) -> None:
        self._objects = objects
        self._index = EventIndex(redis)
        self._people = People(redis, objects)
        self._registries = Registries(redis, objects)
        self._watches = Watches(redis, objects, SystemClock())
        self._layout = layout
        self._progress = progress
        self._from_sidecars = from_sidecars
        self._events: set[str] = set()
        self._damaged: list[str] = []

    def run(self) -> Rebuilt:
        people, registry = self._people.restore(), self._announced()
        self._damaged += self._people.records()[1]
        # Local before stored: a minute that is uploaded meanwhile is then read twice rather than not at all.
        local = [] if self._layout is None else list(Journal(self._layout.journal, SystemClock()).parts())
        keys = stored_keys(self._objects)
        sidecars = self._sidecar_keys() if self._from_sidecars else []
        total = len(keys) + len(local) + len(sidecars)
        done = 0
        gone: set[str] = set()
        for part in (*(self._stored(key) for key in keys), *local):
            gone |= self._apply(part)
            done += 1
            self._progress(done, total)
        for start in range(0, len(sidecars), _BATCH):
            batch = sidecars[start : start + _BATCH]
            self._correct([key for key in batch if is_correction(key)], gone)
            found = (self._sidecar(key) for key in batch if not is_correction(key))
            self._put(event for event in found if event is not None and event.id not in gone)
            done += len(batch)
            self._progress(done, total)
        self._put(self._spooled())
        # Whatever the order of lines: one node may have written down that it kept an event, and another that it deleted it.
        for event_id in gone:
            self._index.remove(event_id)
        self._events -= gone
        # Last: whoever matches them then looks through what was indexed by now.
        watches = self._watches.restore()
        self._damaged += self._watches.records()[1]
        return Rebuilt(people, len(self._events), registry, tuple(self._damaged), watches)

    def _announced(self) -> int:
        try:
            return self._registries.restore()
        except DataLoss as error:
            _log.error("%s", error)
            self._damaged.append(REGISTRY_PREFIX)
            return 0

    def _stored(self, key: str) -> JournalPart:
        try:
            return stored_part(self._objects, key)
        except DataLoss as error:
            _log.error("%s", error)
            return JournalPart(key, (), 1)

    def _apply(self, part: JournalPart) -> set[str]:
        if part.damaged_lines:
            self._damaged.append(part.name)
        self._put(line.event for line in part.lines if isinstance(line, JournalPut))
        # At once, whatever comes first: an event takes the correction that is there with it, and one that is there is corrected.
        for event_id, correction in corrections([part]).items():
            self._index.correct(event_id, correction)
        return deleted([part])

    def _put(self, events: Iterable[Event]) -> None:
        batch = list(events)
        self._index.put_all(batch)
        self._events |= {event.id for event in batch}

    def _sidecar_keys(self) -> list[str]:
        return [found.key for found in self._objects.list(EVENTS_PREFIX) if found.key.endswith("/" + SIDECAR) or is_correction(found.key)]

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
        except ValueError:
            _log.error("%s is no sidecar", key)
            self._damaged.append(key)
            return None

    def _spooled(self) -> list[Event]:
        if self._layout is None:
            return []
        spool = Spool(self._layout, SystemClock())
        events = (spool.event(entry) for entry in spool.pending(spool.cameras()))
        return [event for event in events if event is not None]
