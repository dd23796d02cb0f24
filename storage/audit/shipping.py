"""Copies the audit lines of a data folder to the object store, and deletes local files of which
all lines are there.

A line is copied at least once. The position up to which a file was copied is saved after its object
is stored, so a crash in between copies some lines twice, with the same ids. The processes of a data
folder may all ship; a lock lets one work at a time.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from domain.clock import NS_PER_DAY, NS_PER_S, Clock, moment
from domain.errors import NotFound, StoreError
from domain.messages.message import Message
from domain.metrics import AUDIT_BYTES_SHIPPED, AUDIT_SHIPPING_FAILURES
from domain.paths.object_keys import day_of, day_start_ns
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.audit.file_positions import (
    FilePosition,
    advanced,
    day_files,
    exclusive_turn,
    open_file,
    read_part,
    read_state,
    verified_position,
    write_state,
)
from storage.audit.stored_lines import AuditWriter, StoredAudit
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditLog

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
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_log = logging.getLogger(__name__)


class ShippingState(StoredModel):
    """The shipping of a data folder: `shipping.json` in its audit folder."""

    writer: str
    complete_until: WallNs = 0
    files: dict[str, FilePosition] = Field(default_factory=dict)
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
        with exclusive_turn(self._audit.folder / "shipping.lock") as is_ours:
            return self._ship() if is_ours else 0

    def alarm(self) -> Message | None:
        """Return what is wrong and what to do if lines have not been shipped for long."""
        state = self.state()
        since_ns = max(self._created_ns, state.complete_until if state else 0)
        if self._clock.wall_ns() - since_ns < LATE_S * NS_PER_S:
            return None
        return Message(
            "audit lines since {since} exist only on this machine: check the object store, and the "
            "log for what refuses them",
            since=moment(since_ns),
        )

    def state(self) -> ShippingState | None:
        """Return what was shipped; None where nothing was yet."""
        return read_state(ShippingState, self._file)

    def unshipped(self) -> Iterator[tuple[str, bytes]]:
        """Yield the lines that are not shipped, in parts, each with the name of its file."""
        state = self.state() or ShippingState(writer="")
        for path in self._files():
            with open_file(path) as file:
                offset = verified_position(file, state.files.get(path.name)).size_bytes
            while True:
                with open_file(path) as file:
                    data = read_part(file, offset)
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
                with open_file(path) as file:
                    shipped = verified_position(file, state.files.get(path.name))
                    data = read_part(file, shipped.size_bytes)
                    after = advanced(file, shipped, len(data))
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
        return day_files(self._audit.folder)

    def _save(self, state: ShippingState) -> None:
        write_state(self._file, state)

    def _without_old_files(self, state: ShippingState, now_ns: int) -> ShippingState:
        """Delete shipped files that are old, or more if the folder is half full."""
        oldest_kept = day_of(now_ns - KEPT_LOCALLY_DAYS * NS_PER_DAY)
        files = self._files()
        used_bytes = sum(path.stat().st_size for path in files)
        for path in files:
            is_full = used_bytes > self._audit.limit_bytes * _PART_KEPT
            if path.stem >= oldest_kept and not is_full:
                continue
            with open_file(path) as file:
                size_bytes = os.fstat(file).st_size
                if verified_position(file, state.files.get(path.name)).size_bytes != size_bytes:
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
