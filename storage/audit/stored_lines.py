"""The audit lines in the object store, and which data folders wrote them.

Each object holds lines of one writer and one hour (UTC), by the times of the lines. It is written
once; its key contains a hash of the lines. A line may be in several objects, with the same id.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field, ValidationError

from domain.errors import DataLoss, NotFound
from domain.metrics import RETENTION_DELETIONS
from domain.paths.object_keys import (
    AUDIT_PREFIX,
    AUDIT_WRITERS_PREFIX,
    audit_hash_of_key,
    audit_hour_prefix,
    audit_lines_object,
    audit_writer_object,
    day_of,
    is_day,
)
from domain.stored_model import StoredModel, WallNs, schema_field, unreadable
from storage.clients.gzip_objects import unpacked
from storage.clients.readable_records import read_or_skip
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditLine

_HOUR = re.compile(r"[01]\d|2[0-3]")
_log = logging.getLogger(__name__)


class AuditWriter(StoredModel):
    """A data folder whose audit lines are shipped."""

    writer: str
    node: str
    complete_until: WallNs = Field(description="every earlier line is in the object store")
    schema_: int = schema_field()


@dataclass(frozen=True, slots=True)
class LineFault:
    """A stored line that cannot be read."""

    where: str
    number: int
    reason: str


class StoredAudit:
    """The lines of all writers of a site. Every call raises StoreError without the store."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, writer: str, first_wall_s: int, data: bytes) -> None:
        """Store lines of one hour; the same lines again change nothing."""
        key = audit_lines_object(writer, first_wall_s, hashlib.sha256(data).hexdigest())
        packed = gzip.compress(data, mtime=0)
        if not self._objects.put_new(key, packed, "application/gzip") and self.read(key) != data:
            raise DataLoss(
                "{key} exists with other content, so audit lines cannot be stored", key=key
            )

    def read(self, key: str) -> bytes:
        """Return the lines of an object. Raises DataLoss if they are not those of its key."""
        data = unpacked(self._objects.get(key), key)
        if hashlib.sha256(data).hexdigest()[:16] != audit_hash_of_key(key):
            raise DataLoss("{key} does not have the content that its name states", key=key)
        return data

    def put_writer(self, writer: AuditWriter) -> None:
        self._objects.put(
            audit_writer_object(writer.writer),
            writer.model_dump_json(by_alias=True).encode(),
            "application/json",
        )

    def writers(self) -> list[AuditWriter]:
        """Return the writers whose state is stored, by name; an unreadable one is logged."""
        found: list[AuditWriter] = []
        for stat in self._objects.list(AUDIT_WRITERS_PREFIX):
            try:
                writer = read_or_skip(AuditWriter, self._objects.get(stat.key), "audit writers")
            except NotFound:
                continue  # deleted by retention since it was listed
            if writer is not None:
                found.append(writer)
        return found

    def names(self) -> list[str]:
        """Return the names of all writers that have lines in the store."""
        return self._objects.folders(AUDIT_PREFIX)

    def days(self, writer: str) -> list[str]:
        """Return the days (`yyyymmdd`, UTC) of which a writer has lines, oldest first."""
        return [day for day in self._objects.folders(f"{AUDIT_PREFIX}{writer}/") if is_day(day)]

    def hours(self, writer: str, day: str) -> list[str]:
        """Return the hours (`00` to `23`, UTC) of which a writer has lines on a day."""
        found = self._objects.folders(f"{AUDIT_PREFIX}{writer}/{day}/")
        return [hour for hour in found if _HOUR.fullmatch(hour)]

    def keys(self, writer: str, day: str, hour: str) -> list[str]:
        """Return the keys of the objects of an hour; keys that no writer made are left out."""
        prefix = audit_hour_prefix(writer, day, hour)
        keys = [stat.key for stat in self._objects.list(prefix)]
        return [key for key in keys if audit_hash_of_key(key) is not None]

    def remove_before(
        self, before_ns: int, stop: threading.Event | None = None, dry: bool = False
    ) -> int:
        """Delete the lines of days (UTC) before the day of `before_ns`, and writers that stopped
        before it; return the number of objects of lines.
        """
        before_day, removed = day_of(before_ns), 0
        for writer in self.names():
            for day in (day for day in self.days(writer) if day < before_day):
                for stat in list(self._objects.list(f"{AUDIT_PREFIX}{writer}/{day}/")):
                    if stop is not None and stop.is_set():
                        return removed
                    removed += 1
                    if not dry:
                        self._objects.delete(stat.key)
                        RETENTION_DELETIONS.labels("audit").inc()
                if not dry:
                    _log.info("the audit lines of %s of %s are too old and deleted", writer, day)
        for state in () if dry else self.writers():
            if state.complete_until < before_ns:
                self._objects.delete(audit_writer_object(state.writer))
        return removed


def parsed(data: bytes, where: str) -> Iterator[AuditLine | LineFault]:
    """Yield each line, or why it cannot be read. A line of an older version without an id gets one
    from its content.
    """
    for number, text in enumerate(data.split(b"\n"), start=1):
        if not text.strip():
            continue
        try:
            line = AuditLine.model_validate_json(text)
        except ValidationError as error:
            yield LineFault(where, number, str(unreadable(f"line {number} of {where}", error)))
            continue
        if not line.id:
            line = line.model_copy(update={"id": hashlib.sha256(text).hexdigest()[:16]})
        yield line
