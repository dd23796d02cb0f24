"""Checks whether a folder is writable; the kernel makes a file system read-only after an error."""

from __future__ import annotations

import os
from pathlib import Path


def why_unwritable(folder: Path) -> str | None:
    """Create a file in `folder`; return why that fails, or None."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return None
