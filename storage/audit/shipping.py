"""Copies the audit lines of a data folder to the object store, and deletes local files of which
all lines are there.

A line is copied at least once. The position up to which a file was copied is saved after its object
is stored, so a crash in between copies some lines twice, with the same ids. The processes of a data
folder may all ship; a lock lets one work at a time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from domain.clock import NS_PER_DAY, NS_PER_S, Clock, rfc3339
from domain.errors import NotFound, StoreError
from domain.metrics import AUDIT_BYTES_SHIPPED, AUDIT_SHIPPING_FAILURES
from domain.paths.object_keys import day_of, day_start_ns
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.audit.stored_lines import AuditWriter, StoredAudit
from storage.clients.append_only_file import locked
from storage.clients.s3 import ObjectStore
from storage.site.audit import FILE_MODE, AuditLog

LOOK_EVERY_S = 10.0
SHIP_EVERY_S = 30.0
"""A line is in the object store within a minute, with time for a slow upload."""
KEPT_LOCALLY_DAYS = 7
"""Shipped files stay on the disk for this long, unless the folder is half full."""
_PART_KEPT = 0.5
LATE_S = 900
"""An alarm is raised when lines have waited this long."""
_MARGIN_NS = 10 * NS_PER_S
"""A line gets its time before it is written, which may take this long."""
_READ_BYTES = 4_000_000
_HEAD_BYTES = 256
_DAY_FILE = re.compile(r"^\d{8}\.jsonl$")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_log = logging.getLogger(__name__)


class ShippedFile(StoredModel):
    """How much of a local file is in the object store; its first bytes identify the file."""

    size_bytes: int = 0
    head_bytes: int = 0
    head_sha256: str = ""


class ShippingState(StoredModel):
    """The shipping of a data folder: `shipping.json` in its audit folder."""

    writer: str
    complete_until: WallNs = 0
    files: dict[str, ShippedFile] = Field(default_factory=dict)
    schema_: int = schema_field()


class AuditShipper:
    """Ships the lines of one data folder. `node` makes the name of the writer readable."""

    def __init__(self, audit: AuditLog, objects: ObjectStore, node: str, clock: Clock) -> None:
        self._audit = audit
        self._stored = StoredAudit(objects)
        self._node = node
        self._clock = clock
        self._file = audit.folder / "shipping.json"
        self._created_ns = clock.wall_ns()

    def run(self, stop: threading.Event) -> None:
        """Ship every 30 s until `stop`; what fails is tried again."""
        while not self._clock.wait(stop, LOOK_EVERY_S):
            try:
                if self._is_due():
                    self.run_once()
            except (StoreError, NotFound, OSError) as error:
                AUDIT_SHIPPING_FAILURES.inc()
                _log.warning("audit lines wait on this machine for the object store: %s", error)

    def run_once(self) -> int:
        """Ship all lines; return their size in bytes, 0 while another process ships.

        Raises StoreError, NotFound without a bucket, or OSError, without losing anything.
        """
        self._audit.folder.mkdir(parents=True, exist_ok=True)
        with self._turn() as is_ours:
            return self._ship() if is_ours else 0

    def alarm(self) -> str | None:
        """Return what is wrong and what to do if lines have not been shipped for long."""
        state = self.state()
        since_ns = max(self._created_ns, state.complete_until if state else 0)
        if self._clock.wall_ns() - since_ns < LATE_S * NS_PER_S:
            return None
        return (
            f"audit lines since {rfc3339(since_ns)} exist only on this machine: check the object "
            "store, and the log for what refuses them"
        )

    def state(self) -> ShippingState | None:
        """Return what was shipped; None where nothing was yet."""
        try:
            return ShippingState.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            _log.error("%s cannot be read (%s); all lines are shipped again", self._file, error)
            return None

    def unshipped(self) -> Iterator[tuple[str, bytes]]:
        """Yield the lines that are not shipped, in parts, each with the name of its file."""
        state = self.state() or ShippingState(writer="")
        for path in self._files():
            with self._open(path) as file:
                offset = _shipped(file, state.files.get(path.name)).size_bytes
            while True:
                with self._open(path) as file:
                    data = _read(file, offset)
                if not data:
                    break
                yield path.name, data
                offset += len(data)

    def _is_due(self) -> bool:
        state = self.state()
        if state is None:
            return True
        since_ns = self._clock.wall_ns() - _MARGIN_NS - state.complete_until
        return not 0 <= since_ns < SHIP_EVERY_S * NS_PER_S

    def _ship(self) -> int:
        started_ns = self._clock.wall_ns()
        state = self.state() or ShippingState(
            writer=f"{self._node}-{secrets.token_hex(4)}", complete_until=0
        )
        size_bytes = 0
        for path in self._files():
            while True:
                with self._open(path) as file:
                    shipped = _shipped(file, state.files.get(path.name))
                    data = _read(file, shipped.size_bytes)
                    after = _advanced(file, shipped, len(data))
                if not data:
                    break
                for first_s, lines in _by_hour(data, path.stem):
                    self._stored.put(state.writer, first_s, lines)
                state = state.model_copy(update={"files": state.files | {path.name: after}})
                self._save(state)
                size_bytes += len(data)
                AUDIT_BYTES_SHIPPED.inc(len(data))
        state = self._without_old_files(state, started_ns)
        until_ns = started_ns - _MARGIN_NS
        self._stored.put_writer(
            AuditWriter(writer=state.writer, node=self._node, complete_until=until_ns)
        )
        self._save(state.model_copy(update={"complete_until": until_ns}))
        return size_bytes

    def _files(self) -> list[Path]:
        return sorted(path for path in self._audit.folder.glob("*.jsonl") if _is_day_file(path))

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Whether no other process ships now; none does until the end of the context."""
        path = self._audit.folder / "shipping.lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(file)

    @contextmanager
    def _open(self, path: Path) -> Iterator[int]:
        """Open a file of lines; no process writes to it in the meantime."""
        with locked(path, FILE_MODE) as file:
            yield file

    def _without_old_files(self, state: ShippingState, now_ns: int) -> ShippingState:
        """Delete shipped files that are old, or more if the folder is half full."""
        oldest_kept = day_of(now_ns - KEPT_LOCALLY_DAYS * NS_PER_DAY)
        files = self._files()
        used_bytes = sum(path.stat().st_size for path in files)
        for path in files:
            is_full = used_bytes > self._audit.limit_bytes * _PART_KEPT
            if path.stem >= oldest_kept and not is_full:
                continue
            with self._open(path) as file:
                size_bytes = os.fstat(file).st_size
                if _shipped(file, state.files.get(path.name)).size_bytes != size_bytes:
                    continue
                rest = {name: one for name, one in state.files.items() if name != path.name}
                state = state.model_copy(update={"files": rest})
                # A new file of this name is shipped from its start, also after a crash here.
                self._save(state)
                path.unlink()
            used_bytes -= size_bytes
        present = {path.name for path in self._files()}
        kept = {name: one for name, one in state.files.items() if name in present}
        return state.model_copy(update={"files": kept})

    def _save(self, state: ShippingState) -> None:
        unfinished = self._file.with_name(f".{self._file.name}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(state.model_dump_json(by_alias=True).encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._file)


def _is_day_file(path: Path) -> bool:
    return _DAY_FILE.match(path.name) is not None


def _shipped(file: int, known: ShippedFile | None) -> ShippedFile:
    """Return what of an open file is shipped: nothing if it is not the file that was known."""
    if known is None or os.fstat(file).st_size < known.size_bytes:
        return ShippedFile()
    head = hashlib.sha256(os.pread(file, known.head_bytes, 0)).hexdigest()
    return known if head == known.head_sha256 else ShippedFile()


def _read(file: int, offset: int) -> bytes:
    """Return what follows `offset`, up to the end of a line if it is too much for one part."""
    left_bytes = max(0, os.fstat(file).st_size - offset)
    data = os.pread(file, min(left_bytes, _READ_BYTES), offset)
    return data if len(data) == left_bytes else data[: data.rfind(b"\n") + 1] or data


def _advanced(file: int, shipped: ShippedFile, by_bytes: int) -> ShippedFile:
    size_bytes = shipped.size_bytes + by_bytes
    head = os.pread(file, min(size_bytes, _HEAD_BYTES), 0)
    return ShippedFile(
        size_bytes=size_bytes,
        head_bytes=len(head),
        head_sha256=hashlib.sha256(head).hexdigest(),
    )


def _by_hour(data: bytes, day: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of each hour, with the second of the first one. A line without a readable
    time belongs to the line before it, and the first to the day of its file.
    """
    hours: dict[int, tuple[int, list[bytes]]] = {}
    wall_s = day_start_ns(day) // NS_PER_S
    for line in data.split(b"\n"):
        if line:
            wall_s = _wall_s(line) or wall_s
            hours.setdefault(wall_s // 3600, (wall_s, []))[1].append(line)
    for first_s, lines in hours.values():
        yield first_s, b"\n".join(lines) + b"\n"


def _wall_s(line: bytes) -> int | None:
    try:
        at = json.loads(line)["at"]
    except (ValueError, KeyError, TypeError):
        return None
    match = _AT.match(at) if isinstance(at, str) else None
    if match is None:
        return None
    try:
        return int(datetime.fromisoformat(match[0]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
