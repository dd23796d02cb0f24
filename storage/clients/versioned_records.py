"""Versioned JSON records in the object store: a version is written once, and the highest is valid.

<root><id>/<version>.json are the records of one kind under a root, such as `state/holds/`.
<prefix><version>.json are the versions of one record.

An unreadable object is reported with its key, and never hides another record. It may be damaged, no
record at all, or written by a newer version of Sightline.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from domain.errors import DataLoss, NotFound, ObjectsUnavailable, RecordConflict
from domain.stored_model import StoredModel, unreadable
from storage.clients.s3 import ObjectStat, ObjectStore

_VERSION = re.compile(r"(\d{10,15})\.json")
_Record = TypeVar("_Record", bound=StoredModel)


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """An object at the place of a record that cannot be read, and the reason."""

    key: str
    why: str
    record_id: str = ""
    """The record of which it is the newest version; empty if its key is not that of a record."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[_Record]):
    """The newest version of a record."""

    record: _Record
    version: int


@dataclass(frozen=True, slots=True)
class Listing(Generic[_Record]):
    """The newest version of each readable record, and the unreadable objects."""

    records: tuple[_Record, ...]
    damaged: tuple[DamagedRecord, ...]


class VersionedRecords(Generic[_Record]):
    """The records of one kind. It is thread-safe, and raises ObjectsUnavailable if the store is
    unreachable.
    """

    def __init__(
        self,
        objects: ObjectStore,
        kind: type[_Record],
        caches: bool = False,
        check: Callable[[str, _Record], None] | None = None,
    ) -> None:
        """With `caches`, each version is fetched once, because a version never changes.

        `check` raises DataLoss where a record does not belong under its key.
        """
        self._objects = objects
        self._check = check
        self._kind = kind
        self._caches = caches
        self._known: dict[str, _Record] = {}

    def add(self, prefix: str, version: int, record: _Record) -> None:
        """Write a version. Raises RecordConflict if that version exists; the existing one stays."""
        key = version_key(prefix, version)
        data = record.model_dump_json(by_alias=True).encode()
        if not self._objects.put_new(key, data, "application/json"):
            raise RecordConflict(
                "{key} was written by another process at the same time; read it again, then decide",
                key=key,
            )

    def newest(self, prefix: str) -> Versioned[_Record] | None:
        """Return the valid version, or None. Raises DataLoss if it cannot be read.

        An older version never replaces an unreadable one, because it may allow what was revoked.
        """
        version = self.newest_version(prefix)
        if version == 0:
            return None
        return Versioned(self.read(version_key(prefix, version)), version)

    def newest_readable(self, prefix: str) -> Versioned[_Record] | None:
        """Return the newest version that can be read, whether or not it is valid; None if there is
        none.
        """
        for version in reversed(self.versions(prefix)):
            try:
                return Versioned(self.read(version_key(prefix, version)), version)
            except DataLoss:
                continue
        return None

    def versions(self, prefix: str) -> list[int]:
        """Return the numbers of all versions of a record, oldest first."""
        return sorted({_version_of(found.key, prefix) for found in self._list(prefix)} - {0})

    def newest_version(self, prefix: str) -> int:
        """Return the number of the valid version, readable or not; 0 if there is none."""
        return newest_version(prefix, (found.key for found in self._list(prefix)))

    def read(self, key: str) -> _Record:
        """Return one version. Raises DataLoss if it cannot be read, and NotFound if it was
        deleted.
        """
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            record = self._kind.model_validate_json(self._objects.get(key))
        except ValidationError as error:
            raise unreadable(key, error) from error
        if self._check is not None:
            self._check(key, record)
        if self._caches:
            self._known[key] = record
        return record

    def all(self, root: str) -> Listing[_Record]:
        """Return the newest version of every record under `root`, and every object there that is
        none.
        """
        newest, foreign = self._newest_keys(root)
        records: list[_Record] = []
        damaged = list(foreign)
        for record_id, key in newest.items():
            try:
                records.append(self.read(key))
            except DataLoss as error:
                damaged.append(DamagedRecord(key, str(error), record_id))
            except NotFound:  # set aside since it was listed
                continue
        return Listing(tuple(records), tuple(damaged))

    def foreign(self, prefix: str) -> Iterator[DamagedRecord]:
        """Yield the objects under `prefix` that are not versions of one record."""
        for found in self._list(prefix):
            if _version_of(found.key, prefix) == 0:
                yield _foreign(found.key)

    def _list(self, prefix: str) -> Iterator[ObjectStat]:
        try:
            yield from self._objects.list(prefix)
        except NotFound as error:
            # Without its bucket the store says nothing about what there is.
            raise ObjectsUnavailable(
                "{error}, so {prefix} cannot be listed", error=error, prefix=prefix
            ) from error

    def _newest_keys(self, root: str) -> tuple[dict[str, str], list[DamagedRecord]]:
        newest: dict[str, tuple[int, str]] = {}
        foreign: list[DamagedRecord] = []
        for found in self._list(root):
            record_id, _, _ = found.key.removeprefix(root).partition("/")
            version = _version_of(found.key, f"{root}{record_id}/")
            if version == 0:
                foreign.append(_foreign(found.key))
            else:
                newest[record_id] = max((version, found.key), newest.get(record_id, (0, "")))
        return {record_id: key for record_id, (_, key) in newest.items()}, foreign


def version_key(prefix: str, version: int) -> str:
    return f"{prefix}{version:010d}.json"


def newest_version(prefix: str, keys: Iterable[str]) -> int:
    """Return the highest version that `keys` name under `prefix`; 0 if they name none."""
    return max((_version_of(key, prefix) for key in keys), default=0)


def _version_of(key: str, prefix: str) -> int:
    """Return the version that `key` names; 0 if it names none."""
    if not key.startswith(prefix):
        return 0
    match = _VERSION.fullmatch(key.removeprefix(prefix))
    version = int(match[1]) if match else 0
    return version if version_key(prefix, version) == key else 0


def _foreign(key: str) -> DamagedRecord:
    return DamagedRecord(
        key,
        f"{key} is not the key of a record; it is ignored, so delete it unless you know its "
        "purpose",
    )
