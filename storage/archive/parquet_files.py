"""Writes, describes and verifies the archive's Parquet files."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np

from domain.errors import DataLoss, ObjectsUnavailable
from domain.paths.object_keys import archive_object
from storage.archive.bloom import BLOCK_BYTES, bloom_of
from storage.archive.day import ArchiveFile
from storage.archive.rows import (
    GROUP_ROWS,
    ORDER,
    SELECT,
    TYPES,
    VERSION,
    ArchiveRow,
    columns_of,
    table,
)
from storage.clients.duckdb import DuckDb
from storage.clients.s3 import ObjectStore
from storage.clients.sparse_files import digest_of


@dataclass(frozen=True, slots=True)
class RowSelection:
    """Files with rows, without the events of some ids."""

    files: tuple[Path, ...]
    without: tuple[str, ...] = ()
    version: int = VERSION
    """The version of their columns."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that is on this disk and not in the store yet, and what the catalogue will say of
    it.
    """

    path: Path
    file: ArchiveFile
    bloom: bytes


class ArchiveWriter:
    """Writes files and uploads them; one thread uses it."""

    def __init__(self, objects: ObjectStore, duck: DuckDb, folder: Path) -> None:
        self._objects = objects
        self._duck = duck
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def stage(self, rows: Sequence[ArchiveRow]) -> Path:
        """Write rows unsorted into a file of their own, which is merged later."""
        path = self._folder / f"{secrets.token_hex(8)}.stage"
        self._duck.write(f"SELECT {SELECT} FROM incoming", path, columns_of(rows))
        return path

    def merge(
        self, day: str, area: str, generation: int, parts: Sequence[RowSelection]
    ) -> WrittenFile | None:
        """Write one sorted file with the rows of an area in `parts`; return None if they have none.

        Columns that a newer program added are kept. The file is read back and compared before it is
        returned.
        """
        path = self._folder / f"{secrets.token_hex(8)}.part"
        of_parts = [self._added_columns(part) for part in parts]
        added = {name: kind for columns in of_parts for name, kind in columns.items()}
        rows = " UNION ALL ".join(
            f"SELECT {SELECT}{_selected(added, own)} FROM {table(part.version)} "
            "WHERE area = ? AND id NOT IN (SELECT unnest(?::VARCHAR[]))"
            for part, own in zip(parts, of_parts, strict=True)
        )
        values = [
            value
            for part in parts
            for value in ([str(file) for file in part.files], area, list(part.without))
        ]
        self._duck.write(
            f"SELECT * FROM ({rows}) ORDER BY {ORDER[VERSION]}",
            path,
            values=values,
            group_rows=GROUP_ROWS,
        )
        expected = self._duck.rows(
            f"SELECT count(*), sum(hash(r)::HUGEINT) FROM ({rows}) r",
            values,
        )
        made = f"SELECT {SELECT}{_selected(added, added)} FROM read_parquet(?)"
        written = self._duck.rows(
            f"SELECT count(*), sum(hash(r)::HUGEINT) FROM ({made}) r",
            [[str(path)]],
        )
        if expected != written:
            raise DataLoss(
                "the file of {area} on {day} does not hold what was written "
                "into it: {written} instead of {expected}",
                area=area,
                day=day,
                written=str(written),
                expected=str(expected),
            )
        if expected[0][0] == 0:
            path.unlink()
            return None
        file, bloom = describe(self._duck, path, day, area, generation)
        return WrittenFile(path, file, bloom)

    def _added_columns(self, part: RowSelection) -> dict[str, str]:
        """Return the columns that this program does not know, with their types."""
        found: dict[str, str] = {}
        for file in part.files if part.version == VERSION else ():
            described = (
                "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))"
            )
            found |= {
                str(name): str(kind) for name, kind in self._duck.rows(described, [[str(file)]])
            }
        return {name: kind for name, kind in found.items() if name not in TYPES}

    def upload(self, written: WrittenFile) -> None:
        """Upload a file and read it back. Raises ObjectsUnavailable."""
        try:
            self._objects.put_file(written.file.key, written.path, "application/vnd.apache.parquet")
            digest = hashlib.sha256()
            for chunk in self._objects.read(written.file.key):
                digest.update(chunk)
            if digest.hexdigest() != written.file.sha256:
                raise ObjectsUnavailable(
                    "the object store did not keep {key} as it was given", key=written.file.key
                )
        finally:
            written.path.unlink(missing_ok=True)

    @contextmanager
    def fetched(self, key: str) -> Iterator[Path]:
        """Yield a temporary copy of a stored file, whatever it holds."""
        path = self._folder / f"{secrets.token_hex(8)}.part"
        try:
            with path.open("wb") as file, closing(self._objects.read(key)) as stream:
                file.writelines(stream)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def forget(self, *paths: Path) -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete the files of an interrupted run."""
        self.forget(*self._folder.glob("*.stage"), *self._folder.glob("*.part"))


