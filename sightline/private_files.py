"""Files that only their owner may read: how they are written, and how older ones become private."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE_UMASK = 0o077
_FILE_MODE = 0o600


def write_atomically(file: Path, text: str, durable: bool = True) -> None:
    """Replace `file` by `text`, so that a reader sees the old text or the new one, never a part.

    `durable`: the new text also survives a power cut. Only the owner can read the file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        os.fchmod(descriptor, _FILE_MODE)
        out.write(text)
        if durable:
            out.flush()
            os.fsync(out.fileno())
    temporary.replace(file)
