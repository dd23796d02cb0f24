"""How much the files of many folders take, without asking for each file each time, and without
remembering each of them.

A camera's day has eight thousand files, a node's three months hundreds of millions: of a folder its
sum is kept, and a checksum of the names that it is of. Names rise with time, so what is greater
than any seen before is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OPEN_MARK = "_open_"


@dataclass(slots=True)
class _Folder:
    changed_ns: int = -1
    latest: str = ""
    names: int = 0
    """The sum of the hashes of the names counted, none of which is greater than `latest`."""
    done_bytes: int = 0
    growing: tuple[str, ...] = ()


class DiskUsage:
    """Remembers a folder's sum until the folder changes; of a changed one only files not seen
    before, and growing ones, are asked for.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, _Folder] = {}

    def total_bytes(self, folders: list[Path]) -> int:
        self._folders = {path: self._folders.get(path) or _Folder() for path in folders}
        return sum(_refreshed_bytes(path, folder) for path, folder in self._folders.items())

    def removed(self, path: Path, size_bytes: int) -> None:
        """A finished file of so many bytes is gone: its folder need not be counted anew."""
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
    ):  # one went unseen, or came with an earlier name
        new, folder.names, folder.done_bytes = done, 0, 0
    folder.names += sum(map(hash, new))
    folder.done_bytes += sum(_size_bytes(path / name) for name in new)
    folder.latest = max(done, default="")


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
