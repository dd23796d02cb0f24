"""Files to which threads and processes append lines concurrently; a line is on disk when
`append_line` returns.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def append_line(path: Path, line: bytes, mode: int = 0o644, durable: bool = True) -> None:
    """Append `line` (without its end) to a file, which is created if it is missing. Raises OSError
    if it cannot be written completely.

    Without `durable`, the line survives the process immediately, and a power cut only some seconds
    later.

    A line that a power cut left incomplete is ended first, so that it damages only itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, mode) as file:
        data = line + b"\n" if _ends_a_line(file) else b"\n" + line + b"\n"
        if os.write(file, data) != len(data):
            raise OSError(f"only part of a line could be written to {path}")
        if durable:
            os.fsync(file)


class AppendOnlyFile:
    """Appends lines of many threads. Lines that arrive during a write are written together by the
    next one, with one `fsync`.
    """

    def __init__(self, mode: int) -> None:
        self._mode = mode
        self._waiting: deque[_Waiting] = deque()
        self._turn = threading.Lock()

    def append(self, path: Path, line: bytes) -> None:
        """Do the same as `append_line`."""
        entry = _Waiting(path, line)
        self._waiting.append(entry)
        with self._turn:
            if not entry.is_done:
                self._write()
        if entry.error is not None:
            raise entry.error

    @property
    def waiting(self) -> int:
        """The number of lines whose write has not begun."""
        return len(self._waiting)

    def _write(self) -> None:
        """Write all waiting lines; the caller holds the lock."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for path in dict.fromkeys(entry.path for entry in batch):
            of_path = [entry for entry in batch if entry.path == path]
            try:
                append_line(path, b"\n".join(entry.line for entry in of_path), self._mode)
            except OSError as error:
                for entry in of_path:
                    entry.error = error
        for entry in batch:
            entry.is_done = True


@dataclass(slots=True)
class _Waiting:
    path: Path
    line: bytes
    is_done: bool = False
    error: OSError | None = None


@contextmanager
def locked(path: Path, mode: int = 0o644) -> Iterator[int]:
    """Open the file for appending under an exclusive lock. It is created again if it was deleted
    while this waited.

    A symbolic link is refused: a confined process that may write to the folder could make one that
    leads a process without confinement to any file. Raises OSError.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, mode)
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
