"""Unix sockets that a server puts outside its folder, removed once the server has ended."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence
from pathlib import Path

from sightline.processes.private_files import write_atomically


class LeftSockets:
    """Removes the sockets of an earlier run; `record` has their paths on disk."""

    def __init__(self, record: Path) -> None:
        self._record = record

    def expect(self, paths: Sequence[Path]) -> None:
        """Note the sockets that the server is about to make."""
        write_atomically(self._record, json.dumps([str(path) for path in paths]))

    def remove(self) -> None:
        """Remove the noted sockets. One that accepts connections now belongs to another server."""
        for path in self._noted():
            if path.is_socket() and not _accepts(path):
                with contextlib.suppress(FileNotFoundError, PermissionError):  # another user's
                    path.unlink()
        self._record.unlink(missing_ok=True)

    def _noted(self) -> list[Path]:
        try:
            return [Path(path) for path in json.loads(self._record.read_text("utf-8"))]
        except (FileNotFoundError, ValueError):  # a record that is cut short names nothing
            return []


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
