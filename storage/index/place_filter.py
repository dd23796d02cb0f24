"""The place filter of a search. A few places are searched in the shards; for many, the records are
filtered here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from domain.camera_scope import ALL_CAMERAS
from domain.events.query import EventQuery
from storage.index.places import PlaceTable, is_placed
from storage.index.rows import Records
from storage.index.shards import SHARDS, Shards

FEW = 8
"""The most places of a shard that are searched in its blocks by name."""
MORE = 8
"""A search for place names reads this many times more records, because few of them are returned."""
_TRIES = 20


class PlaceFilter:
    """The filter of one search; `is_placed` says whether the query has a condition on places."""

    def __init__(self, shards: Shards, query: EventQuery) -> None:
        self._shards = shards
        self.is_placed = is_placed(query)
        self.is_clustered = is_placed(replace(query, visible=ALL_CAMERAS))
        """Whether the query itself names places, whose events often arrive together. The cameras
        of a scope are spread over the city.
        """
        self._query = query
        self._table: PlaceTable | None = None
        self._fits = np.ones(1, np.bool_)

    @property
    def part(self) -> float:
        """The share of the known places that match; 1 if no place is known."""
        if not self.is_placed:
            return 1.0
        self._look_up()
        return max(1, int(self._fits[:-1].sum())) / max(1, len(self._fits) - 1)

    @property
    def is_few(self) -> bool:
        """Whether the matching places, as far as they are known, are searched by name."""
        if not self.is_placed:
            return False
        self._look_up()
        assert self._table is not None
        return self._table.most_in_a_shard(self._fits) <= FEW

    def scan(
        self, least_ms: int, greatest_ms: int, newest: bool, enough: int
    ) -> tuple[Records, int | None]:
        """Return what `Shards.scan` does; records at other places may be left out."""
        for _ in range(_TRIES if self.is_placed else 0):
            if not self.is_few:
                break
            found = self._shards.scan_places(
                least_ms, greatest_ms, newest, enough * MORE, self._names()
            )
            if found is not None:
                return found
            self._shards.places.read_all(range(SHARDS))
        return self._shards.scan(least_ms, greatest_ms, newest, enough)

    def fits(self, found: Records) -> NDArray[np.bool_]:
        """Return for each record whether it may be at a matching place."""
        if not self.is_placed or not len(found.records):
            return np.ones(len(found.records), np.bool_)
        rows = self._rows(found)
        unknown = np.unique(
            found.shards[(rows == len(self._fits) - 1) & (found.records["place"] != 0)]
        )
        if len(unknown):
            self._shards.places.read_all(int(shard) for shard in unknown)
            rows = self._rows(found)
        return self._fits[rows]

    def _names(self) -> list[list[bytes]]:
        """Return the names of the matching places, by shard."""
        self._look_up()
        assert self._table is not None
        return [self._table.names(shard, self._fits) for shard in range(SHARDS)]

    def _rows(self, found: Records) -> NDArray[np.int64]:
        self._look_up()
        assert self._table is not None
        return self._table.rows_of(found.shards, found.records["place"])

    def _look_up(self) -> None:
        table = self._shards.places.table()
        if table is not self._table:
            self._table, self._fits = table, table.fits(self._query)
