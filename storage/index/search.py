"""One search of the event index: which rows to look at, in which order, and a page of the events
that match.

A plate that selects is looked up in the dictionary and its postings; all else walks the blocks in
the order of time. Either gives rows up to a bound; the records sort out most of them, and the event
itself is asked last. `matches` alone decides what is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from domain.clock import MS_PER_HOUR, NS_PER_MS
from domain.events.event import Event
from domain.events.query import EventPage, EventQuery
from domain.stored_model import unreadable
from domain.ulid import id_parts
from storage.clients.readable_records import read_or_skip
from storage.index.place_filter import PlaceFilter
from storage.index.places import is_in_place
from storage.index.plate_code import BITS, PLACES, CodeMask
from storage.index.plate_query import PlateQuery
from storage.index.record import (
    ALTERNATIVES,
    COLOR_SHIFT,
    COLORS,
    FACE,
    NOWHERE,
    ODD,
    PARTS,
    PlaceFields,
    event_of,
    plates_of,
    went,
)
from storage.index.rows import Codes, IndexRow, Many, Records
from storage.index.shards import SHARDS, Shards

FIRST, FIRST_PLACED, MOST = 64, 512, 16_384
"""Records of a shard that are enough for one look: few at first, as most pages are full soon;
more where only some places count.
"""
AMPLE, AHEAD = 1.5, 512
"""A look takes so many times what should do, and of places two blocks more: up to its bound a
shard gives less than it reads.
"""
ROWS_FIRST = 16
"""Rows of a shard that are enough for the first look at what a pattern meets."""
CHUNK = 64
"""Events loaded at a time."""
PLATES_MOST = 400
"""Plates a shard whose postings are read; where more match, looking at everything finds a page
sooner.
"""
_LAST_MS = (1 << 20) * MS_PER_HOUR - 1


def matches(event: Event, query: EventQuery) -> bool:
    """Whether an event is what a query asks for, but for the plate."""
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
    """What is still to be looked at: starts in UTC ms, both ends included, and the id to go on
    after.
    """

    least_ms: int
    greatest_ms: int
    newest: bool
    after: tuple[int, bytes] | None = None

    @classmethod
    def of(cls, query: EventQuery, after: str | None) -> Span:
        least = 0 if query.from_ns is None else max(0, -(-query.from_ns // NS_PER_MS))
        greatest = (
            _LAST_MS if query.to_ns is None else min(_LAST_MS, -(-query.to_ns // NS_PER_MS) - 1)
        )
        span = cls(
            least, greatest, query.order == "newest", None if after is None else id_parts(after)
        )
        if span.after is not None:
            span.go_on(span.after[0])
        return span

    @property
    def is_empty(self) -> bool:
        return self.least_ms > self.greatest_ms

    def go_on(self, bound_ms: int) -> None:
        """From here on, this moment included."""
        if self.newest:
            self.greatest_ms = min(self.greatest_ms, bound_ms)
        else:
            self.least_ms = max(self.least_ms, bound_ms)

    def holds(self, order: tuple[int, bytes]) -> bool:
        """Whether a row of this order is within."""
        if not self.least_ms <= order[0] <= self.greatest_ms:
            return False
        return self.after is None or (order < self.after if self.newest else order > self.after)

    def is_before(self, row: IndexRow, bound_ms: int | None) -> bool:
        return bound_ms is None or (
            row.start_ms > bound_ms if self.newest else row.start_ms < bound_ms
        )


@dataclass(slots=True)
class Search:
    """One page's worth of work in one order; made for each call."""

    shards: Shards
    query: EventQuery
    sought: PlateQuery | None
    _wanted: PlaceFilter = field(init=False)

    def __post_init__(self) -> None:
        self._wanted = PlaceFilter(self.shards, self.query)

    def page(self, limit: int, after: str | None) -> EventPage:
        """At most `limit` events after the id `after`; `next` is the id to go on after, or None
        once all were looked at.
        """
        span = Span.of(self.query, after)
        found: list[Event] = []
        for rows in self._looks(span, limit + 1):
            chunk = max(CHUNK, limit + 1)
            for start in range(0, len(rows), chunk):
                found += self.matching(rows[start : start + chunk])
                if len(found) > limit:
                    return EventPage(tuple(found[:limit]), found[limit - 1].id)
        return EventPage(tuple(found), None)

    def rows(self, after: str | None) -> Iterator[list[IndexRow]]:
        """Everything in order, unsifted."""
        return self._by_time(Span.of(self.query, after))

    def all_rows(self, most: int) -> list[IndexRow] | None:
        """Every row that the plates sought lead to, in order; None where a shard has more than
        `most`.
        """
        assert self.sought is not None
        span = Span.of(self.query, None)
        if span.is_empty:
            return []
        found = self.shards.by_plates(
            Codes(self.sought.codes),
            (span.least_ms, span.greatest_ms),
            span.newest,
            most,
            PLATES_MOST,
        )
        if isinstance(found, Many) or found.bound_ms is not None:
            return None
        return self._sorted(found.rows, span)

    def _looks(self, span: Span, want: int) -> Iterator[list[IndexRow]]:
        return (
            self._by_time(span, want)
            if self.sought is None
            else self._by_plate(self.sought, span, want)
        )

    def _by_plate(self, sought: PlateQuery, span: Span, want: int) -> Iterator[list[IndexRow]]:
        # What a pattern meets lies spread over the shards; a plate lies in one.
        enough = max(ROWS_FIRST, want // 4) if sought.demands else want
        codes = Codes(sought.codes, sought.demands, 0 if self._is_sifted else want, sought.is_read)
        while not span.is_empty:
            ends = span.least_ms, span.greatest_ms
            found = self.shards.by_plates(codes, ends, span.newest, enough, PLATES_MOST)
            enough = want
            if isinstance(found, Many):
                yield from self._by_time(span, want, found.part)
                return
            yield self._sorted(
                [row for row in found.rows if span.is_before(row, found.bound_ms)], span
            )
            if found.bound_ms is None:
                return
            span.go_on(found.bound_ms)

    @property
    def _is_sifted(self) -> bool:
        """Whether more is asked for than a plate and a time."""
        query = self.query
        return self._wanted.is_placed or (
            query.color,
            query.min_confidence,
            query.direction,
            query.lane,
        ) != (None, None, None, None)

    def _by_time(self, span: Span, want: int = 0, part: float = 1.0) -> Iterator[list[IndexRow]]:
        """`want`: rows that fill a page; 0: all are wanted. `part`: of the records, but for
        their places, what may be asked for.
        """
        enough = self._first_look(want, part)
        while not span.is_empty:
            found, bound_ms = self._wanted.scan(
                span.least_ms, span.greatest_ms, span.newest, enough
            )
            count = 0
            for rows in self._in_order(found, span, bound_ms):
                count += len(rows)
                yield rows
            if bound_ms is None:
                return
            span.go_on(bound_ms)
            want -= count
            enough = _next_look(enough, count, want)

    def _first_look(self, want: int, part: float) -> int:
        """Records of a shard that likely fill a page; of places that are looked for beside the
        data little comes back.
        """
        if self._wanted.is_few:
            return FIRST_PLACED
        fills = round(want / part / self._wanted.part / SHARDS * AMPLE)
        return min(MOST, max(FIRST, fills + (AHEAD if self._wanted.is_placed else 0)))

    def _in_order(
        self, found: Records, span: Span, bound_ms: int | None
    ) -> Iterator[list[IndexRow]]:
        """The rows before the bound that may match by their records alone, by id, in pieces: a
        page seldom needs all of them.
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
        """Those within, by id, each once: while a new reading replaces another there may be two
        for a moment, and the later stands.
        """
        last: dict[tuple[int, bytes], IndexRow] = {}
        for row in rows:
            order = row.order
            if not span.holds(order):
                continue
            other = last.get(order)
            if other is None or _standing(row) > _standing(other):
                last[order] = row
        return [last[order] for order in sorted(last, reverse=span.newest)]

    def may_match(self, found: Records, span: Span) -> NDArray[np.bool_]:
        """Of each record whether its event may match; only of an odd one, or by its
        alternatives, is it open whether it does.
        """
        query, records, bits = self.query, found.records, found.records["bits"]
        start_ms = found.start_ms
        is_there = (records["place"] != 0) | ((bits & np.uint32(ODD)) != 0)
        fits = (start_ms >= span.least_ms) & (start_ms <= span.greatest_ms)
        if query.kind is not None:
            fits &= ((bits & FACE) != 0) == (query.kind == "face")
        if query.color is not None:
            fits &= (bits >> COLOR_SHIFT & 7) == COLORS.index(query.color)
        if query.min_confidence is not None:
            fits &= records["share"] >= int(query.min_confidence * PARTS)
        if query.direction is not None or query.lane is not None:
            fits &= went(records["box"], query.direction, query.lane)
        if self.sought is not None:
            fits &= _plates_fit(records, self.sought.demands)
        fits |= (bits & np.uint32(ODD)) != 0
        fits &= is_there
        fits[fits] = self._wanted.fits(found[np.flatnonzero(fits)])
        return fits

    def matching(self, rows: Sequence[IndexRow]) -> list[Event]:
        events = [
            event
            for event in load(self.shards, rows)
            if event is not None and matches(event, self.query)
        ]
        return (
            events
            if self.sought is None
            else [event for event in events if self.sought.takes(event)]
        )


def _next_look(enough: int, count: int, want: int) -> int:
    """After a look at so many records of a shard found `count` rows, and `want` more are
    wanted; not above 0: all are.
    """
    fills = round(enough * want / count * AMPLE) if count and want > 0 else MOST
    return min(MOST, enough * 4, max(enough, fills))


def _plates_fit(records: NDArray[np.void], demands: Sequence[CodeMask]) -> NDArray[np.bool_]:
    """Records that meet a demand, and those of which only the alternatives can tell."""
    value = plates_of(records)
    fits: NDArray[np.bool_] = (value == 0) & ((records["bits"] & ALTERNATIVES) != 0)
    for demand in demands:
        mask = wanted = 0
        for place, code in demand.codes:
            shift = BITS * (PLACES - 1 - place)
            mask |= 63 << shift
            wanted |= code << shift
        one = (value & np.uint64(mask)) == np.uint64(wanted)
        if demand.length is not None:
            one &= ((value & np.uint64(63)) != 0) == (demand.length == PLACES)
        fits |= one & (value != 0)
    return fits


def load(shards: Shards, rows: Sequence[IndexRow], is_whole: bool = False) -> list[Event | None]:
    """The events of rows; None for one that was removed meanwhile, or cannot be read.

    `is_whole`: raise DataLoss for one that cannot be read, for a reader that must not miss any.
    """
    names = [(row.shard, row.record[24:28]) for row in rows]
    places = shards.places.read(name for name in names if name[1] != NOWHERE)
    more = [
        i
        for i, row in enumerate(rows)
        if int.from_bytes(row.record[:4], "little") & (ALTERNATIVES | ODD)
    ]
    beside = dict(zip(more, shards.beside([rows[i] for i in more]), strict=True))
    return [
        _loaded(row, *beside.get(i, (b"", b"")), places.get(names[i]), is_whole)
        for i, row in enumerate(rows)
    ]


def _loaded(
    row: IndexRow, alternatives: bytes, body: bytes, place: PlaceFields | None, is_whole: bool
) -> Event | None:
    if int.from_bytes(row.record[:4], "little") & ODD:
        return _event(body, is_whole) if body else None
    return None if place is None else event_of(row.hour, row.record, alternatives, place, b"")


def _event(body: bytes, is_whole: bool) -> Event | None:
    if not is_whole:
        return read_or_skip(Event, body, "index")
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        raise unreadable("an event of the index", error) from error


def _standing(row: IndexRow) -> tuple[int, int, int]:
    bits = int.from_bytes(row.record[:4], "little")
    return int.from_bytes(row.record[16:18], "little"), bits >> 23 & 3, row.shard
