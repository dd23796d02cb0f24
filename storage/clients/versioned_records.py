"""Versioned records of JSON in the object store: a version is written once, and the highest stands.

<root><id>/<version>.json     the records of one kind under a root, such as `state/holds/`
<prefix><version>.json        the versions of one record

What cannot be read is reported with its key, and never hides another record: neither a damaged one,
nor an object that is no record at all, nor one that a newer version of Sightline wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
    """An object that is where a record should be and cannot be read, and why."""

    key: str
    why: str
    record_id: str = ""
    """Of which record it is the newest version; empty where its key is no record's."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[_Record]):
    """The newest version of a record."""

    record: _Record
    version: int


@dataclass(frozen=True, slots=True)
class Listing(Generic[_Record]):
    """The newest version of each record that can be read, and what cannot be."""

    records: tuple[_Record, ...]
    damaged: tuple[DamagedRecord, ...]


class VersionedRecords(Generic[_Record]):
    """The records of one kind. Thread-safe. Raises ObjectsUnavailable where the store is away."""

    def __init__(self, objects: ObjectStore, kind: type[_Record], remembers: bool = False) -> None:
        """`remembers`: a version never changes, so that each is fetched once."""
        self._objects = objects
        self._kind = kind
        self._remembers = remembers
        self._known: dict[str, _Record] = {}

    def add(self, prefix: str, version: int, record: _Record) -> None:
        """Write a version. Raises RecordConflict where that version is there already: it stays."""
        key = version_key(prefix, version)
        data = record.model_dump_json(by_alias=True).encode()
        if not self._objects.put_new(key, data, "application/json"):
            raise RecordConflict(
                f"{key} was written by another process at the same time; read it again, then decide"
            )

    def newest(self, prefix: str) -> Versioned[_Record] | None:
        """The version that stands, or None. Raises DataLoss where it cannot be read.

        An older version never stands in for one that cannot be read: it may allow what was revoked.
        """
        version = self.newest_version(prefix)
        if version == 0:
            return None
        return Versioned(self.read(version_key(prefix, version)), version)

    def newest_readable(self, prefix: str) -> Versioned[_Record] | None:
        """The newest version that can be read, whatever stands; None where none can be."""
        for version in reversed(self.versions(prefix)):
            try:
                return Versioned(self.read(version_key(prefix, version)), version)
            except DataLoss:
                continue
        return None

    def versions(self, prefix: str) -> list[int]:
        """The numbers of all versions of a record, oldest first."""
        return sorted({_version_of(found.key, prefix) for found in self._list(prefix)} - {0})

    def newest_version(self, prefix: str) -> int:
        """The number of the version that stands, readable or not; 0 where there is none."""
        return newest_version(prefix, (found.key for found in self._list(prefix)))

    def read(self, key: str) -> _Record:
        """One version. Raises DataLoss where it cannot be read, NotFound where it is gone."""
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            record = self._kind.model_validate_json(self._objects.get(key))
        except ValidationError as error:
            raise unreadable(key, error) from error
        if self._remembers:
            self._known[key] = record
        return record

    def all(self, root: str) -> Listing[_Record]:
        """The newest version of every record under `root`, and everything there that is none."""
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
        """The objects under `prefix` that are no versions of one record."""
        for found in self._list(prefix):
            if _version_of(found.key, prefix) == 0:
                yield _foreign(found.key)

    def _list(self, prefix: str) -> Iterator[ObjectStat]:
        try:
            yield from self._objects.list(prefix)
        except NotFound as error:
            # Without its bucket the store says nothing about what there is.
            raise ObjectsUnavailable(f"{error}, so {prefix} cannot be listed") from error

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
    """The highest version that `keys` name under `prefix`; 0 where they name none."""
    return max((_version_of(key, prefix) for key in keys), default=0)


def _version_of(key: str, prefix: str) -> int:
    """0 where `key` is no version's."""
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
