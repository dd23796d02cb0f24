"""Versioned records in the object store, each with an HMAC.

A program that can write to the object store, as each node can, cannot write a valid record. The
HMAC covers the id and the version, so that an old version is not valid under another key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import Field

from domain.clock import Clock
from domain.errors import (
    DataLoss,
    NotFound,
    ObjectsUnavailable,
    RecordChanged,
    RecordConflict,
)
from domain.stored_model import StoredModel
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing, Versioned, VersionedRecords, version_key
from storage.site.record_macs import is_mac_of, record_mac

FRESH_S = 2.0
"""How long `recent` returns what was read before."""
_ATTEMPTS = 5
_MOST_RECENT = 10_000


class SignedRecord(StoredModel):
    """A record with an HMAC, and with the id and the version of its key."""

    id: str
    version: int = 0
    mac: str = Field("", repr=False)


_Record = TypeVar("_Record", bound=SignedRecord)


class SignedRecords(Generic[_Record]):
    """The records of one kind under `root`. Thread-safe.

    Every method raises ObjectsUnavailable if the store is unreachable.
    """

    def __init__(
        self, objects: ObjectStore, kind: type[_Record], root: str, key: bytes, clock: Clock
    ) -> None:
        self._records = VersionedRecords(objects, kind, caches=True, check=self._check)
        self._kind = kind
        self._root = root
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: dict[str, tuple[float, _Record | None]] = {}

    def add(self, record: _Record) -> _Record:
        """Write the first version of a record. Raises RecordConflict if it exists."""
        return self._write(record, 1)

    def get(self, record_id: str) -> _Record | None:
        """Return the newest version, or None. Raises DataLoss if it is damaged or not authentic."""
        found = self._records.newest(self._prefix(record_id))
        return None if found is None else found.record

    def recent(self, record_id: str) -> _Record | None:
        """Return the newest version as of the last seconds, for checks of each request.

        While the store is unreachable, what this process has read before stays in force.
        """
        now_s = self._clock.monotonic_s()
        known = self._recent.get(record_id)
        if known is not None and now_s - known[0] < FRESH_S:
            return known[1]
        try:
            record = self.get(record_id)
        except ObjectsUnavailable:
            if known is None or known[1] is None:
                raise
            return known[1]
        self._remember(record_id, record)
        return record

    def all(self, beginning: str = "") -> Listing[_Record]:
        """Return the newest versions of the records whose id begins so, and what is damaged."""
        return self._records.all(f"{self._root}{beginning}")

    def change(
        self,
        record_id: str,
        expected: int | None,
        change: Callable[[_Record], _Record],
        absent: str,
    ) -> _Record:
        """Write a changed record as its next version, unless `change` returns what is there.

        `change` may be called again if another process changes the record at the same time. Raises
        NotFound with the sentence `absent`, and RecordChanged if its version is not `expected`.
        """
        for _ in range(_ATTEMPTS):
            found = self._records.newest(self._prefix(record_id))
            if found is None:
                raise NotFound(absent)
            _check_version(found, expected)
            changed = change(found.record)
            if changed == found.record:
                return changed
            try:
                return self._write(changed, found.version + 1)
            except RecordConflict:  # changed by another person in this moment
                continue
        raise RecordConflict(
            "the record {record} changes all the time; try again", record=record_id
        )

    def _write(self, record: _Record, version: int) -> _Record:
        fields = record.model_copy(update={"version": version, "mac": ""}).model_dump(by_alias=True)
        complete = self._kind.model_validate(fields)
        mac = record_mac(complete, self._key, self._mac_prefix)
        signed = complete.model_copy(update={"mac": mac})
        self._records.add(self._prefix(record.id), version, signed)
        self._remember(record.id, signed)
        return signed

    def _check(self, key: str, record: _Record) -> None:
        """Check that a record is authentic and where it was written. Raises DataLoss."""
        if not is_mac_of(record.mac, record, self._key, self._mac_prefix):
            raise DataLoss("{key} is not signed by this site, so it is not used", key=key)
        if version_key(self._prefix(record.id), record.version) != key:
            raise DataLoss("{key} holds another record or version", key=key)

    @property
    def _mac_prefix(self) -> bytes:
        return f"sightline {self._root}\n".encode()

    def _prefix(self, record_id: str) -> str:
        return f"{self._root}{record_id}/"

    def _remember(self, record_id: str, record: _Record | None) -> None:
        with self._lock:
            if len(self._recent) >= _MOST_RECENT:
                self._recent.clear()
            self._recent[record_id] = (self._clock.monotonic_s(), record)


def _check_version(found: Versioned[_Record], expected: int | None) -> None:
    if expected is not None and found.version != expected:
        raise RecordChanged(
            "the record has version {version}, not {expected_version}; read it again",
            version=found.version,
            expected_version=expected,
        )
