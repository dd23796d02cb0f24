"""The registries that were applied: versions in the object store, and in Redis the number of the newest, which nodes watch."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.clock import Clock, SystemClock
from domain.errors import DataLoss
from domain.events import WallNs
from domain.keys import REGISTRY_PREFIX, registry_object
from storage.redis_door import Redis, number, text
from storage.s3 import ObjectStore

_VERSION = re.compile(r"[0-9]{10}\.json")
_APPLIED = "{registry}:applied"
_GIVEN_OUT = "{registry}:given_out"
# Two who apply at once get two numbers, also over an emptied Redis.
_DRAW = """
local version = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1])) + 1
redis.call('SET', KEYS[1], string.format('%.0f', version))
return version
"""
_ANNOUNCE = """
local newest = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', newest))
return newest
"""


class RegistryRecord(BaseModel):
    """What `state/registry/<version>.json` holds: the text of a registry without fault, as a person wrote it. Never a password."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    version: int
    """0: it runs, and is not in the object store yet."""
    applied_at: WallNs
    text: str
    schema_: int = Field(default=1, alias="schema")


class Registries:
    def __init__(self, redis: Redis, objects: ObjectStore, clock: Clock | None = None) -> None:
        self._redis = redis
        self._objects = objects
        self._clock = clock or SystemClock()

    def add(self, registry_text: str) -> RegistryRecord:
        """Keep a registry as the newest version and announce it. The text must have been checked.

        Raises StoreError; then nothing is announced.
        """
        newest = self.newest()
        version = number(self._redis.do("EVAL", _DRAW, 1, _GIVEN_OUT, newest.version if newest else 0))
        added = RegistryRecord(version=version, applied_at=self._clock.wall_ns(), text=registry_text)
        self._objects.put(registry_object(version), added.model_dump_json(by_alias=True).encode(), "application/json")
        self._announce(version)
        return added

    def adopt(self, registry_text: str) -> RegistryRecord:
        """The newest version where it says the same already, else as `add`: a site that starts again applies nothing new."""
        newest = self.newest()
        return newest if newest is not None and newest.text == registry_text else self.add(registry_text)

    def announced(self) -> int:
        """The number of the newest version; 0 where Redis knows none. Raises IndexUnavailable."""
        return int(text(self._redis.do("GET", _APPLIED)) or "0")

    def newest(self) -> RegistryRecord | None:
        """The newest version in the object store, or None. Raises DataLoss where it cannot be read, ObjectsUnavailable."""
        keys = [found.key for found in self._objects.list(REGISTRY_PREFIX)]
        return self._read(max(keys)) if keys else None

    def versions(self) -> list[int]:
        """The numbers of all versions in the object store, oldest first. Raises ObjectsUnavailable."""
        names = (found.key.removeprefix(REGISTRY_PREFIX) for found in self._objects.list(REGISTRY_PREFIX))
        numbers = (int(name[:-5]) for name in names if _VERSION.fullmatch(name))
        return sorted(numbers)

    def read(self, version: int) -> RegistryRecord:
        """One version. Raises NotFound, DataLoss where it cannot be read, ObjectsUnavailable."""
        return self._read(registry_object(version))

    def restore(self) -> int:
        """Announce again what the object store holds; the version, 0 where there is none."""
        newest = self.newest()
        if newest is None:
            return 0
        self._announce(newest.version)
        return newest.version

    def _announce(self, version: int) -> None:
        self._redis.do("EVAL", _ANNOUNCE, 1, _APPLIED, version)

    def _read(self, key: str) -> RegistryRecord:
        try:
            return RegistryRecord.model_validate_json(self._objects.get(key))
        except ValidationError as error:
            raise DataLoss(f"{key} is no record of a registry: {error.error_count()} faults") from error
