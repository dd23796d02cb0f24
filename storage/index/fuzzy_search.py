"""A page of a search, and that of a fuzzy one: what one likely misreading ties to a plate, the
surest first.
"""

from __future__ import annotations

from domain.events.event import Event
from domain.events.misreadings import TIES, match_of
from domain.events.query import EventPage, EventQuery
from domain.ulid import is_event_id
from storage.index.plate_query import PlateQuery, found_by
from storage.index.search import Search
from storage.index.shards import Shards

TIED_MOST = 100
"""Rows of a shard up to which all that is tied to a plate is looked up at once, and not tie by
tie.
"""


def search(shards: Shards, query: EventQuery, limit: int, after: str | None) -> EventPage:
    """At most `limit` events after where `after` says; `next` is where to go on, or None once
    all were looked at.
    """
    if query.plate is None:
        return Search(shards, query, None).page(limit, after)
    if query.fuzzy:
        return _by_ties(shards, query, query.plate, limit, after)
    sought = PlateQuery.by_pattern(query.plate)
    return (
        EventPage((), None) if sought is None else Search(shards, query, sought).page(limit, after)
    )


def is_place(query: EventQuery, after: str) -> bool:
    """Whether a page of this search can go on after `after`, as `next` of a page gives it."""
    if query.plate is None or not query.fuzzy:
        return is_event_id(after)
    number, dot, event_id = after.partition(".")
    ranks = [str(rank) for rank in range(len(TIES))]
    return dot == "." and number in ranks and (not event_id or is_event_id(event_id))


def _by_ties(
    shards: Shards, query: EventQuery, plate: str, limit: int, after: str | None
) -> EventPage:
    """The surest first; a place to go on is the number of a tie and an id."""
    number, _, event_id = (after or "0.").partition(".")
    found = _all_tied(shards, query, plate)
    if found is None:
        return _tie_by_tie(shards, query, plate, limit, after)
    reached = int(number), event_id or None
    left = [
        (rank, event)
        for rank, event in found
        if _comes_after((rank, event.id), reached, query.order == "newest")
    ]
    page = left[:limit]
    return EventPage(
        tuple(event for _, event in page),
        f"{page[-1][0]}.{page[-1][1].id}" if len(left) > limit else None,
    )


def _comes_after(place: tuple[int, str], reached: tuple[int, str | None], newest: bool) -> bool:
    (rank, event_id), (last_rank, last_id) = place, reached
    if rank != last_rank or last_id is None:
        return rank >= last_rank
    return event_id < last_id if newest else event_id > last_id


def _all_tied(shards: Shards, query: EventQuery, plate: str) -> list[tuple[int, Event]] | None:
    """All that is tied to a plate, with the number of its tie, by that and then by id; None
    where there is much.
    """
    search = Search(shards, query, PlateQuery(PlateQuery.by_any_tie(plate).codes))
    rows = search.all_rows(TIED_MOST)
    if rows is None:
        return None
    tied = [(match_of(event, plate, found_by(event)), event) for event in search.matching(rows)]
    ranked = [(TIES.index(match.tie), event) for match, event in tied if match is not None]
    return sorted(ranked, key=lambda pair: pair[0])


def _tie_by_tie(
    shards: Shards, query: EventQuery, plate: str, limit: int, after: str | None
) -> EventPage:
    """As many looks as there are ties."""
    number, _, event_id = (after or "0.").partition(".")
    found: list[Event] = []
    for rank in range(int(number), len(TIES)):
        page = Search(shards, query, PlateQuery.by_tie(plate, TIES[rank])).page(
            limit - len(found), event_id or None
        )
        found += page.events
        event_id = ""
        if page.next is not None:
            return EventPage(tuple(found), f"{rank}.{page.next}")
        if len(found) == limit and rank + 1 < len(TIES):
            return EventPage(tuple(found), f"{rank + 1}.")
    return EventPage(tuple(found), None)
