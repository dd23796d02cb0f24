"""The declarations of the routes of feeds and watches."""

from __future__ import annotations

from api.feeds import feeds, watches
from api.feeds.stream import MEDIA_TYPE as EVENT_STREAM
from api.requests.declarations import Declaration, Scope
from api.requests.problems import PRECONDITION_FAILED, RECORD_ENDED
from domain.people import Right

FEED_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET", "/v1/watches", watches.list_watches, Right.WATCHES, Scope.SITE, audit="watches.list"
    ),
    Declaration(
        "POST",
        "/v1/watches",
        watches.place_watch,
        Right.WATCHES,
        Scope.SITE,
        audit="watch.place",
        creates=True,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        feeds.WATCHES_FEED,
        feeds.follow_matches,
        Right.WATCHES,
        Scope.SITE,
        audit="watches.feed",
        is_evidence_access=True,
        media_type=EVENT_STREAM,
        allows_ticket=True,
    ),
    Declaration(
        "GET",
        f"{feeds.WATCHES_FEED}/ticket",
        feeds.read_matches_ticket,
        Right.WATCHES,
        Scope.SITE,
        audit="watches.feed_ticket",
        is_evidence_access=True,
        answers_secret=True,
    ),
    Declaration(
        "GET",
        "/v1/watches/{id}",
        watches.read_watch,
        Right.WATCHES,
        Scope.SITE,
        audit="watch.read",
        headers=("ETag",),
    ),
    Declaration(
        "PATCH",
        "/v1/watches/{id}",
        watches.change_watch,
        Right.WATCHES,
        Scope.SITE,
        audit="watch.change",
        also_governed_as=("watch.place",),
        problems=(PRECONDITION_FAILED, RECORD_ENDED),
        headers=("ETag",),
    ),
    Declaration(
        "DELETE",
        "/v1/watches/{id}",
        watches.end_watch,
        Right.WATCHES,
        Scope.SITE,
        audit="watch.delete",
        has_reason_header=True,
        problems=(PRECONDITION_FAILED,),
    ),
    Declaration(
        "GET",
        feeds.EVENTS_FEED,
        feeds.follow_events,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="events.feed",
        is_evidence_access=True,
        media_type=EVENT_STREAM,
        allows_ticket=True,
    ),
    Declaration(
        "GET",
        f"{feeds.EVENTS_FEED}/ticket",
        feeds.read_events_ticket,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="events.feed_ticket",
        is_evidence_access=True,
        answers_secret=True,
    ),
)
