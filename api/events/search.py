"""Routes of events: search, and one event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends

from api.access.api_context import ApiContext, Context, Visible
from api.events.models import EventList, EventView, MatchView
from api.requests.cursors import NO_CURSOR, read_cursor, write_cursor
from api.requests.parameters import EventId, Limit, Next, event_query
from domain.camera_scope import VisibleCameras
from domain.errors import NotFound, QueryInvalid
from domain.events.event import Event
from domain.events.misreadings import match_of
from domain.events.query import EventQuery
from storage.index.fuzzy_search import is_cursor
from storage.index.plate_query import found_by


def find_event(context: ApiContext, visible: VisibleCameras, event_id: str) -> Event:
    """Return an event of a visible camera. Raises NotFound."""
    event = context.events.get(event_id, visible)
    if event is None:
        raise NotFound(f"there is no event {event_id}")
    return event


def search_events(
    context: Context,
    visible: Visible,
    query: Annotated[EventQuery, Depends(event_query)],
    limit: Limit = 50,
    next_: Next = None,
) -> EventList:
    """Search events, by default the newest first.

    Pages are stable while events arrive: pass `next` on with the same filters. A page with
    `archived` was also searched in the archive, which is slower. It may have fewer items than
    `limit`, or none, although there is a `next`.
    """
    after = None if next_ is None else read_cursor(query, visible, next_)
    if after is not None and not is_cursor(query, after):
        raise QueryInvalid("next", NO_CURSOR)
    page = context.events.query(query, visible, limit, after)
    cursor = None if page.next is None else write_cursor(query, visible, page.next)
    items, matches = [EventView.of(event) for event in page.events], _matches(page.events, query)
    return EventList(items=items, next=cursor, matches=matches, archived=page.archived)


def _matches(events: Sequence[Event], query: EventQuery) -> list[MatchView]:
    if not query.fuzzy or query.plate is None:
        return []
    matches = (match_of(event, query.plate, found_by(event)) for event in events)
    return [MatchView.of(match) for match in matches if match is not None]


def read_event(context: Context, visible: Visible, event_id: EventId) -> EventView:
    """Return one event."""
    return EventView.of(find_event(context, visible, event_id))
