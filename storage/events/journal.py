"""The journal: what became of events, in order, from which an index is rebuilt. A file a minute
here, then an object a minute.

journal/<yyyymmddhhmm>.jsonl, a line of JSON each: {"op":"put",…}, {"op":"delete",…},
{"op":"correct",…}. Several processes append; a line is on disk when `append` returns. A line that a
dying machine tore is skipped by readers, and the next writer begins a new one.
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import threading
import zlib
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
from storage.clients.append_only_file import append_line, locked
from storage.clients.s3 import ObjectStore

_log = logging.getLogger(__name__)
_MINUTE_S = 60
_MINUTE = re.compile(r"^\d{12}\.jsonl$")
LATE_S = 5
"""A minute is uploaded this long after its end, so that a slow writer seldom adds to it; one
that does is merged.
"""


class _Line(StoredModel):
    schema_: int = schema_field()


class JournalPut(_Line):
    """An event was kept, with these objects."""

    op: Literal["put"] = "put"
    event: Event
    objects: dict[str, ObjectDigest]


class JournalDelete(_Line):
    """An event and its objects were deleted."""

    op: Literal["delete"] = "delete"
    event_id: str
    camera: str


class JournalCorrect(_Line):
    """A person corrected what was read of an event."""

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
    """The local files of one node. Safe for threads and processes."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock

    def append(self, line: JournalLine) -> None:
        """Add a line; on disk when this returns. Raises StoreError."""
        moment = datetime.fromtimestamp(self._clock.wall_ns() // NS_PER_S, UTC)
        try:
            append_line(
                self.folder / f"{moment:%Y%m%d%H%M}.jsonl",
                line.model_dump_json(by_alias=True).encode(),
            )
        except OSError as error:
            raise StoreError(f"the journal cannot be written: {error}") from error

    def minutes(self) -> list[Path]:
        """The files not yet uploaded, oldest first."""
        return sorted(path for path in self.folder.glob("*.jsonl") if _MINUTE.match(path.name))

    def parts(self) -> Iterator[JournalPart]:
        """What the files not yet uploaded hold, oldest first."""
        for path in self.minutes():
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # uploaded since it was listed
            yield _part(path.name, data)


class JournalUploader:
    """Moves the minutes that are over to the object store; one for each node."""

    def __init__(self, journal: Journal, objects: ObjectStore, node: str, clock: Clock) -> None:
        self._journal = journal
        self._objects = objects
        self._node = node
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Upload until `stop`, every 10 s; a store that is away is asked again."""
        while not self._clock.wait(stop, 10.0):
            try:
                self.run_once()
            except (StoreError, OSError) as error:
                PUBLISH_RETRIES.labels("journal").inc()
                _log.warning("the journal waits: %s", error)

    def run_once(self) -> int:
        """Upload every minute that is over, verify it, delete it here; how many.

        Raises StoreError, and has lost nothing then: at once where the store is away, at the end
        where it holds a damaged minute.
        """
        now_s = self._clock.wall_ns() // NS_PER_S
        over = [
            path
            for path in self._journal.minutes()
            if _minute_s(path) + _MINUTE_S + LATE_S <= now_s
        ]
        damaged: DataLoss | None = None
        for path in over:
            try:
                self._upload(path)
            except DataLoss as error:
                damaged = error
        if damaged is not None:
            raise damaged
        return len(over)

    def _upload(self, path: Path) -> None:
        key = journal_object(self._node, _minute_s(path))
        with locked(path) as file:  # nobody can add to it, and what is verified is what is deleted
            data = os.pread(file, os.fstat(file).st_size, 0)
            there = self._there(key)
            if data and data not in _unpacked(key, there):
                # A gzip file may have several members: what a late writer left is added to what is
                # there.
                packed = there + gzip.compress(data, mtime=0)
                self._objects.put(key, packed, "application/gzip")
                if self._objects.get(key) != packed:
                    raise ObjectsUnavailable(f"the object store did not keep {key} as it was given")
            path.unlink()

    def _there(self, key: str) -> bytes:
        try:
            return self._objects.get(key)
        except NotFound:
            return b""


def stored_keys(objects: ObjectStore) -> list[str]:
    """The keys of all journal objects: by node, then by minute."""
    return [found.key for found in objects.list(JOURNAL_PREFIX) if found.key.endswith(".jsonl.gz")]


def stored_part(objects: ObjectStore, key: str) -> JournalPart:
    """What one journal object holds. Raises DataLoss where it is no journal."""
    return _part(key, _unpacked(key, objects.get(key)))


def deleted(parts: Iterable[JournalPart]) -> set[str]:
    """The events that journals say are deleted. An id is never used again, so that no later
    line brings one back.
    """
    return {
        line.event_id for part in parts for line in part.lines if isinstance(line, JournalDelete)
    }


def corrections(parts: Iterable[JournalPart]) -> dict[str, Correction]:
    """For each event that journals say was corrected, the correction that stands."""
    found: dict[str, Correction] = {}
    lines = (line for part in parts for line in part.lines if isinstance(line, JournalCorrect))
    for line in sorted(lines, key=lambda line: line.correction.version):
        found[line.event_id] = line.correction
    return found


def covered(parts: Iterable[JournalPart]) -> dict[str, int]:
    """For each event that journals say is kept, when it ended (UTC ns) by the latest of its
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
            lines.append(_LINE.validate_json(text))
        except ValidationError:
            damaged += 1
    return JournalPart(name, tuple(lines), damaged)


def _unpacked(key: str, packed: bytes) -> bytes:
    try:
        return gzip.decompress(packed) if packed else b""
    except (OSError, EOFError, zlib.error) as error:
        raise DataLoss(f"{key} cannot be unpacked: {error}") from error


def _minute_s(path: Path) -> int:
    return int(datetime.strptime(path.stem, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp())
