"""Writes files that only their owner may read, and makes older files private."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.paths.data_layout import Layout

_log = logging.getLogger(__name__)

_PRIVATE_UMASK = 0o077
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FOREIGN = frozenset({"lost+found", "camera_secrets.yaml", "camera_registry.yaml"})
"""Entries that a data folder may have in addition to Sightline's own."""
_FILE_MODE = 0o600


def write_atomically(file: Path, text: str, durable: bool = True) -> None:
    """Replace `file` by `text`, so that a reader sees the old text or the new one, never a part.

    `durable`: the new text also survives a power cut. Only the owner can read the file. A confined
    process may write to some of these folders, so nothing is written through a link of its making.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, _FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        os.fchmod(descriptor, _FILE_MODE)
        out.write(text)
        if durable:
            out.flush()
            os.fsync(out.fileno())
    temporary.replace(file)
    if durable:
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_private_files() -> None:
    """Set a umask with which this process and its children create private files."""
    os.umask(_PRIVATE_UMASK)


@contextmanager
def private_umask() -> Iterator[None]:
    """Set a umask with which this process and its children create private files."""
    before = os.umask(_PRIVATE_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def make_private(layout: Layout) -> None:
    """Close a data folder that other users may read, as older versions made them.

    A folder's own mode changes last: where this is interrupted, the next start does it again.
    The data folder itself is left alone where it also holds other things, as a home does.
    """
    if not _is_open(layout.root):
        return
    changed = sum(_close_tree(layout.root / name) for name in sorted(layout.entries))
    if changed:
        _log.warning(
            "other users could read %s; %d files and folders were made private",
            layout.root,
            changed,
        )
    others = sorted({path.name for path in layout.root.iterdir()} - layout.entries - _FOREIGN)
    others = [name for name in others if not name.startswith(".")]
    if others:
        _log.warning(
            "%s also holds %s, so other users may still list it; what Sightline keeps there "
            "is private. Give Sightline a folder of its own with --data",
            layout.root, ", ".join(others[:3]),
        )  # fmt: skip
    else:
        _close(layout.root)


def _close_tree(top: Path) -> int:
    """Make a tree private; return how many of its files and folders were not. A private folder
    is not entered.
    """
    if not top.exists() or not _is_open(top):
        return 0
    changed = 0
    if top.is_dir():
        for path in top.resolve().rglob("*"):
            changed += not path.is_symlink() and _close(path)
    return changed + _close(top)


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS)


def _close(path: Path) -> bool:
    """Make a path private; return whether it was not private before."""
    try:
        mode = path.stat().st_mode
        if not mode & _OTHERS:
            return False
        path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    except FileNotFoundError:
        return False
    except PermissionError as error:
        _log.warning("%s remains readable by other users: %s", path, error.strerror)
        return False
    return True
