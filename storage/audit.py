"""The audit log: who looked at what, and why. Lines of JSON, a file a day (UTC), only ever appended to.

A line is on disk before the look that it tells of is answered.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from domain.clock import NS_PER_S, Clock, rfc3339
from domain.errors import StoreError
from domain.people import Right, Role
from storage.append import Appending


class AuditEntry(BaseModel):
    """One look, or one that was refused. `terms` says what was asked for: plate, camera, event, from, to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: str = Field(description="empty where nobody was recognised")
    role: Role | None
    address: str
    route: str
    right: Right | None
    terms: dict[str, str] = Field(default_factory=dict)
    reason: str = ""
    case: str = ""
    status: int = Field(description="HTTP status of the answer")


class _Line(AuditEntry):
    at: str
    schema_: int = Field(default=1, alias="schema")


class AuditLog:
    """Safe for threads and processes; entries of several threads share a wait for the disk."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._lines = Appending(mode=0o600)
        self._clock = clock

    def append(self, entry: AuditEntry) -> None:
        """Write an entry and wait until it is on disk. Raises StoreError: then the look must not be answered."""
        now_ns = self._clock.wall_ns()
        line = _Line(at=rfc3339(now_ns), **entry.__dict__).model_dump_json(by_alias=True)
        day = datetime.fromtimestamp(now_ns // NS_PER_S, UTC)
        try:
            self._lines.append(self._folder / f"{day:%Y%m%d}.jsonl", line.encode())
        except OSError as error:
            raise StoreError(f"the audit log cannot be written: {error}") from error
