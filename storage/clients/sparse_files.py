"""Files of which only some parts are on this disk, with holes elsewhere. Each part has a digest, by
which a process that starts knows which parts another left, and by which what comes from the object
store is proved.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from domain.errors import DataLoss

Part = tuple[int, int, str]
"""Offset, end, digest."""
DIGEST_BYTES = 8


def digest_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


class SparseFiles:
    """Thread-safe; two who bring the same part at once both fetch it."""

    def __init__(self) -> None:
        self._there: dict[Path, set[int]] = {}

    def lacks(self, path: Path, parts: Sequence[Part]) -> bool:
        """Whether this process does not know yet that all of these parts are here."""
        return not path.exists() or any(part[0] not in self._there.get(path, ()) for part in parts)

    def bring(
        self, path: Path, size_bytes: int, parts: Sequence[Part], read: Callable[[int, int], bytes]
    ) -> None:
        """Let a file have these parts. `read`: offset and length to bytes. Raises DataLoss
        where they are not what they should be.
        """
        if not self.lacks(path, parts):
            return
        if not path.exists():
            self._there.pop(path, None)
        known = self._there.setdefault(path, set())
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            missing = [part for part in parts if part[0] not in known]
            if os.fstat(file).st_size == size_bytes:
                missing = [
                    part
                    for part in missing
                    if digest_of(os.pread(file, part[1] - part[0], part[0])) != part[2]
                ]
            os.ftruncate(file, size_bytes)
            for stretch in _stretches(missing):
                self._fetch(file, stretch, read)
        finally:
            os.close(file)
        known.update(part[0] for part in parts)

    def forget(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._there.pop(path, None)

    def _fetch(self, file: int, stretch: Sequence[Part], read: Callable[[int, int], bytes]) -> None:
        first = stretch[0][0]
        data = read(first, stretch[-1][1] - first)
        for offset, end, digest in stretch:
            if digest_of(data[offset - first : end - first]) != digest:
                raise DataLoss(f"bytes {offset} to {end} are not what the catalogue says")
        os.pwrite(file, data, first)


def _stretches(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """Parts in order, those together that touch."""
    cuts = [0, *(n for n, (a, b) in enumerate(pairwise(parts), 1) if a[1] != b[0]), len(parts)]
    return (parts[start:end] for start, end in pairwise(cuts) if start < end)
