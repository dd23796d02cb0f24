"""Positions in the local files of audit lines, for what copies them elsewhere."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from domain.stored_model import StoredModel, unreadable
from storage.clients.append_only_file import locked
from storage.site.audit import FILE_MODE

READ_BYTES = 4_000_000
_HEAD_BYTES = 256
_DAY_FILE = re.compile(r"^\d{8}\.jsonl$")
_State = TypeVar("_State", bound=StoredModel)
_log = logging.getLogger(__name__)


class FilePosition(StoredModel):
    """How much of a local file is copied; its first bytes identify the file."""

    size_bytes: int = 0
    head_bytes: int = 0
    head_sha256: str = ""


def day_files(folder: Path) -> list[Path]:
    """Return the files of lines, oldest first."""
    return sorted(path for path in folder.glob("*.jsonl") if _DAY_FILE.match(path.name))


@contextmanager
def open_file(path: Path) -> Iterator[int]:
    """Open a file of lines; no process writes to it in the meantime."""
    with locked(path, FILE_MODE) as file:
        yield file


@contextmanager
def exclusive_turn(path: Path) -> Iterator[bool]:
    """Yield whether no other process has this turn; none gets it until the end of the context."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(file)


def verified_position(file: int, known: FilePosition | None) -> FilePosition:
    """Return the position in an open file: its start if it is not the file that was known."""
    if known is None or os.fstat(file).st_size < known.size_bytes:
        return FilePosition()
    head = hashlib.sha256(os.pread(file, known.head_bytes, 0)).hexdigest()
    return known if head == known.head_sha256 else FilePosition()


def read_part(file: int, offset: int) -> bytes:
    """Return what follows `offset`, up to the end of a line if it is too much for one part."""
    left_bytes = max(0, os.fstat(file).st_size - offset)
    data = os.pread(file, min(left_bytes, READ_BYTES), offset)
    return data if len(data) == left_bytes else data[: data.rfind(b"\n") + 1] or data


def advanced(file: int, position: FilePosition, by_bytes: int) -> FilePosition:
    size_bytes = position.size_bytes + by_bytes
    head = os.pread(file, min(size_bytes, _HEAD_BYTES), 0)
    return FilePosition(
        size_bytes=size_bytes,
        head_bytes=len(head),
        head_sha256=hashlib.sha256(head).hexdigest(),
    )


def read_state(kind: type[_State], file: Path) -> _State | None:
    """Return a state; None where there is none, or where it is damaged, which is logged."""
    try:
        return kind.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        _log.error("%s; all lines are copied again", unreadable(str(file), error))
        return None


def write_state(file: Path, state: StoredModel) -> None:
    """Replace a state; it survives a power cut."""
    unfinished = file.with_name(f".{file.name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(unfinished, flags, FILE_MODE)
    with os.fdopen(descriptor, "wb") as out:
        out.write(state.model_dump_json(by_alias=True).encode())
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
