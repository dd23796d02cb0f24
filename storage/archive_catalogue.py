"""The catalogue of the archive: for each file what it may hold, so that a search opens few of them. One object a day, in versions.

archive/catalogue/<yyyymmdd>/<version>: the length of the JSON (4 bytes, little-endian), the JSON, then the files' Bloom filters
(`bloom.py`), one behind the other. The highest version stands; it is made again from the files where it is lost.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from domain.clock import Clock
from domain.errors import DataLoss, NotFound, ObjectsUnavailable, StoreError
from domain.keys import CATALOGUE_PREFIX, catalogue_object
from domain.query import EventQuery
from storage.bloom import BLOCK_BYTES, Blooms
from storage.redis_door import Redis, text
from storage.s3 import ObjectStore

VERSION_KEY = "{archive}:version"
TRUST_S, SETTLE_S = 1.0, 2.0
"""How old a look may be that tells which days there are; and how long after a word of the archive the index keeps what it tells of, which
is longer: so whatever the index has forgotten, a look that may be trusted has seen."""
_LENGTH_BYTES = 4


class ArchiveFile(BaseModel):
    """One file of the archive: the events of an area that began on a day (UTC)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: str
    area: str
    generation: int
    key: str
    sha256: str
    size_bytes: int
    rows: int
    from_ms: int
    to_ms: int
    """The least and the greatest start in it."""
    plate_min: str
    plate_max: str
    bounds: tuple[float, float, float, float]
    """West, south, east and north of its cameras."""
    cameras: dict[str, int]
    """Its cameras, with the least start (UTC ms) of each."""
    bloom_blocks: int


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    files: tuple[ArchiveFile, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day's files, by area, and their filters."""

    day: str
    version: int = 0
    files: tuple[ArchiveFile, ...] = ()
    bloom: bytes = b""
    _blooms: Blooms | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, day: str, version: int, data: bytes) -> Day:
        """Raises DataLoss."""
        size = int.from_bytes(data[:_LENGTH_BYTES], "little")
        body, bloom = data[_LENGTH_BYTES : _LENGTH_BYTES + size], data[_LENGTH_BYTES + size :]
        try:
            files = _Header.model_validate_json(body).files
        except ValidationError as error:
            raise DataLoss(f"{catalogue_object(day, version)} is no catalogue: {error.error_count()} faults") from error
        blocks = [file.bloom_blocks for file in files]
        if len(bloom) != sum(blocks) * BLOCK_BYTES:
            raise DataLoss(f"{catalogue_object(day, version)} has {len(bloom)} bytes of filters, and not {sum(blocks) * BLOCK_BYTES}")
        return cls(day, version, files, bloom, Blooms(np.frombuffer(bloom, np.uint8), blocks))

    def packed(self) -> bytes:
        body = _Header(files=self.files).model_dump_json().encode()
        return len(body).to_bytes(_LENGTH_BYTES, "little") + body + self.bloom

    def file(self, area: str) -> ArchiveFile | None:
        return next((file for file in self.files if file.area == area), None)

    def bloom_of(self, area: str) -> bytes:
        at = 0
        for file in self.files:
            size = file.bloom_blocks * BLOCK_BYTES
            if file.area == area:
                return self.bloom[at : at + size]
            at += size
        return b""

    def changed(self, removed: Iterable[str], added: Sequence[tuple[ArchiveFile, bytes]]) -> Day:
        """The day's next version: without these areas' files, with the new ones."""
        gone = {*removed, *(file.area for file, _ in added)}
        kept = [(file, self.bloom_of(file.area)) for file in self.files if file.area not in gone]
        parts = sorted([*kept, *added], key=lambda part: part[0].area)
        return Day(self.day, self.version + 1, tuple(file for file, _ in parts), b"".join(bloom for _, bloom in parts))

    def candidates(self, query: EventQuery, plates: Sequence[str] | None, least_ms: int, greatest_ms: int) -> list[ArchiveFile]:
        """The files that may hold an event that is asked for; `plates`: where not None, one of them at least."""
        if not self.files or self._blooms is None:
            return []
        may: NDArray[np.bool_] = np.ones(len(self.files), np.bool_)
        if plates is not None:
            may &= self._blooms.may_hold(plates)
        return [
            file for file, may_hold in zip(self.files, may, strict=True)
            if may_hold and file.from_ms <= greatest_ms and file.to_ms >= least_ms and _is_there(file, query)
        ]  # fmt: skip


