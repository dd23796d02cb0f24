"""Legal holds: versioned records in the object store, and on each node a copy of the last ones read, for when the store is away."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from domain.clock import Clock
from domain.errors import BadInput, DataLoss, NotFound, StoreError
from domain.holds import Held, Hold
from domain.keys import HOLDS_PREFIX, hold_object
from storage.s3 import ObjectStore

_log = logging.getLogger(__name__)
_HOLDS = TypeAdapter(tuple[Hold, ...])


class Holds:
    """Thread-safe. Raises ObjectsUnavailable where the store is away."""

    def __init__(self, objects: ObjectStore, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Hold] = {}
        """By key; a version never changes, so that each is read once."""

    def place(self, hold: Hold) -> None:
        """Keep a new hold: it stands, for every node that reads holds from now on, when this returns."""
        if hold.from_ >= hold.to:
            raise BadInput("a hold's `from` must lie before its `to`")
        self._objects.put(hold_object(hold.id, 1), _json(hold), "application/json")

    def release(self, hold_id: str, person: str) -> Hold:
        """End a hold; the record says by whom and when. Released again, it stays as it is. Raises NotFound."""
        versions = self._versions().get(hold_id)
        if versions is None:
            raise NotFound(f"there is no hold {hold_id!r}; GET /v1/holds lists all")
        hold = self._read(max(versions))
        if hold.released_at is not None:
            return hold
        released = hold.model_copy(update={"released_by": person, "released_at": self._clock.wall_ns()})
        self._objects.put(hold_object(hold_id, int(Path(max(versions)).stem) + 1), _json(released), "application/json")
        return released

    def all(self) -> tuple[Hold, ...]:
        """Every hold there ever was, the newest first. Raises DataLoss where one cannot be read: what it holds is not known."""
        holds = [self._read(max(keys)) for keys in self._versions().values()]
        return tuple(sorted(holds, key=lambda hold: hold.placed_at, reverse=True))

    def held(self) -> Held:
        """What may not be deleted now. Raises StoreError where that is not known: then nothing may be."""
        return Held(self.all(), self._clock.wall_ns())

    def _versions(self) -> dict[str, list[str]]:
        """The keys of each hold's versions."""
        found: dict[str, list[str]] = {}
        for one in self._objects.list(HOLDS_PREFIX):
            found.setdefault(one.key.removeprefix(HOLDS_PREFIX).partition("/")[0], []).append(one.key)
        return found

    def _read(self, key: str) -> Hold:
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        try:
            hold = Hold.model_validate_json(self._objects.get(key))
        except ValidationError as error:
            raise DataLoss(f"{key} is no hold, so what may be deleted is not known: {error.error_count()} faults") from error
        with self._lock:
            self._known[key] = hold
        return hold


class NodeHolds:
    """The holds as a node knows them: the store's; while that is away, the last that were read, from a file."""

    def __init__(self, holds: Holds, file: Path, clock: Clock) -> None:
        self._holds = holds
        self._file = file
        self._clock = clock
        self._written: tuple[Hold, ...] | None = None

    def held(self) -> Held:
        """Raises StoreError where the store is away and none were ever read here: then not even a full disk deletes anything."""
        try:
            holds = self._with_lost(self._holds.all())
        except StoreError as error:
            return Held(self._last_read(error), self._clock.wall_ns())
        if holds != self._written:
            self._write(holds)
        return Held(holds, self._clock.wall_ns())

    def _with_lost(self, stored: tuple[Hold, ...]) -> tuple[Hold, ...]:
        """With the holds whose records are gone. No record is ever deleted, so a store without one has lost it."""
        known = last_read(self._file) if self._written is None else self._written
        ids = {hold.id for hold in stored}
        return (*stored, *(hold for hold in known if hold.id not in ids))

    def _last_read(self, error: StoreError) -> tuple[Hold, ...]:
        if self._written is not None:
            return self._written
        try:
            return _HOLDS.validate_json(self._file.read_bytes())
        except (FileNotFoundError, ValidationError):
            raise StoreError(f"the legal holds cannot be read, and never were on this node: {error}") from error

    def _write(self, holds: tuple[Hold, ...]) -> None:
        unfinished = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        self._written = holds
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(_HOLDS.dump_json(holds, by_alias=True))
            unfinished.replace(self._file)
        except OSError as error:  # memory has them until the process ends
            _log.warning("the legal holds cannot be written down on this node: %s", error)


def _json(hold: Hold) -> bytes:
    return hold.model_dump_json(by_alias=True).encode()


def last_read(file: Path) -> tuple[Hold, ...]:
    """The holds that a node last knew; none where it never read any."""
    try:
        return _HOLDS.validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return ()
