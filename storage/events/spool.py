"""The spool: events that are acknowledged on this node's disk and not yet published. No other part
of the system knows of an event before.

spool/<camera>/<event id>.<ended ms>/{event.json,snapshot.jpg,crop.jpg} is an entry: one state of
one passing. spool/<camera>/<event id>.<written ns>.draft/ is a passing still in view.
spool/.damaged/ has entries that could not be read.

A folder appears and disappears by one rename, so that it is complete or absent whenever a process
dies. A passing that continued is a new entry, and the older one is removed afterwards. One process
writes and removes the entries of a camera; any process may read its pictures.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.errors import DataLoss, StoreError
from domain.events.event import Event, Passing
from domain.log import FloodGate
from domain.metrics import CROSSINGS, EVENTS, SPOOL_ENTRIES_DAMAGED
from domain.paths.data_layout import Layout
from domain.paths.object_keys import CROP, SIDECAR, SNAPSHOT
from domain.ulid import is_event_id, wall_ms_of

_log = logging.getLogger(__name__)
_NAME = re.compile(r"^(?P<id>[0-9A-Z]{26})\.(?P<version>\d+)(?P<draft>\.draft)?$")
_UNFINISHED = re.compile(r"^\.(?:new|gone)\.(?P<pid>\d+)\.")
_DAMAGED = ".damaged"
_LACKS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""The errors of a process without descriptors or memory; they do not concern the entry."""


@dataclass(frozen=True, slots=True, order=True)
class SpoolEntry:
    """One folder of the spool. Its version is the end of the passing in ms; that of a draft is the
    time at which it was written.
    """

    event_id: str
    version: int
    camera_id: str
    path: Path

    @property
    def started_ns(self) -> int:
        return wall_ms_of(self.event_id) * NS_PER_MS

    @property
    def ended_ns(self) -> int:
        return self.version * NS_PER_MS


