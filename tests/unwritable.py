"""A folder that really cannot be written for a while: under a read-only mount, or for an
ordinary user without the permission.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Inside the block no file below `folder` can be made, removed or opened to be written.
    Open files stay open, as on a disk.
    """
    if _mount("--bind", str(folder), str(folder)):
        with _mounted_read_only(folder):
            yield
        return
    folders = {Path(path): Path(path).stat().st_mode for path, _, _ in os.walk(folder)}
    files = dict[Path, int]()
    try:
        for path, mode in folders.items():
            path.chmod(mode & ~0o222)
        files.update(_files(folder))  # Now none can be made or removed.
        for path, mode in files.items():
            path.chmod(mode & ~0o222)
        yield
    finally:
        for path, mode in (folders | files).items():
            path.chmod(mode)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files with their modes. A socket stays writable, as under a read-only mount."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                yield path, mode


@contextmanager
def _mounted_read_only(folder: Path) -> Iterator[None]:
    try:
        assert _mount("-o", "remount,bind,ro", str(folder))
        yield
    finally:
        _mount("-o", "remount,bind,rw", str(folder))
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
