"""The journal: lines of what became of events, in order, from which an index is rebuilt. Each
minute is a file here, and then an object.

journal/<yyyymmddhhmm>.jsonl has a line of JSON for each: {"op":"put",…}, {"op":"delete",…},
{"op":"correct",…}. Several processes append; a line is on disk when `append` returns. Readers skip
a line that a power cut left incomplete, and the next writer begins a new one.
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from domain.clock import NS_PER_S, Clock
from domain.errors import DataLoss, NotFound, ObjectsUnavailable, StoreError
from domain.events.event import Correction, Event, ObjectDigest
from domain.metrics import PUBLISH_RETRIES
from domain.paths.object_keys import JOURNAL_PREFIX, journal_object
from domain.stored_model import StoredModel, schema_field
from domain.ulid import is_event_id
from storage.clients.append_only_file import append_line, locked
from storage.clients.gzip_objects import unpacked
from storage.clients.s3 import ObjectStore

_log = logging.getLogger(__name__)
_MINUTE_S = 60
_MINUTE = re.compile(r"^\d{12}\.jsonl$")
LATE_S = 5
"""A minute is uploaded this long after its end, so that few writers are later. A later line is
merged into the object.
"""


class _Line(StoredModel):
    schema_: int = schema_field()


class JournalPut(_Line):
    """An event was published with these objects."""

    op: Literal["put"] = "put"
    event: Event
    objects: dict[str, ObjectDigest]


class JournalDelete(_Line):
    """An event and its objects were deleted."""

    op: Literal["delete"] = "delete"
    event_id: str
    camera: str


class JournalCorrect(_Line):
    """A person corrected the reading of an event."""

    op: Literal["correct"] = "correct"
    event_id: str
    camera: str
    correction: Correction


JournalLine = JournalPut | JournalDelete | JournalCorrect
_LINE: TypeAdapter[JournalLine] = TypeAdapter(Annotated[JournalLine, Field(discriminator="op")])


@dataclass(frozen=True, slots=True)
class JournalPart:
    """The lines of one minute, and how many could not be read."""

    name: str
    lines: tuple[JournalLine, ...]
    damaged_lines: int


class Journal:
    """The local files of one node. It is safe for threads and processes."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock

    def append(self, line: JournalLine) -> None:
        """Append a line, which is on disk when this returns. Raises StoreError."""
        moment = datetime.fromtimestamp(self._clock.wall_ns() // NS_PER_S, UTC)
        try:
            append_line(
                self.folder / f"{moment:%Y%m%d%H%M}.jsonl",
                line.model_dump_json(by_alias=True).encode(),
            )
        except OSError as error:
            raise StoreError("the journal cannot be written: {error}", error=error) from error

    def minutes(self) -> list[Path]:
        """Return the files that are not uploaded yet, oldest first."""
        return sorted(path for path in self.folder.glob("*.jsonl") if _MINUTE.match(path.name))

    def parts(self) -> Iterator[JournalPart]:
        """Yield the content of the files that are not uploaded yet, oldest first."""
        for path in self.minutes():
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # uploaded since it was listed
            except OSError as error:
                _log.error("%s cannot be read: %s", path, error)
                yield JournalPart(path.name, (), 1)
                continue
            yield _part(path.name, data)


class JournalUploader:
    """Moves finished minutes to the object store; each node has one."""

    def __init__(self, journal: Journal, objects: ObjectStore, node: str, clock: Clock) -> None:
        self._journal = journal
        self._objects = objects
        self._node = node
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Upload every 10 s until `stop`; an unreachable store is tried again."""
        while not self._clock.wait(stop, 10.0):
            try:
                self.run_once()
            except (StoreError, OSError) as error:
                PUBLISH_RETRIES.labels("journal").inc()
                _log.warning("the journal waits: %s", error)

    def run_once(self) -> int:
        """Upload every finished minute, verify it and delete it here; return their number.

        Raises StoreError, without losing anything. An unreachable store raises immediately; a
        damaged object, or a file that cannot be read, raises after all other minutes.
        """
        now_s = self._clock.wall_ns() // NS_PER_S
        over = [
            path
            for path in self._journal.minutes()
            if _minute_s(path) + _MINUTE_S + LATE_S <= now_s
        ]
        damaged: StoreError | None = None
        for path in over:
            try:
                self._upload(path)
            except DataLoss as error:
                damaged = error
            except OSError as error:
                damaged = StoreError("{path} cannot be read: {error}", path=path, error=error)
        if damaged is not None:
            raise damaged
        return len(over)

    def _upload(self, path: Path) -> None:
        key = journal_object(self._node, _minute_s(path))
        with locked(path) as file:  # no writer adds to it: the verified content is deleted
            data = os.pread(file, os.fstat(file).st_size, 0)
            there = self._there(key)
            if data and data not in unpacked(there, key):
                # A gzip file may have several members: late lines are added to those that are
                # there.
                packed = there + gzip.compress(data, mtime=0)
                self._objects.put(key, packed, "application/gzip")
                if self._objects.get(key) != packed:
                    raise ObjectsUnavailable(
                        "the object store did not keep {key} as it was given", key=key
                    )
            path.unlink()

    def _there(self, key: str) -> bytes:
        try:
            return self._objects.get(key)
        except NotFound:
            return b""


def stored_keys(objects: ObjectStore) -> list[str]:
    """Return the keys of all journal objects, by node and then by minute."""
    return [found.key for found in objects.list(JOURNAL_PREFIX) if found.key.endswith(".jsonl.gz")]


def stored_part(objects: ObjectStore, key: str) -> JournalPart:
    """Return the content of one journal object. Raises DataLoss if it is no journal."""
    return _part(key, unpacked(objects.get(key), key))


def event_of(line: JournalLine) -> str:
    """Return the id of the event of a line."""
    return line.event.id if isinstance(line, JournalPut) else line.event_id


def deleted(parts: Iterable[JournalPart]) -> set[str]:
    """Return the events that journals report as deleted. An id is never reused, so that no later
    line restores one.
    """
    return {
        line.event_id for part in parts for line in part.lines if isinstance(line, JournalDelete)
    }


def corrections(parts: Iterable[JournalPart]) -> dict[str, Correction]:
    """Return the valid correction of each event that journals report as corrected."""
    found: dict[str, Correction] = {}
    lines = (line for part in parts for line in part.lines if isinstance(line, JournalCorrect))
    for line in sorted(lines, key=lambda line: line.correction.version):
        found[line.event_id] = line.correction
    return found


def covered(parts: Iterable[JournalPart]) -> dict[str, int]:
    """Return for each published event of the journals its end (UTC ns) in the latest of its
    lines.
    """
    read = list(parts)
    ended: dict[str, int] = {}
    for part in read:
        for line in part.lines:
            if isinstance(line, JournalPut):
                ended[line.event.id] = max(line.event.ended_at, ended.get(line.event.id, 0))
    gone = deleted(read)
    return {event_id: ended_at for event_id, ended_at in ended.items() if event_id not in gone}


def _part(name: str, data: bytes) -> JournalPart:
    lines: list[JournalLine] = []
    damaged = 0
    for text in data.split(b"\n"):
        if not text.strip():
            continue
        try:
            line = _LINE.validate_json(text)
        except ValidationError:
            damaged += 1
            continue
        if is_event_id(event_of(line)):
            lines.append(line)
        else:
            damaged += 1
    return JournalPart(name, tuple(lines), damaged)


def _minute_s(path: Path) -> int:
    return int(datetime.strptime(path.stem, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp())
