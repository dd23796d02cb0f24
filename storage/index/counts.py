"""How many events match, over time, for a time line. The counts are exact where that is fast, and
otherwise estimated from a sample.

Whole hours without filters are counted in Redis. A selective plate is counted by its postings.
Everything else is counted from the records of the hours. If these are more than `RECORDS_MOST`,
every so many-th block stands for the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.clock import MS_PER_HOUR, NS_PER_MS
from domain.events.query import EventQuery
from domain.ulid import id_parts
from storage.index.plate_code import code_masks
from storage.index.plate_query import PlateQuery
from storage.index.record_layout import PARTS, PLATE, overflow_flags
from storage.index.rows import BoundedRows, Codes, HourCount, IndexRow, Records, TooManyPlates
from storage.index.search import CHUNK, PLATES_MOST, Search, Span
from storage.index.shards import Shards

RECORDS_MOST = 500_000
"""20 MB of answers, which take a tenth of a second."""
RECORDS_AT_ONCE = 65_536
ROWS_MOST = 4_000
"""The most rows of a shard by which a plate is counted; a more frequent plate is counted from a
sample.
"""
MATCHED_ROWS_MOST = 20_000
_LAST_MS = 1 << 52


@dataclass(frozen=True, slots=True)
class Buckets:
    """Consecutive spans of equal length, in UTC ms."""

    start_ms: int
    width_ms: int
    count: int

    def index_of(self, ms: int) -> int:
        return (ms - self.start_ms) // self.width_ms


@dataclass(frozen=True, slots=True)
class Histogram:
    counts: tuple[int, ...]
    exact: bool
    """Whether the counts are exact; otherwise they are estimates from a sample."""


def histogram(shards: Shards, query: EventQuery, buckets: Buckets) -> Histogram:
    """Return how many events match `query` in each bucket, with bounded work. The time range of the
    query must lie within the buckets.
    """
    return _HistogramRun(shards, query, buckets).run()


class _HistogramRun:
    def __init__(self, shards: Shards, query: EventQuery, buckets: Buckets) -> None:
        self._shards = shards
        self._query = query
        self._buckets = buckets
        self._span = Span.of_query(query, None)
        self._counts = np.zeros(buckets.count, np.float64)
        self._exact = True
        self._search = Search(
            shards,
            query,
            _record_filter(query.plate) if query.plate is not None and not query.fuzzy else None,
        )

    def run(self) -> Histogram:
        if not self._span.is_empty:
            if self._query.plate is None:
                self._by_hours()
            elif self._query.fuzzy:
                self._by_matches(self._query.plate)
            else:
                self._by_plate(self._query.plate)
        return Histogram(tuple(round(count) for count in self._counts), self._exact)

    def _by_plate(self, pattern: str) -> None:
        plate_query = PlateQuery.by_pattern(pattern)
        if plate_query is None:
            return  # longer than any plate
        found = self._posted(plate_query, ROWS_MOST)
        if found is None or found.bound_ms is not None:
            self._by_hours()
            return
        self._add(Records.of(found.rows), np.ones(len(found.rows)))

    def _by_matches(self, plate: str) -> None:
        plate_query = PlateQuery.by_any_match(plate)
        found = self._posted(plate_query, MATCHED_ROWS_MOST)
        if found is not None:
            self._exact = found.bound_ms is None
            self._add_loaded(
                Search(self._shards, self._query, plate_query),
                [row for row in found.rows if self._span.contains(row.order)],
            )

    def _posted(self, plate_query: PlateQuery, most: int) -> BoundedRows | None:
        span = self._span
        codes = Codes(plate_query.codes, plate_query.masks, is_read=plate_query.is_read)
        found = self._shards.by_plates(
            codes, (span.least_ms, span.greatest_ms), span.newest, most, PLATES_MOST
        )
        return (
            None
            if isinstance(found, TooManyPlates)
            else BoundedRows(list({row.order: row for row in found.rows}.values()), found.bound_ms)
        )

    def _by_hours(self) -> None:
        span = self._span
        hours = self._shards.hour_counts(
            span.least_ms // MS_PER_HOUR, span.greatest_ms // MS_PER_HOUR
        )
        scanned = {
            hour: count for hour, count in hours.items() if not self._is_counted(hour, count)
        }
        stride = max(1, -(-sum(count.events for count in scanned.values()) // RECORDS_MOST))
        self._exact = stride == 1
        # A sample is of whole hours, whose events are counted: what part of them it is must be
        # known.
        ends = (span.least_ms, span.greatest_ms) if stride == 1 else (0, _LAST_MS)
        found = Records.joined(
            [self._shards.sample(portion, stride, *ends) for portion in _portions(scanned, stride)]
        )
        if len(found.records):
            self._add(
                found, np.ones(len(found.records)) if stride == 1 else self._weights(found, scanned)
            )

    def _is_counted(self, hour: int, count: HourCount) -> bool:
        """Count an hour that is within one bucket and has no other condition, without reading it;
        return whether that was possible.
        """
        first, last = hour * MS_PER_HOUR, (hour + 1) * MS_PER_HOUR - 1
        bucket = self._buckets.index_of(first)
        if (
            not _has_only_time_and_kind(self._query)
            or first < self._span.least_ms
            or last > self._span.greatest_ms
        ):
            return False
        if bucket != self._buckets.index_of(last):
            return False
        self._counts[bucket] += {
            None: count.events,
            "face": count.faces,
            "vehicle": count.events - count.faces,
        }[self._query.kind]
        return True

    def _weights(self, found: Records, hours: dict[int, HourCount]) -> NDArray[np.float64]:
        """Return for how many events each record of a sample counts: those of its bucket divided by
        the sampled ones, or those of its hour if buckets are shorter.
        """
        group_ms = max(self._buckets.width_ms, MS_PER_HOUR)

        def group_of(hour: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.maximum(0, (hour * MS_PER_HOUR - self._buckets.start_ms) // group_ms)

        records = found.records
        groups, is_there = (
            group_of(found.pointers >> 20),
            (records["place"] != 0) | overflow_flags(records),
        )
        events = np.bincount(
            group_of(np.array(list(hours), np.int64)),
            weights=[count.events for count in hours.values()],
        )
        sampled = np.bincount(groups[is_there], minlength=len(events))
        return np.asarray((events / np.maximum(sampled, 1))[groups], np.float64)

    def _add(self, found: Records, weights: NDArray[np.float64]) -> None:
        fits = np.flatnonzero(self._search.may_match(found, self._span))
        found, weights = found[fits], weights[fits]
        decided = self._is_decided(found.records)
        yes = np.flatnonzero(decided & self._matches_record(found.records))
        self._count(found[yes].start_ms, weights[yes])
        undecided = np.flatnonzero(~decided)
        self._add_loaded(self._search, found[undecided].rows(), weights[undecided])

    def _is_decided(self, records: NDArray[np.void]) -> NDArray[np.bool_]:
        """Return for each record whether it decides alone. Overflow records do not; with a plate
        query, unread plates do not either.
        """
        decided: NDArray[np.bool_] = ~overflow_flags(records)
        if self._search.plate_query is not None:
            decided &= (records["plate"] != 0).any(axis=1)
        return decided

    def _matches_record(self, records: NDArray[np.void]) -> NDArray[np.bool_]:
        """Return which deciding records meet the conditions that `may_match` leaves open."""
        fits = np.ones(len(records), np.bool_)
        if self._query.min_confidence is not None:
            fits &= records["confidence"] / PARTS >= self._query.min_confidence
        if self._query.color is not None:
            fits &= (records["bits"] & PLATE) != 0
        return fits

    def _add_loaded(
        self, search: Search, rows: Sequence[IndexRow], weights: NDArray[np.float64] | None = None
    ) -> None:
        """Load the events of these rows in pieces, and count those that match."""
        weight_of = {
            row.order: 1.0 if weights is None else float(weights[i]) for i, row in enumerate(rows)
        }
        for start in range(0, len(rows), CHUNK):
            found = search.matching(rows[start : start + CHUNK])
            starts = np.array([event.started_at // NS_PER_MS for event in found], np.int64)
            self._count(starts, np.array([weight_of[id_parts(event.id)] for event in found]))

    def _count(self, starts: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        which = (starts - self._buckets.start_ms) // self._buckets.width_ms
        self._counts += np.bincount(which, weights, self._buckets.count)


def _record_filter(pattern: str) -> PlateQuery:
    """Return the query that decides by a record whether its plate matches, for whole plates too."""
    plate_query = PlateQuery.by_pattern(pattern) or PlateQuery()
    return PlateQuery((), code_masks(pattern), plate_query.accepts)


def _has_only_time_and_kind(query: EventQuery) -> bool:
    """Return whether the query has no other condition than time and kind."""
    return query == EventQuery(
        kind=query.kind, from_ns=query.from_ns, to_ns=query.to_ns, order=query.order
    )


def _portions(hours: dict[int, HourCount], stride: int) -> Iterator[list[int]]:
    """Yield the hours in portions of about `RECORDS_AT_ONCE` records that are read."""
    portion: list[int] = []
    records = 0
    for hour, count in sorted(hours.items()):
        portion.append(hour)
        records += count.events
        if records > RECORDS_AT_ONCE * stride:
            yield portion
            portion, records = [], 0
    if portion:
        yield portion
