"""The catalogue of the archive: what each file may hold, so that a search opens few of them. It has
one object a day, in versions.

`archive/catalogue/<yyyymmdd>/<version>` is described in `day.py`. The highest version is valid; a
lost one is created again from the files. The descriptions of files are in memory, and their filters
on this disk (`filters.py`).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from domain.clock import Clock
from domain.errors import DataLoss, NewerRecord, NotFound, ObjectsUnavailable, StoreError
from domain.events.query import EventQuery
from domain.paths.object_keys import CATALOGUE_PREFIX, catalogue_object
from storage.archive.bloom import parted
from storage.archive.day import ArchiveFile, ColdLeg, Day, header_bytes
from storage.archive.filters import Filters
from storage.clients.memory_limit import set_small
from storage.clients.redis import Redis, text
from storage.clients.s3 import ObjectStore

VERSION_KEY = "{archive}:version"
TRUST_S, SETTLE_S = 1.0, 2.0
"""The most age of a read that says which days exist; and how long the index keeps moved events
after an announcement. The latter is longer, so a trusted read has seen every day that was removed
from the index.
"""
HEADER_BYTES = 1 << 18
"""The first bytes of a day's object that are read; the rest of a longer header is read after
them.
"""


class Catalogue:
    """The known state of all days. It is thread-safe; a key in Redis announces the changes of other
    processes.
    """

    def __init__(self, objects: ObjectStore, redis: Redis, folder: Path, clock: Clock) -> None:
        """Keep the filters of this process in `folder`."""
        self._objects = objects
        self._filters = Filters(objects, folder)
        self._redis = redis
        self._clock = clock
        self._read_s: float | None = None
        self._announced_s = clock.monotonic_s()
        self._lock = threading.Lock()
        self._days: dict[str, Day] = {}
        self._newest: dict[str, int] = {}
        self._seen: str | None = None
        self._damaged: dict[str, str] = {}
        self._newer: frozenset[str] = frozenset()

    def days(self) -> dict[str, Day]:
        """Return every day that has files, after reading changes of other processes. Raises
        StoreError.
        """
        # Asked outside the lock: no search should wait for another's answer.
        read_s = self._clock.monotonic_s()
        version = text(self._redis.do("GET", VERSION_KEY)) or ""
        with self._lock:
            if version != self._seen:
                self._read_all()
                self._seen = version
            self._read_s = read_s if self._read_s is None else max(read_s, self._read_s)
            return self._days

    def last_day(self) -> str:
        """Return the last day that has files, empty if none has. Raises StoreError.

        Called after a read of the index, it includes every day that the read may have missed,
        although a process asks Redis only once in `TRUST_S`.
        """
        read_s = self._read_s
        days = (
            self._days
            if read_s is not None and self._clock.monotonic_s() - read_s <= TRUST_S
            else self.days()
        )
        return max([*days, *self._damaged], default="")

    def settle(self) -> None:
        """Wait until no process trusts a read from before the last announcement. Then moved events
        may be removed from the index.
        """
        self._clock.sleep(max(0.0, self._announced_s + SETTLE_S - self._clock.monotonic_s()))

    @property
    def damaged(self) -> dict[str, str]:
        """The days whose catalogue could not be read the last time, with the reason and what to
        do.
        """
        return self._damaged

    @property
    def newer(self) -> frozenset[str]:
        """The days whose catalogue a newer version of Sightline wrote. It is never replaced."""
        return self._newer

    def version(self, day: str) -> int:
        """Return the newest version of a day's catalogue, 0 if there is none."""
        with self._lock:
            return self._newest.get(day, 0)

    def lacks(self, day: Day, plates: Sequence[str]) -> bool:
        """Return whether a query of a day for plates fetches something."""
        return self._filters.lacks(day, plates)

    def fetch(self, days: Sequence[Day], plates: Sequence[str]) -> None:
        """Fetch the missing filters of these days for these plates, in parallel. Raises
        StoreError.
        """
        with suppress(NotFound):  # one has another version now
            self._filters.fetch(days, plates)

    def candidates(
        self,
        day: Day,
        query: EventQuery,
        plates: Sequence[str] | None,
        least_ms: int,
        greatest_ms: int,
    ) -> list[ArchiveFile]:
        """Return the files that may hold a matching event. If `plates` is not None, an event must
        have one of them. Raises StoreError.
        """
        may = day.may_answer(query, least_ms, greatest_ms)
        if plates is not None and any(may) and any(day.blocks):
            with suppress(NotFound):  # it has another version now: each file may hold them
                held = self._filters.may_hold(day, plates)
                may = [one and bool(other) for one, other in zip(may, held, strict=True)]
        return [file for file, may_hold in zip(day.files, may, strict=True) if may_hold]

    def blooms(self, day: Day) -> list[bytes]:
        """Return the filter of each file of a day; empty if there is none. Raises StoreError,
        DataLoss.
        """
        if not any(day.blocks):
            return [b""] * len(day.files)
        return parted(self._filters.read(day), day.blocks)

    def change(
        self,
        day: Day,
        removed: Iterable[str],
        added: Sequence[tuple[ArchiveFile, bytes]],
        legs: Iterable[ColdLeg] | None = None,
    ) -> Day:
        """Write a version of a day without the files of the removed areas, and with the new files,
        which may replace others.

        `legs` are added to the known legs. Raises StoreError if another process changed the day
        first, or if the store is unreachable.
        """
        gone = {*removed, *(file.area for file, _ in added)}
        is_all_new = all(file.area in gone for file in day.files)
        kept = (
            []
            if is_all_new
            else [
                pair
                for pair in zip(day.files, self.blooms(day), strict=True)
                if pair[0].area not in gone
            ]
        )
        changed, data = day.packed(day.version + 1, [*kept, *added], legs)
        self._put(changed, data)
        return changed

    def _put(self, day: Day, data: bytes) -> None:
        newest = max(self._versions(f"{CATALOGUE_PREFIX}{day.day}/").get(day.day, {0: 0}))
        if newest != day.version - 1:
            raise StoreError(
                "the catalogue of {day} was changed by another process meanwhile; run again",
                day=day.day,
            )
        key = catalogue_object(day.day, day.version)
        self._objects.put(key, data, "application/octet-stream")
        if self._objects.get(key) != data:
            raise ObjectsUnavailable("the object store did not keep {key} as it was given", key=key)
        self.announce()
        for version in self._versions(f"{CATALOGUE_PREFIX}{day.day}/").get(day.day, {}):
            if version < day.version:
                self._objects.delete(catalogue_object(day.day, version))
        self.days()

    def announce(self) -> None:
        """Let every process read the catalogue again."""
        set_small(self._redis, VERSION_KEY, secrets.token_hex(8))
        self._announced_s = self._clock.monotonic_s()

    def _read_all(self) -> None:
        found = self._versions(CATALOGUE_PREFIX)
        self._newest = {name: max(versions) for name, versions in found.items()}
        days: dict[str, Day] = {}
        damaged: dict[str, str] = {}
        newer: set[str] = set()
        for name, versions in sorted(found.items()):
            known = self._days.get(name)
            if known is not None and known.version == max(versions):
                days[name] = known
                continue
            try:
                days[name] = self._read(name, max(versions), versions[max(versions)])
            except (DataLoss, NotFound) as error:
                if isinstance(error, NewerRecord):
                    newer.add(name)
                    damaged[name] = str(error)
                else:
                    damaged[name] = f"{error}; run `sightline index rebuild`, which makes it again"
        self._newer = frozenset(newer)
        self._days, self._damaged = {name: day for name, day in days.items() if day.files}, damaged
        self._filters.forget_all_but(self._days.values())

    def _read(self, day: str, version: int, size_bytes: int) -> Day:
        key = catalogue_object(day, version)
        data = b"".join(self._objects.read(key, 0, min(HEADER_BYTES, size_bytes)))
        if header_bytes(data) > len(data):
            data += b"".join(
                self._objects.read(key, len(data), min(header_bytes(data), size_bytes) - len(data))
            )
        return Day.parse(day, version, data)

    def _versions(self, prefix: str) -> dict[str, dict[int, int]]:
        """Return the versions of each day, with the size of each."""
        found: dict[str, dict[int, int]] = {}
        for stat in self._objects.list(prefix):
            day, _, version = stat.key.removeprefix(CATALOGUE_PREFIX).partition("/")
            if version.isdigit():
                found.setdefault(day, {})[int(version)] = stat.size_bytes
        return found
