"""A part of a file as a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from domain.errors import DataLoss

CHUNK_BYTES = 256 << 10
"""What is read at once. Each open response holds some of them, however slow its client is."""
Chunk = bytes | memoryview
"""Consecutive bytes, possibly a part of a longer read, which is not copied."""


class FilePart:
    """Consecutive bytes of a file, in chunks. It must be closed."""

    def __init__(self, path: Path, offset: int, length_bytes: int, may_grow: bool = False) -> None:
        """Open the file. Unless it may grow, its bytes are those of one state. Raises OSError."""
        self._file = path.open("rb", buffering=0)
        self._may_grow = may_grow
        self._offset = offset
        self._end = offset + length_bytes
        self.stat = os.fstat(self._file.fileno())
        """The state of the file when it was opened."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes, fewer than requested if the file ends before.

        Raises OSError, and DataLoss if the file was changed since it was opened.
        """
        while self._offset < self._end:
            wanted = min(CHUNK_BYTES, self._end - self._offset)
            chunk = os.pread(self._file.fileno(), wanted, self._offset)
            if not chunk:
                return
            if not self._may_grow and self._is_changed():
                raise DataLoss(
                    "{file} was changed while it was read", file=Path(self._file.name).name
                )
            self._offset += len(chunk)
            yield chunk

    def _is_changed(self) -> bool:
        now, opened = os.fstat(self._file.fileno()), self.stat
        return (now.st_size, now.st_mtime_ns) != (opened.st_size, opened.st_mtime_ns)

    def close(self) -> None:
        self._file.close()
