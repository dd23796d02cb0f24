"""Whether a folder can be written now: a file system that met an error is made read-only by the
kernel.
"""

from __future__ import annotations

import os
from pathlib import Path


def why_unwritable(folder: Path) -> str | None:
    """Why no file can be made in `folder`, found by making one; None where one can."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return None
