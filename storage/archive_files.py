"""The archive's Parquet files: brought from the object store into a bounded folder, written, described, and proved."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from domain.errors import DataLoss, ObjectsUnavailable
from domain.keys import archive_object
from storage.archive_catalogue import ArchiveFile
from storage.archive_rows import ORDER, SELECT, Row, columns_of
from storage.bloom import BLOCK_BYTES, bloom_of
from storage.duck_door import Duck
from storage.s3 import ObjectStore

FETCHERS = 4


class ArchiveCache:
    """Files by their hash in a folder of one process; what was used longest ago goes first. Thread-safe."""

    def __init__(self, objects: ObjectStore, folder: Path, limit_bytes: int) -> None:
        self._objects = objects
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._fetching = threading.Lock()
        self._used: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.part"):
            left.unlink(missing_ok=True)

    def has(self, file: ArchiveFile) -> bool:
        return self._path(file).exists()

    @contextmanager
    def held(self, files: Sequence[ArchiveFile]) -> Iterator[list[Path]]:
        """The files on this disk, for as long as the context lasts. Raises NotFound, DataLoss where one is not what the catalogue says."""
        names = [file.sha256 for file in files]
        with self._lock:
            self._used.update(names)
        try:
            self._fetch([file for file in files if not self.has(file)])
            paths = [self._path(file) for file in files]
            for path in paths:
                os.utime(path)
            yield paths
        finally:
            with self._lock:
                self._used.subtract(names)
            self._make_room()

    def _fetch(self, files: Sequence[ArchiveFile]) -> None:
        if not files:
            return
        with self._fetching, ThreadPoolExecutor(FETCHERS) as pool:
            for _ in pool.map(self._fetch_one, [file for file in files if not self.has(file)]):
                pass

    def _fetch_one(self, file: ArchiveFile) -> None:
        data = self._objects.get(file.key)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise DataLoss(f"{file.key} has not the SHA-256 that the catalogue says; run `sightline storage check`")
        part = self.folder / f"{secrets.token_hex(8)}.part"
        part.write_bytes(data)
        part.replace(self._path(file))

    def _make_room(self) -> None:
        with self._lock:
            found = sorted((stat.st_mtime_ns, stat.st_size, path) for path in self.folder.glob("*.parquet") if (stat := path.stat()))
            excess = sum(size for _, size, _ in found) - self._limit_bytes
            for _, size, path in found:
                if excess <= 0:
                    return
                if self._used[path.stem] <= 0:
                    path.unlink(missing_ok=True)
                    excess -= size

    def _path(self, file: ArchiveFile) -> Path:
        return self.folder / f"{file.sha256}.parquet"


@dataclass(frozen=True, slots=True)
class Part:
    """Some files of rows, but for the events of some ids."""

    files: tuple[Path, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A file that lies here, not in the store yet, and what the catalogue will say of it."""

    path: Path
    file: ArchiveFile
    bloom: bytes


class ArchiveWriter:
    """Makes files and puts them into the store; one thread uses it."""

    def __init__(self, objects: ObjectStore, duck: Duck, folder: Path) -> None:
        self._objects = objects
        self._duck = duck
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def stage(self, rows: Sequence[Row]) -> Path:
        """Rows in a file of its own, in no order, to be merged later."""
        path = self._folder / f"{secrets.token_hex(8)}.stage"
        self._duck.write(f"SELECT {SELECT} FROM incoming", path, columns_of(rows))  # noqa: S608
        return path

    def merge(self, day: str, area: str, generation: int, parts: Sequence[Part]) -> Written | None:
        """One sorted file of what `parts` have of an area; None where they have nothing. Proved before it is answered."""
        path = self._folder / f"{secrets.token_hex(8)}.part"
        each = f"SELECT {SELECT} FROM read_parquet(?) WHERE area = ? AND id NOT IN (SELECT unnest(?::VARCHAR[]))"  # noqa: S608
        rows = " UNION ALL ".join([each] * len(parts))
        values = [value for part in parts for value in ([str(file) for file in part.files], area, list(part.without))]
        self._duck.write(f"SELECT * FROM ({rows}) ORDER BY {ORDER}", path, values=values)  # noqa: S608
        wanted = self._duck.rows(f"SELECT count(*), sum(hash(r)::HUGEINT) FROM ({rows}) r", values)  # noqa: S608
        got = self._duck.rows(f"SELECT count(*), sum(hash(r)::HUGEINT) FROM (SELECT {SELECT} FROM read_parquet(?)) r", [[str(path)]])  # noqa: S608
        if wanted != got:
            raise DataLoss(f"the file of {area} on {day} does not hold what was written into it: {got} instead of {wanted}")
        if wanted[0][0] == 0:
            path.unlink()
            return None
        file, bloom = describe(self._duck, path, day, area, generation)
        return Written(path, file, bloom)

    def upload(self, written: Written) -> None:
        """Put a file into the store, and read it back. Raises ObjectsUnavailable."""
        try:
            self._objects.put_file(written.file.key, written.path, "application/vnd.apache.parquet")
            digest = hashlib.sha256()
            for chunk in self._objects.read(written.file.key):
                digest.update(chunk)
            if digest.hexdigest() != written.file.sha256:
                raise ObjectsUnavailable(f"the object store did not keep {written.file.key} as it was given")
        finally:
            written.path.unlink(missing_ok=True)

    @contextmanager
    def fetched(self, key: str) -> Iterator[Path]:
        """A file of the store here for the while, whatever it holds."""
        path = self._folder / f"{secrets.token_hex(8)}.part"
        path.write_bytes(self._objects.get(key))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def forget(self, *paths: Path) -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what a run that was killed left here."""
        self.forget(*self._folder.glob("*.stage"), *self._folder.glob("*.part"))


def describe(duck: Duck, path: Path, day: str, area: str, generation: int, key: str | None = None) -> tuple[ArchiveFile, bytes]:
    """What the catalogue says of a file, from the file alone. Raises DataLoss."""
    source = [[str(path)]]
    ((rows, from_ms, to_ms, low, high, *bounds),) = cast(
        "list[tuple[int, int, int, str | None, str | None, float, float, float, float]]",
        duck.rows(
            "SELECT count(*), min(start_ms), max(start_ms), min(plate), max(plate), min(lon), min(lat), max(lon), max(lat) "
            "FROM read_parquet(?)",
            source,
        ),
    )
    least = duck.rows("SELECT camera, min(start_ms) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL", source)
    cameras = dict(cast("list[tuple[str, int]]", least))
    bloom = bloom_of(_plates(duck, path))
    sha256 = _sha256(path)
    west, south, east, north = bounds
    return ArchiveFile(
        day=day, area=area, generation=generation, key=key or archive_object(day, area, generation, sha256), sha256=sha256,
        size_bytes=path.stat().st_size, rows=rows, from_ms=from_ms, to_ms=to_ms, plate_min=low or "", plate_max=high or "",
        bounds=(west, south, east, north), cameras=cameras, bloom_blocks=len(bloom) // BLOCK_BYTES,
    ), bloom  # fmt: skip


def _plates(duck: Duck, path: Path) -> Iterator[str]:
    """Every text that an event of a file may be found by."""
    source = [[str(path)]]
    for (plate,) in duck.rows("SELECT DISTINCT plate FROM read_parquet(?) WHERE plate <> ''", source):
        yield str(plate)
    for (others,) in duck.rows("SELECT DISTINCT others FROM read_parquet(?) WHERE others IS NOT NULL", source):
        yield from str(others).split(" ")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
