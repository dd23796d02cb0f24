"""A person's correction of a plate's reading: versioned records next to the event's objects, a line
in the journal, and the index.

Of the records `events/…/<event id>/corrected.<version>.json` the highest version is valid; the
sidecar is never rewritten. An index is rebuilt from
`journal/_corrections/<yyyy>/<mm>/<dd>/<hhmm>.<event id>.<version>.jsonl.gz`. Each write of the
event to the index adds the valid correction from the hash `{corrections}:by_event`.

The API writes corrections, so that no node is needed: a node that is down delays none, and its
spooled state of the event changes nothing.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager

from domain.clock import NS_PER_S, Clock
from domain.errors import CorrectionConflict, RecordConflict
from domain.events.event import Correction, Event
from domain.paths.object_keys import correction_journal_object, corrections_prefix
from domain.stored_model import StoredModel, schema_field
from storage.clients.locks import Lock
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import VersionedRecords
from storage.events.journal import JournalCorrect
from storage.index.event_index import EventIndex

_TURN_S = 60
"""The lifetime of an event's lock: longer than all calls of one correction. A process that dies
blocks others for this time.
"""


class CorrectionRecord(StoredModel):
    """The content of `corrected.<version>.json`."""

    event_id: str
    camera: str
    correction: Correction
    reason: str
    schema_: int = schema_field()


class Corrections:
    """Corrects events. It is thread-safe, and raises StoreError if a store is unreachable.

    A repeated call with the same arguments completes the steps that are left.
    """

    def __init__(self, redis: Redis, objects: ObjectStore, index: EventIndex, clock: Clock) -> None:
        self._redis = redis
        self._objects = objects
        self._records = VersionedRecords(objects, CorrectionRecord)
        self._index = index
        self._clock = clock

    def correct(self, event: Event, text: str, by: str, reason: str, version: int) -> Correction:
        """Make `text` the plate of `event`; an empty text restores the reading. The correction is
        durable and searchable when this returns.

        `version` is that of the correction that the person saw, 0 if there was none. Raises
        CorrectionConflict if another one is valid.
        """
        with self._turn(event.id):
            newest = newest_record(self._objects, event.camera, event.id)
            record = self._next(event, newest, text, by, reason, version)
            if record is not newest:
                self._add(record)
            self._journal(record)
            self._index.correct(event.id, record.correction)
            if self._index.get(event.id) is None:
                # An archived event returns to the index, where searches find it, until the next run
                # merges it into the archive.
                self._index.put(event.model_copy(update={"corrected": record.correction}))
        return record.correction

    def _add(self, record: CorrectionRecord) -> None:
        prefix = corrections_prefix(record.camera, record.event_id)
        try:
            self._records.add(prefix, record.correction.version, record)
        except RecordConflict as error:
            raise CorrectionConflict(
                "this event was corrected by another person at the same moment; read it again, "
                "then decide"
            ) from error

    def _next(
        self,
        event: Event,
        newest: CorrectionRecord | None,
        text: str,
        by: str,
        reason: str,
        version: int,
    ) -> CorrectionRecord:
        there = newest.correction if newest is not None else None
        if (
            newest is not None
            and there is not None
            and (there.version, there.text, there.by) == (version + 1, text, by)
        ):
            return newest  # a repeated call after a lost answer or a failed step
        if (there.version if there is not None else 0) != version:
            current = (
                f"{there.by} corrected it to {there.text or 'what was read'!r} (version "
                f"{there.version})"
                if there
                else "no person did"
            )
            raise CorrectionConflict(
                "this event's correction is not of version {version} any more: "
                "{current}; read it again, then decide",
                version=version,
                current=current,
            )
        original = event.plate.text if event.plate is not None else ""
        made = Correction(
            text=text, original=original, by=by, at=self._clock.wall_ns(), version=version + 1
        )
        return CorrectionRecord(
            event_id=event.id, camera=event.camera, correction=made, reason=reason
        )

    def _journal(self, record: CorrectionRecord) -> None:
        line = JournalCorrect(
            event_id=record.event_id, camera=record.camera, correction=record.correction
        )
        key = correction_journal_object(
            record.correction.at // NS_PER_S, record.event_id, record.correction.version
        )
        self._objects.put(
            key,
            gzip.compress(line.model_dump_json(by_alias=True).encode() + b"\n", mtime=0),
            "application/gzip",
        )

    @contextmanager
    def _turn(self, event_id: str) -> Iterator[None]:
        lock = Lock(self._redis, f"{{corrections}}:turn:{event_id}", _TURN_S)
        if not lock.acquire():
            raise CorrectionConflict(
                "another person is correcting this event at this moment; read it again, then decide"
            )
        try:
            yield
        finally:
            lock.release()


def newest_record(objects: ObjectStore, camera_id: str, event_id: str) -> CorrectionRecord | None:
    """Return the valid correction of an event, or None. Raises DataLoss if it cannot be read."""
    records = VersionedRecords(objects, CorrectionRecord)
    newest = records.newest(corrections_prefix(camera_id, event_id))
    return None if newest is None else newest.record


def read_record(objects: ObjectStore, key: str) -> CorrectionRecord:
    """Return one version of a correction. Raises DataLoss if it cannot be read."""
    return VersionedRecords(objects, CorrectionRecord).read(key)