class Spool:
    """The spool of a node. It is thread-safe.

    It raises StoreError if the disk refuses; then nothing was acknowledged.
    """

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._clock = clock
        self._error = FloodGate(_log.error, clock, every_s=60.0)

    def put(self, passing: Passing) -> None:
        """Acknowledge a finished passing, or one that continued after it was acknowledged; it is on
        disk when this returns.

        It replaces its draft. A state that is not newer than the stored one changes nothing.
        """
        event = passing.event
        entry = self._entry(event.camera, event.id, event.ended_at // NS_PER_MS)
        with _mapped():
            there = self._versions(event.camera, event.id)
            if not any(other.version >= entry.version for other in there):
                self._write(passing, entry.path, durable=True)
                self._take_away(there)
                if not there:
                    _count(event)
            self._take_away(self._drafts_of(event.camera, event.id))

    def put_draft(self, passing: Passing) -> None:
        """Write the current state of a passing still in view, in place of its last draft. It
        survives its process, but not a power cut.
        """
        event = passing.event
        older = self._drafts_of(event.camera, event.id)
        written_ns = max([self._clock.wall_ns(), *(draft.version + 1 for draft in older)])
        with _mapped():
            self._write(
                passing,
                self._layout.spool_of(event.camera) / f"{event.id}.{written_ns}.draft",
                durable=False,
            )
            self._take_away(older)

    def drop_draft(self, event_id: str) -> None:
        """Delete the draft of a passing that was discarded."""
        for folder in _folders(self._layout.spool):
            self._take_away(self._drafts_of(folder.name, event_id))

    def drafts(self, camera_id: str) -> list[Passing]:
        """Return the passings that were in view when the last process of this camera died, by
        start.
        """
        newest = {draft.event_id: draft for draft in sorted(self._entries(camera_id, drafts=True))}
        passings = [self._read_or_set_aside(draft) for draft in newest.values()]
        return [passing for passing in passings if passing is not None]

    def pending(self, camera_ids: Iterable[str]) -> list[SpoolEntry]:
        """Return the newest entry of each event of these cameras, by id."""
        have = set(self.cameras())  # cameras that are only recorded have no folder
        found = (
            entry
            for camera_id in camera_ids
            if camera_id in have
            for entry in self._entries(camera_id, drafts=False)
        )
        return sorted({entry.event_id: entry for entry in sorted(found)}.values())

    def count(self) -> int:
        """Return the number of entries that are not published, without reading them."""
        return sum(
            match is not None and match["draft"] is None
            for camera_id in self.cameras()
            for folder in _folders(self._layout.spool / camera_id)
            for match in [_NAME.match(folder.name)]
        )

    def cameras(self) -> list[str]:
        """Return the cameras that have, or had, an entry in the spool."""
        return sorted(
            folder.name
            for folder in _folders(self._layout.spool)
            if not folder.name.startswith(".")
        )

    def event(self, entry: SpoolEntry) -> Event | None:
        """Return the event of an entry. Returns None if the entry was removed, or was damaged and
        is now set aside.
        """
        try:
            return _read_event(entry)
        except FileNotFoundError:
            if entry.path.exists():
                self._set_aside(entry, "it has no event.json")
        except DataLoss as error:
            self._set_aside(entry, str(error))
        except OSError as error:
            self._set_aside_if_damaged(entry, error)
        return None

    def passing(self, entry: SpoolEntry) -> Passing | None:
        """Return an entry with its pictures. Returns None if it was removed, or was damaged and is
        now set aside.
        """
        return self._read_or_set_aside(entry)

    def picture(self, event_id: str, camera_id: str, name: str) -> bytes | None:
        """Return `snapshot.jpg` or `crop.jpg` of an event in the spool, or None."""
        if name not in (SNAPSHOT, CROP) or not is_event_id(event_id) or "/" in camera_id:
            return None
        for entry in reversed(self._versions(camera_id, event_id)):
            with suppress(FileNotFoundError):
                return (entry.path / name).read_bytes()
        return None

    def clip_ranges(self, before_s: float, after_s: float) -> list[tuple[str, int, int]]:
        """Return camera, start and end (UTC ns) of the recordings from which clips are still to be
        cut.
        """
        before_ns, after_ns = round(before_s * NS_PER_S), round(after_s * NS_PER_S)
        entries = self.pending(self.cameras())
        return [
            (entry.camera_id, entry.started_ns - before_ns, entry.ended_ns + after_ns)
            for entry in entries
        ]

    def remove(self, entry: SpoolEntry) -> None:
        """Remove a published entry. A newer entry of the same event stays."""
        self._take_away([entry])

    def sweep(self, camera_ids: Iterable[str]) -> None:
        """Delete the incomplete folders of writers that died. A folder that cannot be read is
        logged.
        """
        for camera_id in camera_ids:
            try:
                self._sweep(camera_id)
            except OSError as error:
                _log.error("%s: its spool cannot be read; examine the disk: %s", camera_id, error)

    def _sweep(self, camera_id: str) -> None:
        for folder in _folders(self._layout.spool_of(camera_id)):
            unfinished = _UNFINISHED.match(folder.name)
            if unfinished and int(unfinished["pid"]) != os.getpid():
                shutil.rmtree(folder, ignore_errors=True)

    def damaged(self) -> list[Path]:
        """Return the entries that were set aside for a person to examine."""
        return sorted(_folders(self._layout.spool / _DAMAGED))

    def _entry(self, camera_id: str, event_id: str, version: int) -> SpoolEntry:
        return SpoolEntry(
            event_id, version, camera_id, self._layout.spool_of(camera_id) / f"{event_id}.{version}"
        )

    def _entries(self, camera_id: str, drafts: bool) -> list[SpoolEntry]:
        named = (
            (folder, _NAME.match(folder.name))
            for folder in _folders(self._layout.spool_of(camera_id))
        )
        return [
            SpoolEntry(name["id"], int(name["version"]), camera_id, folder)
            for folder, name in named
            if name is not None and bool(name["draft"]) == drafts
        ]

    def _versions(self, camera_id: str, event_id: str) -> list[SpoolEntry]:
        return sorted(
            entry for entry in self._entries(camera_id, drafts=False) if entry.event_id == event_id
        )

    def _drafts_of(self, camera_id: str, event_id: str) -> list[SpoolEntry]:
        return sorted(
            entry for entry in self._entries(camera_id, drafts=True) if entry.event_id == event_id
        )

    def _write(self, passing: Passing, folder: Path, durable: bool) -> None:
        _make_folder(folder.parent)
        unfinished = folder.with_name(f".new.{os.getpid()}.{folder.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir()
            for name, data in _files(passing):
                _write_file(unfinished / name, data, durable)
            if durable:
                _fsync_folder(unfinished)
            unfinished.rename(folder)
        except OSError:
            # A full disk would fill with the parts of what it refused.
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        if durable:
            _fsync_folder(folder.parent)

    def _take_away(self, entries: Iterable[SpoolEntry]) -> None:
        # It is renamed first, because a partly deleted folder looks like a damaged entry.
        for entry in entries:
            gone = entry.path.with_name(f".gone.{os.getpid()}.{entry.path.name}")
            with suppress(FileNotFoundError):
                entry.path.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)

    def _read_or_set_aside(self, entry: SpoolEntry) -> Passing | None:
        event = self.event(entry)
        if event is None:
            return None
        try:
            return Passing(
                event, (entry.path / SNAPSHOT).read_bytes(), (entry.path / CROP).read_bytes()
            )
        except FileNotFoundError:
            if entry.path.exists():
                self._set_aside(entry, "a picture is missing")
        except OSError as error:
            self._set_aside_if_damaged(entry, error)
        return None

    def _set_aside_if_damaged(self, entry: SpoolEntry, error: OSError) -> None:
        """Set an entry aside that the disk cannot read. Raises StoreError if the process lacks
        descriptors or memory, because the entry is then whole.
        """
        if error.errno in _LACKS:
            raise StoreError("the spool cannot be read: {error}", error=error) from error
        self._set_aside(entry, str(error))

    def _set_aside(self, entry: SpoolEntry, why: str) -> None:
        """Move a damaged entry out of the way. A disk that refuses that leaves it in its place."""
        aside = (
            self._layout.spool
            / _DAMAGED
            / f"{entry.camera_id}.{entry.path.name}.{self._clock.wall_ns()}"
        )
        try:
            _make_folder(aside.parent)
            entry.path.rename(aside)
        except OSError as error:
            reason = f"{why}; it cannot be set aside: {error}"
            self._error(str(entry.path), f"the spool entry {entry.path} cannot be read: {reason}")
            return
        SPOOL_ENTRIES_DAMAGED.labels(entry.camera_id).inc()
        _log.error(
            "the spool entry %s cannot be read and is set aside as %s: %s", entry.path, aside, why
        )


def _read_event(entry: SpoolEntry) -> Event:
    try:
        event = Event.model_validate_json((entry.path / SIDECAR).read_bytes())
    except ValidationError as error:
        raise DataLoss(
            "its event.json is no event: {error} faults", error=error.error_count()
        ) from error
    if not is_event_id(event.id):
        raise DataLoss("it holds an event whose id is none, or whose start is too late")
    if event.id != entry.event_id or event.camera != entry.camera_id:
        raise DataLoss(
            "it holds event {event} of camera {camera}", event=event.id, camera=event.camera
        )
    return event


def _files(passing: Passing) -> Iterator[tuple[str, bytes]]:
    yield SNAPSHOT, passing.snapshot_jpeg
    yield CROP, passing.crop_jpeg
    yield SIDECAR, passing.event.to_json().encode()


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(
            folder
        ) as entries:  # scandir tells folders from files without another system call
            return [folder / entry.name for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fsync_folder(folder.parent)


def _write_file(path: Path, data: bytes, durable: bool) -> None:
    with path.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError("the spool cannot be written: {error}", error=error) from error


def _count(event: Event) -> None:
    EVENTS.labels(event.camera, event.kind).inc()
    for line in event.crossed:
        CROSSINGS.labels(event.camera, abs(line), "right" if line > 0 else "left").inc()
