"""The size of the files in many folders, without examining each file every time, and without
remembering each of them.

A camera's day has eight thousand files, and a node's three months hundreds of millions. Of each
folder only its sum is kept, with a checksum of the counted names. Names rise with time, so a
greater name than any before is new.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)
OPEN_MARK = "_open_"


@dataclass(slots=True)
class _Folder:
    changed_ns: int = -1
    latest: str = ""
    names: int = 0
    """The sum of the hashes of the counted names, none of which is greater than `latest`."""
    done_bytes: int = 0
    growing: tuple[str, ...] = ()
    is_unreadable: bool = False


class DiskUsage:
    """Caches a folder's sum until the folder changes; then only new files and growing ones are
    examined.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, _Folder] = {}

    def total_bytes(self, folders: list[Path]) -> int:
        self._folders = {path: self._folders.get(path) or _Folder() for path in folders}
        return sum(self._bytes(path, folder) for path, folder in self._folders.items())

    def _bytes(self, path: Path, folder: _Folder) -> int:
        """Return the size of the files in a folder; the last known one if it cannot be read."""
        try:
            size_bytes = _refreshed_bytes(path, folder)
            folder.is_unreadable = False
        except OSError as error:
            if not folder.is_unreadable:
                _log.error("the size of %s is not known; examine the disk: %s", path, error)
            folder.is_unreadable = True
            return folder.done_bytes
        return size_bytes

    def removed(self, path: Path, size_bytes: int) -> None:
        """Subtract a deleted file of this size, so that its folder is not counted again."""
        folder = self._folders.get(path.parent)
        if folder is not None and path.name <= folder.latest and OPEN_MARK not in path.name:
            folder.names -= hash(path.name)
            folder.done_bytes -= size_bytes


def _refreshed_bytes(path: Path, folder: _Folder) -> int:
    try:
        changed_ns = path.stat().st_mtime_ns
        if changed_ns != folder.changed_ns:
            _count(path, folder, [entry.name for entry in path.iterdir()])
            folder.changed_ns = changed_ns
    except FileNotFoundError:
        return 0
    return folder.done_bytes + sum(_size_bytes(path / name) for name in folder.growing)


def _count(path: Path, folder: _Folder, names: list[str]) -> None:
    folder.growing = tuple(name for name in names if OPEN_MARK in name)
    done = [name for name in names if OPEN_MARK not in name]
    new = [name for name in done if name > folder.latest]
    if (
        sum(hash(name) for name in done if name <= folder.latest) != folder.names
    ):  # one was missed, or has an earlier name
        new, folder.names, folder.done_bytes = done, 0, 0
    folder.names += sum(map(hash, new))
    folder.done_bytes += sum(_size_bytes(path / name) for name in new)
    folder.latest = max(done, default="")


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
