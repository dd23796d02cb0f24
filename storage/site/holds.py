"""Legal holds: versioned records in the object store, and a copy on each node for times when the
store is unreachable.

A record that cannot be read protects an unknown range. It never hides the other holds, and
retention deletes nothing while there is one, as docs/retention.md explains.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from domain.alarms import AlarmName
from domain.clock import Clock
from domain.errors import (
    BadInput,
    DataLoss,
    NotFound,
    ObjectsUnavailable,
    RecordChanged,
    RecordConflict,
    RecordEnded,
    StoreError,
)
from domain.messages.message import Message
from domain.paths.object_keys import HOLDS_PREFIX, holds_prefix
from domain.recordings.holds import Hold, StandingHolds
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import (
    DamagedRecord,
    Versioned,
    VersionedRecords,
    version_key,
)

_log = logging.getLogger(__name__)
_HOLDS = TypeAdapter(tuple[Hold, ...])
_ATTEMPTS = 5
NO_HOLD = "there is no hold {hold}; GET /v1/holds lists all"
_FRESH_FOR_S = 1.0
_FIND_AGAIN_AFTER_S = 0.0, 0.1, 0.4, 1.5
"""A hold that was written is listed again after these pauses, until the list has it."""


@dataclass(frozen=True, slots=True)
class KnownHolds:
    """Every readable hold, the newest first, and the unreadable records."""

    holds: tuple[Hold, ...]
    damaged: tuple[DamagedRecord, ...] = ()
    """The records whose range is unknown. An object that is no record is not among them."""
    foreign: tuple[DamagedRecord, ...] = ()

    def sentence(self) -> Message | None:
        """Return what is damaged and what to do about it, or None."""
        if not self.damaged:
            return None
        named = "; ".join(f"{one.record_id}: {one.why}" for one in self.damaged)
        return Message(
            "{count} legal holds cannot be read, so retention deletes nothing. Repair "
            "each object, or release the hold (`DELETE /v1/holds/ID`) and place it "
            "again: {objects}",
            count=len(self.damaged),
            objects=named,
        )


class Holds:
    """The holds of the site. It is thread-safe, and raises ObjectsUnavailable if the store is
    unreachable.
    """

    def __init__(self, objects: ObjectStore, clock: Clock) -> None:
        self._records = VersionedRecords(objects, Hold, caches=True)
        self._clock = clock

    def place(self, hold: Hold, is_repeated: bool = False) -> Hold:
        """Store a new hold and return it. When this returns, every reader of the holds finds it.

        With `is_repeated`, an earlier try of the same request may have stored it under this id.
        Raises StoreError if it cannot be found again; it must then not be treated as placed.
        """
        if hold.from_ >= hold.to:
            raise BadInput("a hold's `from` must lie before its `to`")
        try:
            self._records.add(holds_prefix(hold.id), 1, hold)
        except RecordConflict:
            if not is_repeated:
                raise
            hold = self._record(hold.id, 1)
        for pause_s in _FIND_AGAIN_AFTER_S:
            self._clock.sleep(pause_s)
            if any(known.id == hold.id for known in self.known().holds):
                return hold
        raise DataLoss(
            "the hold {hold} was written and cannot be read again, so it "
            "is not in force; run `sightline storage check`, then place it "
            "again",
            hold=hold.id,
        )

    def get(self, hold_id: str) -> Versioned[Hold]:
        """Return a hold, also a released one. Raises NotFound, and DataLoss if it is damaged."""
        version = self._version(hold_id, None)
        return Versioned(self._record(hold_id, version), version)

    def release(self, hold_id: str, person: str, expected_version: int | None = None) -> Hold:
        """End a hold; the record has the person and the time. A released hold stays as it is.

        An unreadable hold is released by a version after the damaged one, which stays. Raises
        NotFound, and RecordChanged if its version is not the expected one.
        """

        def released(hold: Hold) -> Hold:
            if hold.released_at is not None:
                return hold
            now_ns = self._clock.wall_ns()
            return hold.model_copy(update={"released_by": person, "released_at": now_ns})

        return self._change(hold_id, expected_version, self._standing, released).record

    def extend(
        self, hold_id: str, until: int | None, expected_version: int | None = None
    ) -> Versioned[Hold]:
        """Let an active hold end at another time; None: only when it is released.

        Raises NotFound, RecordEnded, DataLoss if it is damaged, and RecordChanged if its version is
        not the expected one.
        """

        def extended(hold: Hold) -> Hold:
            if not hold.is_active_at(self._clock.wall_ns()):
                raise RecordEnded("the hold {hold} has ended, so place a new one", hold=hold_id)
            return hold.model_copy(update={"until": until})

        return self._change(hold_id, expected_version, self._record, extended)

    def _change(
        self,
        hold_id: str,
        expected_version: int | None,
        read: Callable[[str, int], Hold],
        change: Callable[[Hold], Hold],
    ) -> Versioned[Hold]:
        """Write a changed hold as its next version, unless `change` returns what is there."""
        for _ in range(_ATTEMPTS):
            version = self._version(hold_id, expected_version)
            hold = read(hold_id, version)
            changed = change(hold)
            if changed == hold:
                return Versioned(hold, version)
            try:
                self._records.add(holds_prefix(hold_id), version + 1, changed)
            except RecordConflict:  # changed by another person in this moment
                continue
            return Versioned(changed, version + 1)
        raise RecordConflict("the hold {hold} changes all the time; try again", hold=hold_id)

    def _version(self, hold_id: str, expected: int | None) -> int:
        """Return the newest version. Raises NotFound, RecordChanged."""
        version = self._records.newest_version(holds_prefix(hold_id))
        if version == 0:
            raise NotFound(NO_HOLD, hold=repr(hold_id))
        if expected is not None and version != expected:
            raise RecordChanged(
                "the hold {hold} has version {version}, not {expected_version}; read it again",
                hold=hold_id,
                version=version,
                expected_version=expected,
            )
        return version

    def _record(self, hold_id: str, version: int) -> Hold:
        return self._records.read(version_key(holds_prefix(hold_id), version))

    def known(self) -> KnownHolds:
        """Return every hold ever placed, and the unreadable records. The newest readable version of
        a damaged record protects its range, unreleased.
        """
        listing = self._records.all(HOLDS_PREFIX)
        damaged = tuple(one for one in listing.damaged if one.record_id)
        older = (self._older(one.record_id) for one in damaged)
        holds = [*listing.records, *(hold for hold in older if hold is not None)]
        return KnownHolds(
            tuple(sorted(holds, key=lambda hold: hold.placed_at, reverse=True)),
            damaged,
            tuple(one for one in listing.damaged if not one.record_id),
        )

    def held(self) -> StandingHolds:
        """Return what must not be deleted now. Raises StoreError if that is not completely
        known.
        """
        known = self.known()
        if (sentence := known.sentence()) is not None:
            raise DataLoss(sentence)
        return StandingHolds(known.holds, self._clock.wall_ns())

    def _standing(self, hold_id: str, version: int) -> Hold:
        try:
            return self._record(hold_id, version)
        except DataLoss as error:
            older = self._older(hold_id)
            return older if older is not None else _unknown_range(hold_id, error)

    def _older(self, hold_id: str) -> Hold | None:
        """Return the newest readable version, as it was before a release."""
        found = self._records.newest_readable(holds_prefix(hold_id))
        if found is None:
            return None
        return found.record.model_copy(update={"released_by": "", "released_at": None})


def _unknown_range(hold_id: str, error: DataLoss) -> Hold:
    return Hold(
        id=hold_id, camera="", from_=0, to=0, reason=f"this hold's record cannot be read: {error}",
        placed_by="", placed_at=0,
    )  # fmt: skip


class FreshHeld(StandingHolds):
    """The held ranges for a long run: read again when they are a second old.

    Every call raises StoreError if they are not completely known.
    """

    def __init__(self, holds: Holds, clock: Clock) -> None:
        super().__init__((), clock.wall_ns())
        self._holds = holds
        self._clock = clock
        self._held = holds.held()
        self._read_s = clock.monotonic_s()

    def covers(self, camera_id: str, from_ns: int, to_ns: int) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s - self._read_s >= _FRESH_FOR_S:
            self._held, self._read_s = self._holds.held(), now_s
        return self._held.covers(camera_id, from_ns, to_ns)


class NodeHolds:
    """The holds for a node's full-disk rule: those of the store or, while it is unreachable, those
    of the file. It is thread-safe.

    A damaged record hides no other hold here: a full disk needs space, and the other ranges stay
    protected.
    """

    def __init__(self, holds: Holds, file: Path, clock: Clock) -> None:
        self._holds = holds
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._written: tuple[Hold, ...] | None = None

    def held(self) -> StandingHolds:
        """Return the held ranges. Raises StoreError if the store is unreachable and no holds were
        ever read on this node.
        """
        try:
            holds = self.refresh().holds
        except ObjectsUnavailable as error:
            holds = self._last_read(error)
        return StandingHolds(holds, self._clock.wall_ns())

    def refresh(self) -> KnownHolds:
        """Read the store's holds and write them to the file, with those whose records it lost.
        Raises ObjectsUnavailable.
        """
        known = self._holds.known()
        with self._lock:
            holds = self._with_lost(known.holds)
            if holds != self._written:
                self._write(holds)
        return replace(known, holds=holds)

    def _with_lost(self, stored: tuple[Hold, ...]) -> tuple[Hold, ...]:
        """Add the holds whose records are missing or damaged since they were read. No record is
        ever deleted, so a store without one has lost it.
        """
        known = last_read(self._file) if self._written is None else self._written
        ids = {hold.id for hold in stored}
        return (*stored, *(hold for hold in known if hold.id not in ids))

    def _last_read(self, error: ObjectsUnavailable) -> tuple[Hold, ...]:
        with self._lock:
            if self._written is not None:
                return self._written
            try:
                return _HOLDS.validate_json(self._file.read_bytes())
            except (FileNotFoundError, ValidationError):
                raise StoreError(
                    "the legal holds cannot be read, and never were on this node: {error}",
                    error=error,
                ) from error

    def _write(self, holds: tuple[Hold, ...]) -> None:
        unfinished = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        self._written = holds
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(_HOLDS.dump_json(holds, by_alias=True))
            unfinished.replace(self._file)
        except OSError as error:  # memory has them until the process ends
            _log.warning("the legal holds cannot be written on this node: %s", error)


def last_read(file: Path) -> tuple[Hold, ...]:
    """Return the holds that a node last read; none if it never read any."""
    try:
        return _HOLDS.validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return ()


class HoldFollower:
    """Reads the holds for a node at intervals, and raises the alarm about unreadable ones."""

    def __init__(self, holds: NodeHolds, say: Callable[[AlarmName, Message | None], None]) -> None:
        self._holds = holds
        self._say = say

    def run_once(self) -> None:
        """Read the holds once. An unreachable store changes neither the copy nor the alarm."""
        try:
            known = self._holds.refresh()
        except ObjectsUnavailable as error:
            _log.info("the legal holds stay as they were last read: %s", error)
            return
        self._say(AlarmName.HOLD_DAMAGED, known.sentence())
