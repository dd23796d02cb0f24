"""Writes the appended lines of many files to the disk at once.

An `fsync` of each file waits for the disk each time. After the failure of a switch, hundreds of
cameras have a new line in their files within a second.
"""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

from domain.errors import StoreError
from storage.clients.append_only_file import append_line

SINGLE_FILES = 8
"""So many files are synchronised one by one. More are synchronised with their whole file system,
which also waits for what others have written to it.
"""
_LIBC = ctypes.CDLL(None, use_errno=True)


class DeferredSync:
    """Appends lines to files of one folder, and writes them to the disk later. Thread-safe.

    It keeps the lines until they are on disk. After a failure Linux drops the data that it could
    not write, and the next call would succeed without it, so the lines are appended once more.
    """

    def __init__(self, folder: Path) -> None:
        """All files must be on the file system of `folder`, which need not exist yet."""
        self._folder = folder
        self._folder_file: int | None = None
        """The descriptor of the folder. It is older than the first line, because a failed write is
        reported only to descriptors that were open before.
        """
        self._lines: dict[Path, list[bytes]] = {}
        """The lines of each file that may not be on disk, in their order."""
        self._must_repeat = False
        """Whether a call failed, so that the lines must be appended again."""
        self._lock = threading.Lock()
        """It is held for appends, but not while the disk is waited for."""
        self._turn = threading.Lock()
        """Only one thread waits for the disk."""

    def append(self, path: Path, line: bytes) -> None:
        """Append a line, which survives this process at once, and a power cut after the next call
        of `sync`. Raises OSError.
        """
        with self._lock:
            if self._folder_file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._folder_file = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            append_line(path, line, durable=False)
            self._lines.setdefault(path, []).append(line)

    def sync(self) -> None:
        """Write all lines that were appended before to the disk. Raises StoreError; the next call
        then appends and writes them again.
        """
        with self._turn:
            lines: dict[Path, list[bytes]] = {}
            try:
                with self._lock:
                    if self._must_repeat:
                        self._repeat()
                    lines, self._lines = self._lines, {}
                    folder_file = self._folder_file
                if folder_file is None or not lines:
                    return
                if len(lines) <= SINGLE_FILES:
                    for path in lines:
                        _sync_file(path)
                else:
                    _sync_file_system(folder_file)
            except OSError as error:
                self._restore(lines)
                raise StoreError(
                    "{folder} cannot be written to the disk: {error}",
                    folder=self._folder,
                    error=error,
                ) from error

    def _repeat(self) -> None:
        """Append all lines again. In each file they keep their order, in which a later line is
        valid and not an earlier one, so a line that is there twice changes nothing.
        """
        for path in list(self._lines):
            if not _exists(path):
                del self._lines[path]  # It was deleted with the recordings of its day.
                continue
            append_line(path, b"\n".join(self._lines[path]), durable=False)
        self._must_repeat = False

    def _restore(self, lines: dict[Path, list[bytes]]) -> None:
        """Put lines that may not be on disk before those that were appended since."""
        with self._lock:
            for path, later in self._lines.items():
                lines.setdefault(path, []).extend(later)
            self._lines = lines
            self._must_repeat = True


def _exists(path: Path) -> bool:
    """Return whether a file exists. Raises OSError if that cannot be found out."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _sync_file(path: Path) -> None:
    """Write one file to the disk, unless it was deleted since."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _sync_file_system(file: int) -> None:
    """Call `syncfs(2)`, which Python lacks. It reports failures of writes since Linux 5.8."""
    if _LIBC.syncfs(file) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
