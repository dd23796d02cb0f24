"""How much the files of many folders take, without asking for each file each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

OPEN_MARK = "_open_"


@dataclass(slots=True)
class _Folder:
    changed_ns: int = -1
    done: dict[str, int] = field(default_factory=dict)
    growing: tuple[str, ...] = ()


class Sizes:
    """Remembers a folder's files until the folder changes; of a changed one only files not seen before, and growing ones, are asked for."""

    def __init__(self) -> None:
        self._folders: dict[Path, _Folder] = {}

    def total_bytes(self, folders: list[Path]) -> int:
        self._folders = {path: self._folders.get(path) or _Folder() for path in folders}
        return sum(_refreshed_bytes(path, folder) for path, folder in self._folders.items())


def _refreshed_bytes(path: Path, folder: _Folder) -> int:
    try:
        changed_ns = path.stat().st_mtime_ns
        if changed_ns != folder.changed_ns:
            names = [entry.name for entry in path.iterdir()]
            folder.growing = tuple(name for name in names if OPEN_MARK in name)
            folder.done = {name: folder.done.get(name) or _size_bytes(path / name) for name in names if OPEN_MARK not in name}
            folder.changed_ns = changed_ns
    except FileNotFoundError:
        return 0
    return sum(folder.done.values()) + sum(_size_bytes(path / name) for name in folder.growing)


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
