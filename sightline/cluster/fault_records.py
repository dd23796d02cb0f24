"""The faults of a refused registry, on the disk of a machine for its API processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from domain.errors import Fault
from domain.messages.message import Message
from domain.stored_model import StoredModel
from sightline.processes.private_files import write_atomically


class FaultRecord(StoredModel):
    """One fault. A record of an older version has the texts alone."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    message_form: Message | None = None
    """`message` with its template and its parts."""
    hint_form: Message | None = None

    @classmethod
    def of(cls, fault: Fault) -> FaultRecord:
        return cls(
            file=fault.file,
            line=fault.line,
            column=fault.column,
            message=str(fault.message),
            hint=str(fault.hint),
            message_form=fault.message,
            hint_form=fault.hint,
        )

    @property
    def fault(self) -> Fault:
        return Fault(
            self.file,
            self.line,
            self.column,
            self.message_form or Message.of(self.message, {}),
            self.hint_form or Message.of(self.hint, {}),
        )


_RECORDS = TypeAdapter(tuple[FaultRecord, ...])


def write_faults(file: Path, faults: Sequence[Fault]) -> None:
    """Replace the faults of a machine. Raises OSError."""
    records = tuple(FaultRecord.of(fault) for fault in faults)
    write_atomically(file, _RECORDS.dump_json(records).decode())


def read_faults(file: Path) -> tuple[Fault, ...]:
    """Return the faults; empty if there is no file, because the given registry is in use."""
    try:
        records = _RECORDS.validate_json(file.read_bytes())
    except FileNotFoundError:
        return ()
    return tuple(record.fault for record in records)
