"""How many events of the archive match, over time. SQL counts the rows whose columns decide; the
events of the others are compared.

The newest days are counted first, so that an interrupted count is complete from some time on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from domain.clock import NS_PER_MS, Clock
from domain.events.misreadings import MATCH_KINDS, MatchKind
from domain.events.query import EventQuery
from domain.plates import is_wildcard
from domain.ulid import id_parts
from storage.archive.cache import ArchiveCache
from storage.archive.day import ArchiveFile
from storage.archive.rows import TYPES, event_from_row
from storage.archive.search import ArchiveSearch, of_current_files, selected, span_of
from storage.archive.sql_terms import Terms, like
from storage.clients.duckdb import DuckDb, Value
from storage.index.counts import Buckets

_COLUMNS = ", ".join(TYPES)


@dataclass(frozen=True, slots=True)
class ArchiveCount:
    counts: NDArray[np.int64]
    whole_from_ms: int | None
    """The time before which some events were not counted; None if all were."""


class ArchiveCounts:
    def __init__(
        self, search: ArchiveSearch, cache: ArchiveCache, duck: DuckDb, clock: Clock
    ) -> None:
        self._search = search
        self._cache = cache
        self._duck = duck
        self._clock = clock

    def count(
        self, query: EventQuery, buckets: Buckets, without: Sequence[str], until_s: float | None
    ) -> ArchiveCount:
        """Return how many events match in each bucket, without the events of the ids `without`. The
        time range must lie within the buckets.

        One group of files is always read, and no other one after `until_s` (monotonic). Raises
        StoreError, DataLoss.
        """
        query = replace(query, order="newest")
        kinds: Sequence[MatchKind | None] = (
            MATCH_KINDS if query.plate is not None and query.fuzzy else (None,)
        )
        parts = [
            of_current_files(partial(self._count_kind, query, kind, buckets, without, until_s))
            for kind in kinds
        ]
        reached = [part.whole_from_ms for part in parts if part.whole_from_ms is not None]
        return ArchiveCount(
            sum((part.counts for part in parts), np.zeros(buckets.count, np.int64)),
            max(reached, default=None),
        )

    def _count_kind(
        self,
        query: EventQuery,
        kind: MatchKind | None,
        buckets: Buckets,
        without: Sequence[str],
        until_s: float | None,
    ) -> ArchiveCount:
        counts = np.zeros(buckets.count, np.int64)
        terms = Terms.of(query, kind)
        if terms is None:
            return ArchiveCount(counts, None)
        reached: int | None = None
        for files, bound in self._search.file_groups(query, terms, *span_of(query, None)):
            if reached is not None and until_s is not None and self._clock.monotonic_s() >= until_s:
                return ArchiveCount(counts, reached)
            opened = [
                file
                for file in files
                if not self._is_counted(file, query, buckets, without, counts)
            ]
            if opened:
                self._count_files(opened, query, terms, without, buckets, counts)
            reached = id_parts(bound)[0]
        return ArchiveCount(counts, None)

    def _is_counted(
        self,
        file: ArchiveFile,
        query: EventQuery,
        buckets: Buckets,
        without: Sequence[str],
        counts: NDArray[np.int64],
    ) -> bool:
        """Count a file that lies in one bucket and matches as a whole, without opening it; return
        whether that was possible.
        """
        least_ms, greatest_ms = span_of(query, None)
        bucket = buckets.index_of(file.from_ms)
        is_of_all = query == EventQuery(from_ns=query.from_ns, to_ns=query.to_ns, order=query.order)
        if (
            without
            or not is_of_all
            or bucket != buckets.index_of(file.to_ms)
            or file.from_ms < least_ms
            or file.to_ms > greatest_ms
        ):
            return False
        counts[bucket] += file.rows
        return True

    def _count_files(
        self,
        files: Sequence[ArchiveFile],
        query: EventQuery,
        terms: Terms,
        without: Sequence[str],
        buckets: Buckets,
        counts: NDArray[np.int64],
    ) -> None:
        self._cache.read(
            files,
            terms.plate,
            lambda paths: self._add(
                _CountSql(files, paths, query, terms, without), buckets, counts
            ),
        )

    def _add(self, sql: _CountSql, buckets: Buckets, counts: NDArray[np.int64]) -> None:
        groups = self._duck.rows(
            *sql.decided(
                f"(start_ms - {buckets.start_ms}) // {buckets.width_ms} AS bucket, lon, lat"
            )
        )
        rows = self._duck.rows(*sql.undecided())
        for bucket, lon, lat, events in cast("list[tuple[int, float, float, int]]", groups):
            if sql.is_there(lon, lat):
                counts[bucket] += events
        for row in rows:
            event = event_from_row(row)
            if sql.terms.accepts(event):
                counts[buckets.index_of(event.started_at // NS_PER_MS)] += 1


@dataclass(frozen=True, slots=True)
class _CountSql:
    """The SQL that counts: rows whose columns decide whether they match, positions aside, and the
    other rows.
    """

    files: Sequence[ArchiveFile]
    paths: Sequence[Path]
    query: EventQuery
    terms: Terms
    without: Sequence[str]

    def decided(self, columns: str) -> tuple[str, list[Value]]:
        sql, values = self._where("AND", columns)
        return f"SELECT *, count(*) FROM ({sql}) GROUP BY ALL", values

    def undecided(self) -> tuple[str, list[Value]]:
        return self._where("AND NOT", _COLUMNS)

    def is_there(self, lon: float, lat: float) -> bool:
        query = self.query
        return (query.near is None or query.near.contains(lon, lat)) and (
            query.within is None or query.within.contains(lon, lat)
        )

    def _where(self, joined: str, columns: str) -> tuple[str, list[Value]]:
        decides, decides_values = self._decides()
        area = self.query.area
        placed, place = (
            ("TRUE", ())
            if area is None
            else ("(area = ? OR starts_with(area, ?))", (area, f"{area}/"))
        )
        more = (
            f"start_ms BETWEEN ? AND ? AND {placed} AND id NOT IN (SELECT "
            f"unnest(?::VARCHAR[])) {joined} ({decides})"
        )
        values: tuple[Value, ...] = (
            *span_of(self.query, None),
            *place,
            list(self.without),
            *decides_values,
        )
        wheres = [(f"{where} AND {more}", (*asked, *values)) for where, asked in self.terms.wheres]
        return selected(columns, self.files, self.paths, wheres)

    def _decides(self) -> tuple[str, list[Value]]:
        """Return the condition for rows that decide alone: they restore their event, and their
        reading is the requested plate.
        """
        plate = self.query.plate
        if plate is None:
            return "body IS NULL", []
        if is_wildcard(plate):
            return "body IS NULL AND coalesce(plate LIKE ?, FALSE)", [like(plate)]
        return "FALSE", []
