"""The audit log: who read or changed what, and why. Each day (UTC) is an append-only file with
lines of JSON.

The line of a read is on disk before the answer, and that of a change before it takes effect. The
size of the folder is limited, and lines that are not yet in the object store are never deleted, so
a full folder refuses reads and changes. `storage/audit/shipping.py` copies the lines to the object
store and deletes the copied files.
"""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from domain.clock import NS_PER_S, Clock
from domain.errors import AuditFull, AuditUnavailable
from domain.messages.message import Message
from domain.people import Right, Role
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.append_only_file import AppendOnlyFile

BYTES_PER_GB = 1_000_000_000
LIMIT_GB = 5.0
ALARM_PART = 0.8
FILE_MODE = 0o600
_COUNT_EVERY_S = 10.0
LIST_SEPARATOR = ", "
"""Separates the ids in a term that names several things, such as `cameras`."""


_KNOWN_FIRST = Field(union_mode="left_to_right")
"""A word that this version does not know is read as a string: a newer version wrote the line."""


class Phase(StrEnum):
    """What a line records."""

    ACCESS = "access"  # a read, or its refusal
    INTENT = "intent"  # a change that is about to be made, or an export about to be sent
    OUTCOME = "outcome"  # its result; a change refused before its intent has only this line
    VIEWED = "viewed"  # the end of a viewing, or what it has shown so far
    REFUSED = "refused"  # requests of one address without a valid token


class AuditEntry(StoredModel):
    """One line. `terms` are the request's: plate, camera, event, from, to."""

    person: str = Field(
        description="empty if the person is unknown; `local:<user>` for a command on the machine"
    )
    role: Annotated[Role | str, _KNOWN_FIRST] | None
    address: str
    route: str
    right: Annotated[Right | str, _KNOWN_FIRST] | None
    terms: dict[str, str] = Field(default_factory=dict)
    reason: str = ""
    case: str = ""
    status: int | None = Field(
        description="HTTP status of the answer; of a command, its exit code; null in an intent"
    )
    phase: Annotated[Phase | str, _KNOWN_FIRST] = Phase.ACCESS
    results: int | None = Field(None, description="number of items in the answer")
    request: str = Field(
        "", description="the same in an intent and its outcome, and in the process's log"
    )


class AuditLine(AuditEntry):
    """An entry as it is stored. Readers keep fields that they do not know. The names `previous` and
    `signature` are reserved for a chain of lines.
    """

    id: str = Field("", description="unique; a line that is stored twice has the same")
    at: WallNs
    schema_: int = schema_field()


class AuditLog:
    """The log of a data folder. It is safe for threads and processes; entries of several threads
    share one sync of the disk.
    """

    def __init__(self, folder: Path, clock: Clock, limit_gb: float = LIMIT_GB) -> None:
        self.folder = folder
        self.limit_bytes = round(limit_gb * BYTES_PER_GB)
        self._lines = AppendOnlyFile(mode=FILE_MODE)
        self._clock = clock
        self._lock = threading.Lock()
        self._used_bytes = 0
        self._counted_s = float("-inf")

    def append(self, entry: AuditEntry, most_part: float = 1.0) -> None:
        """Write an entry and wait until it is on disk.

        Raises AuditUnavailable if it cannot be written, and AuditFull if it would fill more than
        `most_part` of the limit. The recorded action must then not happen.
        """
        now_ns = self._clock.wall_ns()
        stored = AuditLine(id=secrets.token_hex(8), at=now_ns, **entry.__dict__)
        line = stored.model_dump_json(by_alias=True).encode()
        day = datetime.fromtimestamp(now_ns // NS_PER_S, UTC)
        try:
            self._take(len(line) + 1, most_part)
            self._lines.append(self.folder / f"{day:%Y%m%d}.jsonl", line)
        except OSError as error:
            raise AuditUnavailable(
                "the audit log cannot be written: {reason}", reason=error.strerror or error
            ) from error

    def used_part(self) -> float:
        """Return the used share of the limit; 1 is all. What other processes wrote is counted every
        10 s.
        """
        with self._lock:
            self._count()
            return self._used_bytes / self.limit_bytes

    def alarm(self) -> Message | None:
        """Return what is wrong and what to do if the folder is nearly full."""
        try:
            part = self.used_part()
        except OSError as error:
            return Message(
                "the audit log cannot be read, so every look and change may be refused: {reason}",
                reason=error.strerror or error,
            )
        if part < ALARM_PART:
            return None
        return Message(
            "the audit log takes {percent}% of SIGHTLINE_AUDIT_LIMIT_GB; at 100% every look and "
            "change is refused: copy its oldest days elsewhere and delete them here, or raise the "
            "limit",
            percent=round(part * 100),
        )

    def _take(self, size_bytes: int, most_part: float) -> None:
        with self._lock:
            self._count()
            if self._used_bytes + size_bytes > self.limit_bytes * most_part:
                raise AuditFull(
                    "the audit log has reached {used_part} of its limit "
                    "(SIGHTLINE_AUDIT_LIMIT_GB), and no look or change goes "
                    "unrecorded; an administrator must restore the object "
                    "store, to which the log is copied, or raise the limit",
                    used_part=f"{most_part:.0%}",
                )
            self._used_bytes += size_bytes

    def _count(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._counted_s >= _COUNT_EVERY_S:
            self._counted_s = now_s
            self._used_bytes = (
                sum(_size(file) for file in self.folder.iterdir()) if self.folder.is_dir() else 0
            )


def _size(file: Path) -> int:
    """Return the size of a file, 0 if it was moved away."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
