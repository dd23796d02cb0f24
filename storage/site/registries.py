"""The applied registries: versions in the object store, and the number of the newest in Redis,
which nodes poll.
"""

from __future__ import annotations

import logging

from domain.clock import Clock, SystemClock
from domain.errors import DataLoss, NewerRecord
from domain.paths.object_keys import REGISTRY_PREFIX, registry_object
from domain.registry.record import RegistryRecord
from storage.clients.lua import load_script
from storage.clients.redis import Redis, number, text
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import DamagedRecord, VersionedRecords

_log = logging.getLogger(__name__)
_APPLIED = "{registry}:applied"
_GIVEN_OUT = "{registry}:given_out"
# Two concurrent calls get two numbers, also after Redis was emptied.
_DRAW = load_script("site", "registry_draw")
_ANNOUNCE = load_script("site", "registry_announce")


class Registries:
    def __init__(self, redis: Redis, objects: ObjectStore, clock: Clock | None = None) -> None:
        self._redis = redis
        self._records = VersionedRecords(objects, RegistryRecord)
        self._clock = clock or SystemClock()

    def add(self, registry_text: str) -> RegistryRecord:
        """Store a valid registry as the newest version and announce it. An unreadable newest
        version is superseded. Raises StoreError; then nothing is announced.
        """
        newest = self._records.newest_version(REGISTRY_PREFIX)
        version = number(self._redis.do("EVAL", _DRAW, 1, _GIVEN_OUT, newest))
        added = RegistryRecord(
            version=version, applied_at=self._clock.wall_ns(), text=registry_text
        )
        self._records.add(REGISTRY_PREFIX, version, added)
        self._announce(version)
        return added

    def adopt(self, registry_text: str) -> RegistryRecord:
        """Return the newest version if it has the same text, otherwise do the same as `add`: a site
        that starts again applies nothing new.
        """
        try:
            newest = self.newest()
        except NewerRecord:
            raise
        except DataLoss as error:
            _log.error("%s; the registry that runs here takes its place", error)
            newest = None
        return (
            newest
            if newest is not None and newest.text == registry_text
            else self.add(registry_text)
        )

    def announced(self) -> int:
        """Return the number of the newest version; 0 if Redis has none. Raises IndexUnavailable."""
        return int(text(self._redis.do("GET", _APPLIED)) or "0")

    def newest(self) -> RegistryRecord | None:
        """Return the newest version in the object store, or None. Raises DataLoss if it cannot be
        read, ObjectsUnavailable.
        """
        try:
            newest = self._records.newest(REGISTRY_PREFIX)
        except NewerRecord:
            raise
        except DataLoss as error:
            hint = "apply a registry again with `sightline cameras apply`"
            raise DataLoss("{error}; {hint}", error=error, hint=hint) from error
        return None if newest is None else newest.record

    def newest_key(self) -> str:
        """Return the key of the newest version, readable or not."""
        return registry_object(self._records.newest_version(REGISTRY_PREFIX))

    def foreign(self) -> tuple[DamagedRecord, ...]:
        """Yield the objects among the registries that are none."""
        return tuple(self._records.foreign(REGISTRY_PREFIX))

    def versions(self) -> list[int]:
        """Return the numbers of all stored versions, oldest first. Raises ObjectsUnavailable."""
        return self._records.versions(REGISTRY_PREFIX)

    def read(self, version: int) -> RegistryRecord:
        """Return one version. Raises NotFound, DataLoss if it cannot be read,
        ObjectsUnavailable.
        """
        return self._records.read(registry_object(version))

    def restore(self) -> int:
        """Announce the newest version of the object store again; return it, or 0 if there is
        none.
        """
        newest = self.newest()
        if newest is None:
            return 0
        self._announce(newest.version)
        return newest.version

    def _announce(self, version: int) -> None:
        self._redis.do("EVAL", _ANNOUNCE, 1, _APPLIED, version)
