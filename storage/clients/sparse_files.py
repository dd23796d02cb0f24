"""Files of which only some parts are on this disk, with holes elsewhere.

Each part has a digest. A starting process recognises by it which parts an earlier process left, and
it verifies what the object store returns.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from domain.errors import DataLoss

Part = tuple[int, int, str]
"""Offset, end and digest of a part."""
DIGEST_BYTES = 8


def digest_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


class SparseFiles:
    """The files of one process. It is thread-safe; two threads that need the same part may both
    fetch it.
    """

    def __init__(self) -> None:
        self._present: dict[Path, set[int]] = {}

    def lacks(self, path: Path, parts: Sequence[Part]) -> bool:
        """Return whether this process does not know yet that all of these parts are on the disk."""
        return not path.exists() or any(
            part[0] not in self._present.get(path, ()) for part in parts
        )

    def fetch(
        self, path: Path, size_bytes: int, parts: Sequence[Part], read: Callable[[int, int], bytes]
    ) -> None:
        """Fetch the parts that the file lacks. `read` returns the bytes at an offset. Raises
        DataLoss if a digest differs.
        """
        if not self.lacks(path, parts):
            return
        if not path.exists():
            self._present.pop(path, None)
        known = self._present.setdefault(path, set())
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
            for run in _contiguous_runs(missing):
                self._fetch(file, run, read)
        finally:
            os.close(file)
        known.update(part[0] for part in parts)

    def forget(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._present.pop(path, None)

    def _fetch(self, file: int, run: Sequence[Part], read: Callable[[int, int], bytes]) -> None:
        first = run[0][0]
        data = read(first, run[-1][1] - first)
        for offset, end, digest in run:
            if digest_of(data[offset - first : end - first]) != digest:
                raise DataLoss(
                    "bytes {offset} to {end} are not what the catalogue says",
                    offset=offset,
                    end=end,
                )
        os.pwrite(file, data, first)


def _contiguous_runs(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """Yield the parts in order, adjacent ones together."""
    cuts = [0, *(n for n, (a, b) in enumerate(pairwise(parts), 1) if a[1] != b[0]), len(parts)]
    return (parts[start:end] for start, end in pairwise(cuts) if start < end)
