"""Files that are only appended to, a line at a time, by threads and processes at once; a line
is on disk when `append_line` returns.
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
    """Add `line` (without its end) to a file, made where it is not there. Raises OSError where it
    cannot be written whole.

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


class AppendOnlyFile:
    """Lines of many threads: those that come while others are on their way to disk go there
    together, in one write and one `fsync`.
    """

    def __init__(self, mode: int) -> None:
        self._mode = mode
        self._waiting: deque[_Waiting] = deque()
        self._turn = threading.Lock()

    def append(self, path: Path, line: bytes) -> None:
        """As `append_line`."""
        mine = _Waiting(path, line)
        self._waiting.append(mine)
        with self._turn:
            if not mine.is_tried:
                self._write()
        if mine.error is not None:
            raise mine.error

    @property
    def waiting(self) -> int:
        """Lines that nobody has begun to write."""
        return len(self._waiting)

    def _write(self) -> None:
        """All that waits now, with a turn that is ours."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for path in dict.fromkeys(one.path for one in batch):
            ours = [one for one in batch if one.path == path]
            try:
                append_line(path, b"\n".join(one.line for one in ours), self._mode)
            except OSError as error:
                for one in ours:
                    one.error = error
        for one in batch:
            one.is_tried = True


@dataclass(slots=True)
class _Waiting:
    path: Path
    line: bytes
    is_tried: bool = False
    error: OSError | None = None


@contextmanager
def locked(path: Path, mode: int = 0o644) -> Iterator[int]:
    """The file open for appending, while nobody else has it so; made anew where it was deleted
    while waiting.
    """
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
