"""One search of the event index: which rows are read, in which order, and a page of the events that
match.

A selective plate is looked up in the dictionary and its postings; every other search reads the
blocks in the order of time. Both give rows up to a bound. The records exclude most of them, and
`matches` compares each remaining event with the query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from domain.clock import NS_PER_MS
from domain.events.event import Event
from domain.events.query import EventPage, EventQuery
from domain.stored_model import unreadable
from domain.ulid import END_MS, id_parts
from storage.clients.readable_records import read_or_skip
from storage.index.place_filter import PlaceFilter
from storage.index.places import is_in_place
from storage.index.plate_code import BITS, PLACES, CodeMask
from storage.index.plate_query import PlateQuery
from storage.index.record import COLORS, PlaceFields, event_from_record
from storage.index.record_layout import (
    ALTERNATIVES,
    COLOR_SHIFT,
    FACE,
    NO_PLACE,
    PARTS,
    overflow_flags,
    plate_numbers,
    way_matches,
)
from storage.index.rows import Codes, IndexRow, Records, TooManyPlates
from storage.index.shards import SHARDS, Shards

FIRST, FIRST_PLACED, MOST = 64, 512, 16_384
"""Records that the first read of a shard returns, without and with a place filter, and the most
that any read returns.
"""
AMPLE, AHEAD = 1.5, 512
"""A read returns this many times the records that should fill the page; with a place filter, two
blocks more. Up to its bound, a shard gives fewer records than it reads.
"""
ROWS_FIRST = 16
"""Rows of a shard that the first read of a plate pattern returns."""
CHUNK = 64
"""Number of events that are loaded in one call."""
PLATES_MOST = 400
"""The most plates of a shard whose postings are read. If more match, reading the records by time
fills a page sooner.
"""
_LAST_MS = END_MS - 1


def matches(event: Event, query: EventQuery) -> bool:
    """Return whether an event matches every condition of a query except its plate."""
    return (
        (query.kind is None or event.kind == query.kind)
        and (query.from_ns is None or event.started_at >= query.from_ns)
        and (query.to_ns is None or event.started_at < query.to_ns)
        and is_in_place(query, event)
        and (query.min_confidence is None or event.confidence >= query.min_confidence)
        and (query.direction is None or event.direction == query.direction)
        and (query.lane is None or event.lane == query.lane)
        and (query.color is None or (event.plate is not None and event.plate.color == query.color))
    )


@dataclass(slots=True)
class Span:
    """The part of a search that is still to be read: starts in UTC ms, both ends included, and the
    id after which the page begins.
    """

    least_ms: int
    greatest_ms: int
    newest: bool
    after: tuple[int, bytes] | None = None

    @classmethod
    def of_query(cls, query: EventQuery, after: str | None) -> Span:
        least = 0 if query.from_ns is None else max(0, -(-query.from_ns // NS_PER_MS))
        greatest = (
            _LAST_MS if query.to_ns is None else min(_LAST_MS, -(-query.to_ns // NS_PER_MS) - 1)
        )
        span = cls(
            least, greatest, query.order == "newest", None if after is None else id_parts(after)
        )
        if span.after is not None:
            span.advance(span.after[0])
        return span

    @property
    def is_empty(self) -> bool:
        return self.least_ms > self.greatest_ms

    def advance(self, bound_ms: int) -> None:
        """Continue from this time, which is included."""
        if self.newest:
            self.greatest_ms = min(self.greatest_ms, bound_ms)
        else:
            self.least_ms = max(self.least_ms, bound_ms)

    def contains(self, order: tuple[int, bytes]) -> bool:
        """Return whether a row of this order is within the span."""
        if not self.least_ms <= order[0] <= self.greatest_ms:
            return False
        return self.after is None or (order < self.after if self.newest else order > self.after)

    def is_before(self, row: IndexRow, bound_ms: int | None) -> bool:
        return bound_ms is None or (
            row.start_ms > bound_ms if self.newest else row.start_ms < bound_ms
        )


@dataclass(slots=True)
class Search:
    """The work for one page in one order; it is created for each call."""

    shards: Shards
    query: EventQuery
    plate_query: PlateQuery | None
    _place_filter: PlaceFilter = field(init=False)

    def __post_init__(self) -> None:
        self._place_filter = PlaceFilter(self.shards, self.query)

    def page(self, limit: int, after: str | None) -> EventPage:
        """Return at most `limit` events after the id `after`; `next` is None at the end."""
        span = Span.of_query(self.query, after)
        found: list[Event] = []
        for rows in self._batches(span, limit + 1):
            chunk = max(CHUNK, limit + 1)
            for start in range(0, len(rows), chunk):
                found += self.matching(rows[start : start + chunk])
                if len(found) > limit:
                    return EventPage(tuple(found[:limit]), found[limit - 1].id)
        return EventPage(tuple(found), None)

    def rows(self, after: str | None) -> Iterator[list[IndexRow]]:
        """Yield all rows in order, without filters."""
        return self._by_time(Span.of_query(self.query, after))

    def all_rows(self, most: int) -> list[IndexRow] | None:
        """Return every row of the plates of the query, in order; None if a shard has more than
        `most`.
        """
        assert self.plate_query is not None
        span = Span.of_query(self.query, None)
        if span.is_empty:
            return []
        found = self.shards.by_plates(
            Codes(self.plate_query.codes),
            (span.least_ms, span.greatest_ms),
            span.newest,
            most,
            PLATES_MOST,
        )
        if isinstance(found, TooManyPlates) or found.bound_ms is not None:
            return None
        return self._sorted(found.rows, span)

    def _batches(self, span: Span, want: int) -> Iterator[list[IndexRow]]:
        return (
            self._by_time(span, want)
            if self.plate_query is None
            else self._by_plate(self.plate_query, span, want)
        )

    def _by_plate(self, plate_query: PlateQuery, span: Span, want: int) -> Iterator[list[IndexRow]]:
        enough = self._first_posted_rows(plate_query, want)
        codes = Codes(
            plate_query.codes,
            plate_query.masks,
            0 if self._has_filters else want,
            plate_query.is_read,
        )
        while not span.is_empty:
            ends = span.least_ms, span.greatest_ms
            found = self.shards.by_plates(codes, ends, span.newest, enough, PLATES_MOST)
            enough = min(MOST, enough * 4)
            if isinstance(found, TooManyPlates):
                yield from self._by_time(span, want, found.part)
                return
            rows = self._at_places(found.rows)
            yield self._sorted([row for row in rows if span.is_before(row, found.bound_ms)], span)
            if found.bound_ms is None:
                return
            span.advance(found.bound_ms)

    def _first_posted_rows(self, plate_query: PlateQuery, want: int) -> int:
        """Return how many rows of a shard, at whatever place, likely fill a page.

        The matches of a pattern are in all shards, and those of a plate in one.
        """
        fills = want / self._place_filter.part
        if plate_query.masks:
            fills = max(ROWS_FIRST, fills / SHARDS * AMPLE)
        return min(MOST, round(fills))

    def _at_places(self, rows: list[IndexRow]) -> list[IndexRow]:
        """Return the rows that may be at a matching place, so that only their events are loaded."""
        if not rows or not self._place_filter.is_placed:
            return rows
        fits = self._place_filter.fits(Records.of(rows)).tolist()
        return [row for row, is_fit in zip(rows, fits, strict=True) if is_fit]

    @property
    def _has_filters(self) -> bool:
        """Whether the query has more conditions than a plate and a time."""
        query = self.query
        return self._place_filter.is_placed or (
            query.color,
            query.min_confidence,
            query.direction,
            query.lane,
        ) != (None, None, None, None)

    def _by_time(self, span: Span, want: int = 0, part: float = 1.0) -> Iterator[list[IndexRow]]:
        """Yield rows in the order of time.

        `want` is the number of rows that fill a page; 0 means all. `part` is the share of records,
        places aside, that may match.
        """
        enough = self._first_batch_rows(want, part)
        while not span.is_empty:
            found, bound_ms = self._place_filter.scan(
                span.least_ms, span.greatest_ms, span.newest, enough
            )
            count = 0
            for rows in self._in_order(found, span, bound_ms):
                count += len(rows)
                yield rows
            if bound_ms is None:
                return
            span.advance(bound_ms)
            want -= count
            enough = _next_batch_rows(enough, count, want)

    def _first_batch_rows(self, want: int, part: float) -> int:
        """Return how many records of a shard likely fill a page. If places are searched in the
        shard, few records come back.
        """
        if self._place_filter.is_few:
            return FIRST_PLACED
        fills = round(want / part / self._place_filter.part / SHARDS * AMPLE)
        return min(MOST, max(FIRST, fills + (AHEAD if self._place_filter.is_clustered else 0)))

    def _in_order(
        self, found: Records, span: Span, bound_ms: int | None
    ) -> Iterator[list[IndexRow]]:
        """Yield the rows before the bound whose records may match, by id and in pieces: a page
        seldom needs all of them.
        """
        fits = self.may_match(found, span)
        if bound_ms is not None:
            fits &= found.start_ms > bound_ms if span.newest else found.start_ms < bound_ms
        found = found[np.flatnonzero(fits)]
        order = np.lexsort((found.records["tail_low"], found.records["tail_high"], found.start_ms))
        order = order[::-1] if span.newest else order
        for start in range(0, len(order), CHUNK):
            piece = found[order[start : start + CHUNK]]
            yield self._sorted(piece.rows(), span)

    def _sorted(self, rows: list[IndexRow], span: Span) -> list[IndexRow]:
        """Return the rows within the span by id, each id once.

        While a new reading replaces another, an id may have two rows for a moment; the later
        version wins.
        """
        last: dict[tuple[int, bytes], IndexRow] = {}
        for row in rows:
            order = row.order
            if not span.contains(order):
                continue
            other = last.get(order)
            if other is None or (row.version, row.shard) > (other.version, other.shard):
                last[order] = row
        return [last[order] for order in sorted(last, reverse=span.newest)]

    def may_match(self, found: Records, span: Span) -> NDArray[np.bool_]:
        """Return for each record whether its event may match.

        The records of overflow events and of unread plates do not decide; their events must be
        loaded.
        """
        query, records, bits = self.query, found.records, found.records["bits"]
        start_ms = found.start_ms
        overflow = overflow_flags(records)
        is_there = (records["place"] != 0) | overflow
        fits = (start_ms >= span.least_ms) & (start_ms <= span.greatest_ms)
        if query.kind is not None:
            fits &= ((bits & FACE) != 0) == (query.kind == "face")
        if query.color is not None:
            fits &= (bits >> COLOR_SHIFT & 7) == COLORS.index(query.color)
        if query.min_confidence is not None:
            fits &= records["confidence"] >= int(query.min_confidence * PARTS)
        if query.direction is not None or query.lane is not None:
            fits &= way_matches(records["box"], query.direction, query.lane)
        if self.plate_query is not None:
            fits &= _plates_fit(records, self.plate_query.masks)
        fits |= overflow
        fits &= is_there
        fits[fits] = self._place_filter.fits(found[np.flatnonzero(fits)])
        return fits

    def matching(self, rows: Sequence[IndexRow]) -> list[Event]:
        """Load the events of the rows and return those that match."""
        events = [
            event
            for event in load(self.shards, rows)
            if event is not None and matches(event, self.query)
        ]
        return (
            events
            if self.plate_query is None
            else [event for event in events if self.plate_query.accepts(event)]
        )


def _next_batch_rows(enough: int, count: int, want: int) -> int:
    """Return the records of the next read: the last one returned `count` rows, and `want` more are
    needed. If `want` is not above 0, all rows are needed.
    """
    fills = round(enough * want / count * AMPLE) if count and want > 0 else MOST
    return min(MOST, enough * 4, max(enough, fills))


def _plates_fit(records: NDArray[np.void], masks: Sequence[CodeMask]) -> NDArray[np.bool_]:
    """Return which records meet a condition, or can only be decided by their alternatives."""
    value = plate_numbers(records)
    fits: NDArray[np.bool_] = (value == 0) & ((records["bits"] & ALTERNATIVES) != 0)
    for mask in masks:
        known_bits = required = 0
        for place, code in mask.codes:
            shift = BITS * (PLACES - 1 - place)
            known_bits |= 63 << shift
            required |= code << shift
        meets = (value & np.uint64(known_bits)) == np.uint64(required)
        if mask.length is not None:
            meets &= ((value & np.uint64(63)) != 0) == (mask.length == PLACES)
        fits |= meets & (value != 0)
    return fits


def load(shards: Shards, rows: Sequence[IndexRow], is_whole: bool = False) -> list[Event | None]:
    """Return the events of rows; None for an event that was removed since, or that cannot be read.

    With `is_whole`, an unreadable event raises DataLoss, for a reader that must not miss any.
    """
    names = [(row.shard, row.record.place_name) for row in rows]
    places = shards.places.read(name for name in names if name[1] != NO_PLACE)
    more = [
        i for i, row in enumerate(rows) if row.record.has_alternatives or row.record.is_overflow
    ]
    details = dict(zip(more, shards.read_details([rows[i] for i in more]), strict=True))
    return [
        _loaded(row, *details.get(i, (b"", b"")), places.get(names[i]), is_whole)
        for i, row in enumerate(rows)
    ]


def _loaded(
    row: IndexRow, alternatives: bytes, body: bytes, place: PlaceFields | None, is_whole: bool
) -> Event | None:
    if row.record.is_overflow:
        return _event(body, is_whole) if body else None
    return (
        None if place is None else event_from_record(row.hour, row.record, alternatives, place, b"")
    )


def _event(body: bytes, is_whole: bool) -> Event | None:
    if not is_whole:
        return read_or_skip(Event, body, "index")
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        raise unreadable("an event of the index", error) from error
