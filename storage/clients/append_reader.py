"""Reads the lines that were appended to a file since the last read."""

from __future__ import annotations

import os
from pathlib import Path

_COMPARED_BYTES = 256
"""So many bytes before the place of the last read must be the same: otherwise the file was cut, and
other lines were appended.
"""


class AppendReader:
    """Follows one file. One thread calls it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._last = b""

    def read(self) -> tuple[bytes, bool]:
        """Return the whole lines since the last call, and whether they are all lines of the file
        instead: at the first call, and if the file was cut or replaced since.

        A line that is not ended yet is returned later. A missing file is empty. Raises OSError.
        """
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                identity = found.st_dev, found.st_ino
                compared_at = self._offset - len(self._last)
                file.seek(compared_at)
                data = file.read()
                is_appended = identity == self._identity and data.startswith(self._last)
                if is_appended:
                    data = data[len(self._last) :]
                else:
                    file.seek(0)
                    data, self._offset, self._last = file.read(), 0, b""
        except FileNotFoundError:
            identity, data, is_appended = None, b"", False
            self._offset, self._last = 0, b""
        lines = data[: data.rfind(b"\n") + 1]
        self._identity = identity
        self._offset += len(lines)
        self._last = (self._last + lines[-_COMPARED_BYTES:])[-_COMPARED_BYTES:]
        return lines, not is_appended