def _is_there(file: ArchiveFile, query: EventQuery) -> bool:
    return (
        (query.area is None or file.area == query.area or file.area.startswith(query.area + "/"))
        and (query.camera is None or query.camera in file.cameras)
        and (query.near is None or query.near.touches(file.bounds))
        and (query.within is None or query.within.touches(file.bounds))
    )


class Catalogue:
    """What is known of all days. Thread-safe; other processes are heard of through one key in Redis."""

    def __init__(self, objects: ObjectStore, redis: Redis, clock: Clock) -> None:
        self._objects = objects
        self._redis = redis
        self._clock = clock
        self._looked_s: float | None = None
        self._announced_s = clock.monotonic_s()
        self._lock = threading.Lock()
        self._days: dict[str, Day] = {}
        self._newest: dict[str, int] = {}
        self._seen: str | None = None
        self._damaged: dict[str, str] = {}

    def days(self) -> dict[str, Day]:
        """Every day that has files, after a look whether others changed something. Raises StoreError."""
        # Asked outside the lock: no search should wait for another's answer.
        looked_s = self._clock.monotonic_s()
        version = text(self._redis.do("GET", VERSION_KEY)) or ""
        with self._lock:
            if version != self._seen:
                self._read_all()
                self._seen = version
            self._looked_s = looked_s if self._looked_s is None else max(looked_s, self._looked_s)
            return self._days

    def last_day(self) -> str:
        """The last day that has files, empty where none has. Told after a read of the index it is true of what that read may have missed,
        though each process asks once in `TRUST_S` only. Raises StoreError."""
        looked_s = self._looked_s
        days = self._days if looked_s is not None and self._clock.monotonic_s() - looked_s <= TRUST_S else self.days()
        return max([*days, *self._damaged], default="")

    def settle(self) -> None:
        """Wait until no process trusts a look from before the last word: then the index may forget what was moved."""
        self._clock.sleep(max(0.0, self._announced_s + SETTLE_S - self._clock.monotonic_s()))

    @property
    def damaged(self) -> dict[str, str]:
        """The days whose catalogue could not be read at the last look, and why."""
        return self._damaged

    def version(self, day: str) -> int:
        """The newest version of a day's catalogue, 0 where there is none."""
        with self._lock:
            return self._newest.get(day, 0)

    def put(self, day: Day) -> None:
        """Make this version of a day the one that stands. Raises StoreError where another process was quicker or the store is away."""
        newest = max(self._versions(f"{CATALOGUE_PREFIX}{day.day}/").get(day.day, [0]))
        if newest != day.version - 1:
            raise StoreError(f"the catalogue of {day.day} was changed by another process meanwhile; run again")
        key, data = catalogue_object(day.day, day.version), day.packed()
        self._objects.put(key, data, "application/octet-stream")
        if self._objects.get(key) != data:
            raise ObjectsUnavailable(f"the object store did not keep {key} as it was given")
        self.announce()
        for version in self._versions(f"{CATALOGUE_PREFIX}{day.day}/").get(day.day, []):
            if version < day.version:
                self._objects.delete(catalogue_object(day.day, version))
        self.days()

    def announce(self) -> None:
        """Let every process look again."""
        self._redis.do("SET", VERSION_KEY, secrets.token_hex(8))
        self._announced_s = self._clock.monotonic_s()

    def _read_all(self) -> None:
        found = self._versions(CATALOGUE_PREFIX)
        self._newest = {name: max(versions) for name, versions in found.items()}
        days: dict[str, Day] = {}
        damaged: dict[str, str] = {}
        for name, versions in sorted(found.items()):
            known = self._days.get(name)
            if known is not None and known.version == max(versions):
                days[name] = known
                continue
            try:
                days[name] = self._read(name, max(versions))
            except (DataLoss, NotFound) as error:
                damaged[name] = str(error)
        self._days, self._damaged = {name: day for name, day in days.items() if day.files}, damaged

    def _read(self, day: str, version: int) -> Day:
        return Day.parse(day, version, self._objects.get(catalogue_object(day, version)))

    def _versions(self, prefix: str) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for stat in self._objects.list(prefix):
            day, _, version = stat.key.removeprefix(CATALOGUE_PREFIX).partition("/")
            if version.isdigit():
                found.setdefault(day, []).append(int(version))
        return found
