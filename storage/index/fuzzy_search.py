"""Pages of a search by plate. A fuzzy search also finds likely misreadings, and returns the most
certain matches first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.events.event import Event
from domain.events.misreadings import MATCH_KINDS, MatchKind, match_of
from domain.events.query import EventPage, EventQuery
from domain.ulid import is_event_id
from storage.index.plate_query import PlateQuery, found_by
from storage.index.search import Search
from storage.index.shards import Shards

ROWS_OF_ALL_KINDS_MOST = 100
"""Up to this number of rows in a shard, the matches of all kinds are read together; with more
rows, each kind is read separately.
"""


@dataclass(frozen=True, slots=True)
class FuzzyCursor:
    """The keyset cursor of a fuzzy search: a match kind's number, and the last id of that kind."""

    rank: int = 0
    event_id: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> FuzzyCursor:
        """Return the cursor that a page's `next` names; without a text, that of the first page."""
        number, _, event_id = (text or "0.").partition(".")
        return cls(int(number), event_id or None)

    def __str__(self) -> str:
        return f"{self.rank}.{self.event_id or ''}"

    def is_before(self, rank: int, event_id: str, newest: bool) -> bool:
        """Return whether an event of this kind is after the cursor in the order of the search."""
        if rank != self.rank or self.event_id is None:
            return rank >= self.rank
        return event_id < self.event_id if newest else event_id > self.event_id


def search(shards: Shards, query: EventQuery, limit: int, after: str | None) -> EventPage:
    """Return at most `limit` events after the cursor `after`; `next` is None at the end."""
    if query.plate is None:
        return Search(shards, query, None).page(limit, after)
    if query.fuzzy:
        return _fuzzy_page(shards, query, query.plate, limit, after)
    plate_query = PlateQuery.by_pattern(query.plate)
    if plate_query is None:
        return EventPage((), None)
    return Search(shards, query, plate_query).page(limit, after)


def is_cursor(query: EventQuery, after: str) -> bool:
    """Return whether `after` is a cursor that a page of this search can return as `next`."""
    if query.plate is None or not query.fuzzy:
        return is_event_id(after)
    number, dot, event_id = after.partition(".")
    ranks = [str(rank) for rank in range(len(MATCH_KINDS))]
    return dot == "." and number in ranks and (not event_id or is_event_id(event_id))


def page_by_kind(
    page_of: Callable[[MatchKind, int, str | None], EventPage], limit: int, after: str | None
) -> EventPage:
    """Return a page of a fuzzy search that reads each match kind separately.

    `page_of` returns the events of one kind, at most a number of them, after an id.
    """
    cursor = FuzzyCursor.parse(after)
    event_id = cursor.event_id
    found: list[Event] = []
    for rank in range(cursor.rank, len(MATCH_KINDS)):
        page = page_of(MATCH_KINDS[rank], limit - len(found), event_id)
        found += page.events
        event_id = None
        if page.next is not None:
            return EventPage(tuple(found), str(FuzzyCursor(rank, page.next)))
        if len(found) == limit and rank + 1 < len(MATCH_KINDS):
            return EventPage(tuple(found), str(FuzzyCursor(rank + 1)))
    return EventPage(tuple(found), None)


def _fuzzy_page(
    shards: Shards, query: EventQuery, plate: str, limit: int, after: str | None
) -> EventPage:
    ranked = _ranked_matches(shards, query, plate)
    if ranked is None:
        return page_by_kind(
            lambda kind, most, event_id: Search(
                shards, query, PlateQuery.by_match_kind(plate, kind)
            ).page(most, event_id),
            limit,
            after,
        )
    cursor, newest = FuzzyCursor.parse(after), query.order == "newest"
    left = [(rank, event) for rank, event in ranked if cursor.is_before(rank, event.id, newest)]
    page = left[:limit]
    events = tuple(event for _, event in page)
    if len(left) <= limit:
        return EventPage(events, None)
    last_rank, last = page[-1]
    return EventPage(events, str(FuzzyCursor(last_rank, last.id)))


def _ranked_matches(
    shards: Shards, query: EventQuery, plate: str
) -> list[tuple[int, Event]] | None:
    """Return all matches with the number of their kind, by kind and then by id.

    Returns None if a shard has more than `ROWS_OF_ALL_KINDS_MOST` rows of them.
    """
    search = Search(shards, query, PlateQuery(PlateQuery.by_any_match(plate).codes))
    rows = search.all_rows(ROWS_OF_ALL_KINDS_MOST)
    if rows is None:
        return None
    matches = [(match_of(event, plate, found_by(event)), event) for event in search.matching(rows)]
    ranked = [(MATCH_KINDS.index(match.kind), event) for match, event in matches if match]
    return sorted(ranked, key=lambda pair: pair[0])
