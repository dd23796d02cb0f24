"""Checks the records of people, watches and registries against what Redis has of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.clock import Clock
from domain.errors import DataLoss
from domain.events.watches import Ended
from domain.paths.object_keys import REGISTRY_PREFIX
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import DamagedRecord
from storage.findings import Breach, Finding
from storage.site.people_index import PeopleIndex
from storage.site.registries import Registries
from storage.site.watches import Watches


class RecordCheck:
    """One pass over the records of a site."""

    def __init__(self, objects: ObjectStore, redis: Redis, clock: Clock) -> None:
        self._people = PeopleIndex(redis, objects)
        self._watches = Watches(redis, objects, clock)
        self._registries = Registries(redis, objects)

    def find(self) -> Iterator[Finding]:
        """Yield every record that is damaged, and every one that Redis lacks."""
        yield from self._check_people()
        yield from self._check_watches()
        yield from self._check_registries()

    def _check_people(self) -> Iterator[Finding]:
        listing = self._people.records()
        for record in listing.records:
            if not self._people.is_restored(record):
                yield Finding(
                    Breach.PERSON_NOT_RESTORED,
                    record.name,
                    "Redis does not know this person; rebuild the index",
                )
        for damaged in listing.damaged:
            if damaged.record_id:
                what = f"{damaged.why}; the token of this person opens nothing"
                yield Finding(Breach.PERSON_DAMAGED, damaged.key, what)
        yield from foreign_objects(listing.damaged)

    def _check_watches(self) -> Iterator[Finding]:
        listing = self._watches.records()
        known = set(self._watches.active())
        for watch in listing.records:
            if (watch.ended is Ended.NO) is not (watch in known):
                yield Finding(
                    Breach.WATCH_NOT_RESTORED,
                    watch.id,
                    "Redis does not have this watch as its record is; rebuild the index",
                )
        for damaged in listing.damaged:
            if damaged.record_id:
                yield Finding(
                    Breach.WATCH_DAMAGED,
                    damaged.key,
                    f"{damaged.why}; this watch finds nothing after its time or a rebuild",
                )
        yield from foreign_objects(listing.damaged)

    def _check_registries(self) -> Iterator[Finding]:
        try:
            self._registries.newest()
        except DataLoss as error:
            yield Finding(Breach.REGISTRY_DAMAGED, REGISTRY_PREFIX, str(error))
        yield from foreign_objects(self._registries.foreign())


def foreign_objects(damaged: Iterable[DamagedRecord]) -> Iterator[Finding]:
    """Yield the objects in a folder of records that are no record."""
    return (
        Finding(Breach.FOREIGN_OBJECT, one.key, one.why) for one in damaged if not one.record_id
    )
