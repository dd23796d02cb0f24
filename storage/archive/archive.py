"""The archive: events older than those of the index, in Parquet files of the object store, one for
each area and day.

Each process that searches it has its own folder of recently used files, and its own DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from domain.clock import Clock
from domain.settings import Settings
from storage.archive.cache import ArchiveCache
from storage.archive.catalogue import Catalogue
from storage.archive.counts import ArchiveCounts
from storage.archive.day import ArchiveFile
from storage.archive.parquet_files import ArchiveWriter
from storage.archive.search import ArchiveSearch
from storage.clients.duckdb import DuckDb
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore

_GB = 10**9


@dataclass(frozen=True, slots=True)
class Archive:
    catalogue: Catalogue
    cache: ArchiveCache
    duck: DuckDb
    search: ArchiveSearch
    counts: ArchiveCounts
    writer: ArchiveWriter
    clock: Clock

    @classmethod
    def open(
        cls, objects: ObjectStore, redis: Redis, folder: Path, settings: Settings, clock: Clock
    ) -> Archive:
        """Open the archive; `folder` belongs to this process alone. No store is asked yet."""
        catalogue = Catalogue(objects, redis, folder / "filters", clock)
        duck = DuckDb(folder / "spill", settings.archive_memory_mb)
        cache = ArchiveCache(objects, folder / "files", round(settings.archive_cache_gb * _GB))
        search = ArchiveSearch(catalogue, cache, duck, clock)
        counts = ArchiveCounts(search, cache, duck, clock)
        return cls(
            catalogue,
            cache,
            duck,
            search,
            counts,
            ArchiveWriter(objects, duck, folder / "work"),
            clock,
        )

    def files(self) -> Iterator[ArchiveFile]:
        """Yield every file that the catalogue names, by day."""
        days = self.catalogue.days()
        for name in sorted(days):
            yield from days[name].files

    def times(self, file: ArchiveFile) -> list[tuple[str, str, int, int]]:
        """Return id, camera, start and end (UTC ms) of each event of a file."""
        with self.cache.held([file]) as (path,):
            rows = self.duck.rows(
                "SELECT id, camera, start_ms, end_ms FROM read_parquet(?)", [[str(path)]]
            )
        return cast("list[tuple[str, str, int, int]]", rows)

    def close(self) -> None:
        self.duck.close()