def _selected(added: Mapping[str, str], own: Mapping[str, str]) -> str:
    """Return the added columns in SQL; NULL if a file does not have one."""
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in added}
    values = (
        quoted[name] if name in own else f"NULL::{kind} AS {quoted[name]}"
        for name, kind in added.items()
    )
    return "".join(f", {value}" for value in values)


def describe(
    duck: DuckDb, path: Path, day: str, area: str, generation: int, key: str | None = None
) -> tuple[ArchiveFile, bytes]:
    """Return what the catalogue says of a file, from the file alone. Raises DataLoss."""
    source = [[str(path)]]
    ((rows, from_ms, to_ms, low, high, *bounds),) = cast(
        "list[tuple[int, int, int, str | None, str | None, float, float, float, float]]",
        duck.rows(
            "SELECT count(*), min(start_ms), max(start_ms), min(plate), max(plate), min(lon), "
            "min(lat), max(lon), max(lat) "
            "FROM read_parquet(?)",
            source,
        ),
    )
    least = duck.rows(
        "SELECT camera, min(start_ms) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL", source
    )
    cameras = dict(cast("list[tuple[str, int]]", least))
    bloom = bloom_of(_plates(duck, path))
    sha256 = _sha256(path)
    west, south, east, north = bounds
    return ArchiveFile(
        day=day,
        area=area,
        generation=generation,
        key=key or archive_object(day, area, generation, sha256),
        sha256=sha256,
        size_bytes=path.stat().st_size,
        rows=rows,
        from_ms=from_ms,
        to_ms=to_ms,
        plate_min=low or "",
        plate_max=high or "",
        bounds=(west, south, east, north),
        cameras=cameras,
        bloom_blocks=len(bloom) // BLOCK_BYTES,
        version=_version(duck, path),
        parts=_parts(duck, path),
    ), bloom


def _version(duck: DuckDb, path: Path) -> int:
    """Return the version of a file's columns; the first had no direction."""
    return (
        VERSION
        if duck.rows("SELECT 1 FROM parquet_schema(?) WHERE name = 'direction'", [[str(path)]])
        else 1
    )


def _parts(duck: DuckDb, path: Path) -> str:
    """Return the parts of a file, as `ArchiveFile.parts` has them: the place and plates of each row
    group, and then the rest.
    """
    starts = (
        "least(data_page_offset, coalesce(nullif(dictionary_page_offset, 0), data_page_offset))"
    )
    groups = cast(
        "list[tuple[int, int, int]]",
        duck.rows(
            f"SELECT min(row_group_num_rows), min({starts}), "
            "sum(total_compressed_size)::BIGINT "
            "FROM "
            "parquet_metadata(?) "
            "GROUP BY row_group_id ORDER BY row_group_id",
            [[str(path)]],
        ),
    )
    ends = np.cumsum([rows for rows, _, _ in groups]).tolist()
    number = f"len(list_filter({ends}, lambda n: n <= file_row_number))"
    sql = (
        f"SELECT min(plate), max(plate), count(others) FROM (SELECT *, {number} AS number "
        "FROM "
        "read_parquet(?, file_row_number = true)) "
        "GROUP BY number ORDER BY number"
    )
    plate_ranges = cast("list[tuple[str | None, str | None, int]]", duck.rows(sql, [[str(path)]]))
    data = path.read_bytes()
    offsets = [0, *(start for _, start, _ in groups[1:]), groups[-1][1] + groups[-1][2], len(data)]
    digests = [digest_of(data[start:end]) for start, end in pairwise(offsets)]
    parts = [
        [at, digest, low or "", high or "", others > 0]
        for at, digest, (low, high, others) in zip(offsets, digests, plate_ranges, strict=False)
    ]
    return json.dumps(
        [*parts, [offsets[-2], digests[-1], "", "", True]],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _plates(duck: DuckDb, path: Path) -> Iterator[str]:
    """Yield every text by which an event of a file may be found."""
    source = [[str(path)]]
    for (plate,) in duck.rows(
        "SELECT DISTINCT plate FROM read_parquet(?) WHERE plate <> ''", source
    ):
        yield str(plate)
    for (others,) in duck.rows(
        "SELECT DISTINCT others FROM read_parquet(?) WHERE others IS NOT NULL", source
    ):
        yield from str(others).split(" ")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
