"""Routes of the live feeds of events and of watch matches, and of tickets to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Query, Request

from api.access.api_context import ApiContext, Context, RequestTrace
from api.access.standing_access import StandingAccess
from api.events.models import EventView, FeedTicket
from api.feeds.hub import Arrival, EventFilter, Hub
from api.feeds.stream import LONGEST_S, FeedStart, answer, resume_from
from api.feeds.watch_models import WatchMatchView
from api.requests.numbers import Decimal, WholeNumber
from api.requests.parameters import passing_filter
from api.requests.request_trace import Trace
from api.requests.streams import GeneratedStream
from api.requests.tickets import TICKET, ticket_for, write_ticket
from domain.clock import NS_PER_S
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.events.watches import WatchMatch
from domain.plates import plate_expression
from storage.index.plate_query import found_by
from storage.index.search import matches

After = Annotated[
    WholeNumber | None,
    Query(
        ge=0,
        lt=10**16,
        description="go on after this arrival number; `Last-Event-ID` comes before it",
    ),
]
Seconds = Annotated[
    Decimal,
    Query(
        ge=0, le=LONGEST_S, description="the answer ends after so long; 0: with what has arrived"
    ),
]
TicketOf = Annotated[
    str | None, Query(alias=TICKET, max_length=4096, description="in place of a token and a reason")
]
EVENTS_FEED, WATCHES_FEED = "/v1/events/feed", "/v1/watches/feed"


@dataclass(frozen=True, slots=True)
class _Page:
    last: int
    known_from: int
    items: tuple[Arrival, ...]


class Feeds:
    """The hubs of one app: one for each feed."""

    def __init__(self, context: ApiContext) -> None:
        def read_events(after: int, limit: int) -> _Page:
            page = context.feed.after(after, limit)
            return _Page(
                page.last,
                page.known_from,
                tuple(_event_arrival(number, event) for number, event in page.items),
            )

        def read_matches(after: int, limit: int) -> _Page:
            page = context.matches.after(after, limit)
            return _Page(
                page.last,
                page.known_from,
                tuple(_match_arrival(number, match) for number, match in page.items),
            )

        self.access = StandingAccess.of_site(context)
        self.events = Hub("events", read_events)
        self.watches = Hub("watches", read_matches)

    def end(self) -> None:
        """End all responses, because the process stops. Clients reconnect and resume."""
        for hub in (self.events, self.watches):
            hub.end()


async def _feeds(request: Request) -> Feeds:
    return cast(Feeds, request.app.state.feeds)


FeedsOf = Annotated[Feeds, Depends(_feeds)]


async def follow_events(
    request: Request,
    trace: RequestTrace,
    feeds: FeedsOf,
    query: Annotated[EventQuery, Depends(passing_filter)],
    after: After = None,
    seconds: Seconds = LONGEST_S,
    ticket: TicketOf = None,
) -> GeneratedStream:
    """Stream events as they are indexed, as server-sent events.

    Events from a spool arrive late, and an event is sent again when it changes.
    """
    access, wants = feeds.access.of(trace), event_filter(query)

    def sees(arrival: Arrival) -> bool:
        return arrival.event.camera in access.visible and wants(arrival.event)

    start = FeedStart(sees, resume_from(request, after), seconds)
    return await answer(feeds.events, "event", start, access)


def read_events_ticket(context: Context, trace: RequestTrace) -> FeedTicket:
    """Return a URL of the feed for an `EventSource`, which cannot send headers.

    It may be opened for ten minutes.
    """
    return _ticket(context, trace, EVENTS_FEED)


async def follow_matches(
    request: Request,
    trace: RequestTrace,
    feeds: FeedsOf,
    after: After = None,
    seconds: Seconds = LONGEST_S,
    ticket: TicketOf = None,
) -> GeneratedStream:
    """Stream the matches of watches as server-sent events, within a second of the indexing."""
    access = feeds.access.of(trace)

    def sees(arrival: Arrival) -> bool:
        """A person with a limited scope gets the matches of the own watches only."""
        person = access.person
        is_own = person.has_made(arrival.owner, arrival.matched_at_ns)
        may_see = person.scope.is_unlimited or is_own
        return may_see and arrival.event.camera in access.visible

    start = FeedStart(sees, resume_from(request, after), seconds)
    return await answer(feeds.watches, "match", start, access)


def read_matches_ticket(context: Context, trace: RequestTrace) -> FeedTicket:
    """Return a URL of the feed of matches for an `EventSource`, valid for ten minutes."""
    return _ticket(context, trace, WATCHES_FEED)


def _ticket(context: ApiContext, trace: Trace, path: str) -> FeedTicket:
    assert trace.person is not None
    now_ns = context.clock.wall_ns()
    ticket = ticket_for(
        trace.person, trace.reason, trace.case, path, (now_ns, now_ns), now_ns, trace.basis
    )
    return FeedTicket(
        address=f"{path}?{TICKET}={write_ticket(context.signer, ticket)}",
        until=ticket.expires_s * NS_PER_S,
    )


def _event_arrival(number: int, event: Event) -> Arrival:
    view = EventView.of(event).model_dump_json(by_alias=True)
    return Arrival(
        number, event, f'{{"arrival":{number},"version":{event.version},"event":{view}}}'
    )


def _match_arrival(number: int, match: WatchMatch) -> Arrival:
    view = WatchMatchView.of(match).model_dump_json(by_alias=True)
    data = f'{{"arrival":{number},"match":{view}}}'
    return Arrival(number, match.event, data, match.owner, match.matched_at)


def event_filter(query: EventQuery) -> EventFilter:
    """Return a function that tests whether an event matches the query."""
    if query == EventQuery():
        return lambda event: True
    if query.plate is None:
        return lambda event: matches(event, query)
    expression = plate_expression(query.plate)
    if expression is None:
        return lambda event: False
    fits: Callable[[str], object] = expression.fullmatch
    return lambda event: matches(event, query) and any(map(fits, found_by(event)))
