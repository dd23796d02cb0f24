"""Files that are only appended to, a line at a time, by threads and processes at once; a line is on disk when `append_line` returns."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def append_line(path: Path, line: bytes, mode: int = 0o644, durable: bool = True) -> None:
    """Add `line` (without its end) to a file, made where it is not there. Raises OSError where it cannot be written whole.

    Not `durable`: it outlives the process at once, and the machine's power some seconds later.

    What a machine that lost its power tore is ended first, so that it spoils no line but itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, mode) as file:
        data = line + b"\n" if _ends_a_line(file) else b"\n" + line + b"\n"
        if os.write(file, data) != len(data):
            raise OSError(f"only part of a line could be written to {path}")
        if durable:
            os.fsync(file)


@contextmanager
def locked(path: Path, mode: int = 0o644) -> Iterator[int]:
    """The file open for appending, while nobody else has it so; made anew where it was deleted while waiting."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, mode)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                yield file
                return
        finally:
            os.close(file)


def _ends_a_line(file: int) -> bool:
    size_bytes = os.fstat(file).st_size
    return size_bytes == 0 or os.pread(file, 1, size_bytes - 1) == b"\n"
