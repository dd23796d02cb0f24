"""A part of a file as a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CHUNK_BYTES = 1 << 20


class FilePart:
    """Consecutive bytes of a file, in chunks. It must be closed."""

    def __init__(self, path: Path, offset: int, length_bytes: int) -> None:
        """Open the file. Raises OSError."""
        self._file = path.open("rb", buffering=0)
        self._offset = offset
        self._end = offset + length_bytes

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes, fewer than requested if the file ends before. Raises OSError."""
        while self._offset < self._end:
            wanted = min(CHUNK_BYTES, self._end - self._offset)
            chunk = os.pread(self._file.fileno(), wanted, self._offset)
            if not chunk:
                return
            self._offset += len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()
