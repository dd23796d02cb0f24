"""The registries that were applied: versions in the object store, and in Redis the number of
the newest, which nodes watch.
"""

from __future__ import annotations

import logging

from domain.clock import Clock, SystemClock
from domain.errors import DataLoss, NewerRecord
from domain.paths.object_keys import REGISTRY_PREFIX, registry_object
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.lua import load_script
from storage.clients.redis import Redis, number, text
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import DamagedRecord, VersionedRecords

_log = logging.getLogger(__name__)
_APPLIED = "{registry}:applied"
_GIVEN_OUT = "{registry}:given_out"
# Two who apply at once get two numbers, also over an emptied Redis.
_DRAW = load_script("site", "registry_draw")
_ANNOUNCE = load_script("site", "registry_announce")


class RegistryRecord(StoredModel):
    """What `state/registry/<version>.json` holds: the text of a registry without fault, as a
    person wrote it. Never a password.
    """

    version: int
    """0: it runs, and is not in the object store yet."""
    applied_at: WallNs
    text: str
    schema_: int = schema_field()


class Registries:
    def __init__(self, redis: Redis, objects: ObjectStore, clock: Clock | None = None) -> None:
        self._redis = redis
        self._records = VersionedRecords(objects, RegistryRecord)
        self._clock = clock or SystemClock()

    def add(self, registry_text: str) -> RegistryRecord:
        """Keep a registry as the newest version and announce it. The text must have been checked.

        A newest version that cannot be read is no obstacle: this one takes its place.
        Raises StoreError; then nothing is announced.
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
        """The newest version where it says the same already, else as `add`: a site that starts
        again applies nothing new.
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
        """The number of the newest version; 0 where Redis knows none. Raises IndexUnavailable."""
        return int(text(self._redis.do("GET", _APPLIED)) or "0")

    def newest(self) -> RegistryRecord | None:
        """The newest version in the object store, or None.

        Raises DataLoss where it cannot be read, ObjectsUnavailable.
        """
        try:
            newest = self._records.newest(REGISTRY_PREFIX)
        except NewerRecord:
            raise
        except DataLoss as error:
            hint = "apply a registry again with `sightline cameras apply`"
            raise DataLoss(f"{error}; {hint}") from error
        return None if newest is None else newest.record

    def newest_key(self) -> str:
        """The key of the newest version; also where it cannot be read."""
        return registry_object(self._records.newest_version(REGISTRY_PREFIX))

    def foreign(self) -> tuple[DamagedRecord, ...]:
        """The objects among the registries that are none."""
        return tuple(self._records.foreign(REGISTRY_PREFIX))

    def versions(self) -> list[int]:
        """The numbers of all versions in the store, oldest first. Raises ObjectsUnavailable."""
        return self._records.versions(REGISTRY_PREFIX)

    def read(self, version: int) -> RegistryRecord:
        """One version. Raises NotFound, DataLoss where it cannot be read, ObjectsUnavailable."""
        return self._records.read(registry_object(version))

    def restore(self) -> int:
        """Announce again what the object store holds; the version, 0 where there is none."""
        newest = self.newest()
        if newest is None:
            return 0
        self._announce(newest.version)
        return newest.version

    def _announce(self, version: int) -> None:
        self._redis.do("EVAL", _ANNOUNCE, 1, _APPLIED, version)
