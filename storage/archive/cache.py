"""The archive's files on the disk of one process, within bounds. They are fetched from the object
store as a whole, or only the parts that may have a plate.

A partly fetched file has holes elsewhere. DuckDB skips row groups whose range of plates excludes
the plate, and those are the ones that were not fetched. If DuckDB read a hole, it would report a
damaged file, which is then fetched as a whole.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from domain.errors import DataLoss
from storage.archive.day import ArchiveFile
from storage.clients.s3 import ObjectStore
from storage.clients.sparse_files import Part, SparseFiles

_log = logging.getLogger(__name__)
T = TypeVar("T")
FETCHERS = 4
_DISK_BLOCK = 512


class ArchiveCache:
    """Files by their hash in a folder of one process; the least recently used is deleted first. It
    is thread-safe.
    """

    def __init__(self, objects: ObjectStore, folder: Path, limit_bytes: int) -> None:
        self._objects = objects
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._fetching = threading.Lock()
        self._used: Counter[str] = Counter()
        self._sparse = SparseFiles()
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.part"):
            left.unlink(missing_ok=True)

    def has(self, file: ArchiveFile) -> bool:
        """Return whether the whole file is on this disk."""
        return self._path(file).exists()

    @contextmanager
    def held(self, files: Sequence[ArchiveFile], plate: str | None = None) -> Iterator[list[Path]]:
        """Yield the files on this disk, and keep them during the context; with `plate`, only the
        parts that may have it.

        Raises NotFound, and DataLoss if a file is not what the catalogue says.
        """
        names = [file.sha256 for file in files]
        with self._lock:
            self._used.update(names)
        try:
            with self._fetching, ThreadPoolExecutor(FETCHERS) as pool:
                paths = list(pool.map(lambda file: self._local_path(file, plate), files))
            for path in paths:
                os.utime(path)
            yield paths
        finally:
            with self._lock:
                self._used.subtract(names)
            self._make_room()

    def read(
        self, files: Sequence[ArchiveFile], plate: str | None, work: Callable[[list[Path]], T]
    ) -> T:
        """Return the result of `work` on the files, which are kept meanwhile; with `plate`, it must
        read nothing else of them.
        """
        try:
            with self.held(files, plate) as paths:
                return work(paths)
        except DataLoss as error:
            if plate is None:
                raise
            _log.warning("parts of files were not enough, so they are fetched whole: %s", error)
        with self.held(files) as paths:
            return work(paths)

    def _local_path(self, file: ArchiveFile, plate: str | None) -> Path:
        if self.has(file):
            return self._path(file)
        needed = None if plate is None else file.needed(plate)
        if needed is not None:
            return self._with_parts(file, needed)
        data = self._objects.get(file.key, file.size_bytes)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise DataLoss(
                "{key} has not the SHA-256 that the catalogue says; run `sightline storage check`",
                key=file.key,
            )
        part = self.folder / f"{secrets.token_hex(8)}.part"
        part.write_bytes(data)
        part.replace(self._path(file))
        return self._path(file)

    def _with_parts(self, file: ArchiveFile, needed: Sequence[Part]) -> Path:
        path = self._path(file).with_suffix(".holes")

        def read(offset: int, length: int) -> bytes:
            return b"".join(self._objects.read(file.key, offset, length))

        try:
            self._sparse.fetch(path, file.size_bytes, needed, read)
        except DataLoss as error:
            raise DataLoss(
                "{key} is damaged; run `sightline storage check`: {error}",
                key=file.key,
                error=error,
            ) from error
        return path

    def _make_room(self) -> None:
        with self._lock:
            paths = [*self.folder.glob("*.parquet"), *self.folder.glob("*.holes")]
            found = sorted(
                (stat.st_mtime_ns, stat.st_blocks * _DISK_BLOCK, path)
                for path in paths
                if (stat := path.stat())
            )
            excess = sum(size for _, size, _ in found) - self._limit_bytes
            for _, size, path in found:
                if excess <= 0:
                    return
                if self._used[path.stem] <= 0:
                    self._sparse.forget(path)
                    excess -= size

    def _path(self, file: ArchiveFile) -> Path:
        return self.folder / f"{file.sha256}.parquet"
