"""Routes of watches: place, list, read, change, end.

Matches are published in a feed (`api/feeds/feeds.py`) and sent to webhooks.
"""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from api.access.api_context import Context, RequestTrace, Visible
from api.feeds.watch_models import (
    WatchAsked,
    WatchChange,
    WatchDetail,
    WatchList,
    WatchPlaced,
    WatchView,
)
from api.feeds.webhook_address import target_of
from api.requests.conditions import IfMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.parameters import Next, WatchId
from domain.clock import NS_PER_DAY
from domain.errors import BadInput, NotFound, QueryInvalid
from domain.events.watches import Ended, Watch
from domain.paths.object_keys import dated_id
from domain.people import Person
from domain.plates import is_wildcard, search_pattern
from storage.site.watches import NO_WATCH

LEAST_FIXED = 2
"""A pattern with fewer fixed characters would match the plates of whole cities."""


def list_watches(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    ended: Annotated[
        bool, Query(description="those that ended in place of those that stand")
    ] = False,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> WatchList:
    """List the active watches, the newest first, or those that ended.

    A person with a limited scope gets the own watches only.
    """
    watches = context.watches.ended() if ended else context.watches.active()
    search = ("watches", ended)
    own = [watch for watch in watches if _may_see(trace.person, watch)]
    page = newest_first(
        own, lambda watch: (watch.placed_at, watch.id), search, visible, limit, next_
    )
    return WatchList(items=[WatchView.of(watch) for watch in page.items], next=page.next)


def read_watch(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    watch_id: WatchId,
    response: Response,
) -> WatchDetail:
    """Return a watch, also an ended one, with its failed webhooks.

    Its ETag changes with each change of the watch, and not with its webhooks.
    """
    watch = context.watches.versioned(watch_id)
    _check_may_see(trace.person, watch.record)
    response.headers["ETag"] = version_tag(watch.version)
    dead = [one for one in context.matches.dead(watch_id) if one.match.event.camera in visible]
    return WatchDetail.with_dead(watch.record, dead)


def change_watch(
    context: Context,
    trace: RequestTrace,
    watch_id: WatchId,
    asked: WatchChange,
    response: Response,
    if_match: IfMatch = None,
) -> WatchView:
    """Change when an active watch ends by itself."""
    _check_may_see(trace.person, context.watches.get(watch_id))
    _check_until(asked.until, context.clock.wall_ns(), context.settings.watch_days)
    changed = context.watches.extend(watch_id, asked.until, expected_version(if_match))
    response.headers["ETag"] = version_tag(changed.version)
    return WatchView.of(changed.record)


def place_watch(
    context: Context, trace: RequestTrace, asked: WatchAsked, response: Response
) -> WatchPlaced:
    """Place a watch for a vehicle until a date.

    The watch is active before the response is sent. Only this response has the secret of its
    webhooks.
    """
    plate = _plate(asked)
    now_ns = context.clock.wall_ns()
    _check_until(asked.until, now_ns, context.settings.watch_days)
    if asked.webhook:
        _check_webhook(context, asked.webhook)
    elif asked.secret:
        raise QueryInvalid(
            "secret", "signs webhooks, and there is none; give `webhook`, or leave it out"
        )
    watch = Watch(
        id=trace.new_id or dated_id(context.clock),
        plate=plate,
        fuzzy=asked.fuzzy,
        until=asked.until,
        reason=trace.reason,
        case=trace.case,
        placed_by=trace.person.name if trace.person else "",
        placed_at=now_ns,
        webhook=asked.webhook or "",
        secret=(asked.secret or secrets.token_urlsafe(32)) if asked.webhook else "",
    )
    trace.terms |= {"watch": watch.id, "plate": plate}
    watch = context.watches.place(watch, is_repeated=bool(trace.new_id))
    response.headers["Location"] = f"/v1/watches/{watch.id}"
    response.headers["ETag"] = version_tag(1)
    return WatchPlaced(**WatchView.of(watch).model_dump(), secret=watch.secret or None)


def end_watch(
    context: Context, trace: RequestTrace, watch_id: WatchId, if_match: IfMatch = None
) -> WatchView:
    """End a watch. Its record is kept with the name of the person who ended it."""
    _check_may_see(trace.person, context.watches.get(watch_id))
    person = trace.person.name if trace.person else ""
    expected = expected_version(if_match)
    return WatchView.of(context.watches.end(watch_id, Ended.DELETED, person, expected))


def _check_may_see(person: Person | None, watch: Watch) -> None:
    """Check that the person may see a watch. Raises NotFound."""
    if not _may_see(person, watch):
        raise NotFound(NO_WATCH, watch=repr(watch.id))


def _may_see(person: Person | None, watch: Watch) -> bool:
    """Return whether the person may see a watch, whose plate and reason may concern other areas."""
    if person is None:
        return False
    return person.scope.is_unlimited or person.has_made(watch.placed_by, watch.placed_at)


def _plate(asked: WatchAsked) -> str:
    plate = search_pattern(asked.plate)
    if asked.fuzzy and is_wildcard(plate):
        raise QueryInvalid(
            "fuzzy", "needs a whole plate; a pattern with ? or * finds what fits it already"
        )
    if sum(character not in "?*" for character in plate) < LEAST_FIXED:
        raise QueryInvalid(
            "plate",
            "fixes fewer than {least_fixed} characters; a watch is for a vehicle, not for a city",
            least_fixed=LEAST_FIXED,
        )
    return plate


def _check_until(until_ns: int, now_ns: int, most_days: int) -> None:
    if until_ns <= now_ns:
        raise QueryInvalid("until", "lies in the past, so that nothing would be watched for")
    if until_ns > now_ns + most_days * NS_PER_DAY:
        raise QueryInvalid(
            "until",
            "lies more than {most_days} days ahead, the most that this site "
            "allows; place it again then",
            most_days=most_days,
        )


def _check_webhook(context: Context, url: str) -> None:
    try:
        target_of(url, context.settings.allowed_webhook_networks)
    except BadInput as error:
        raise QueryInvalid("webhook", error.message) from error
