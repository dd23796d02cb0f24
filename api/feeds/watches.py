"""Routes of watches: place, list, read, end.

Matches are published in a feed (`api/feeds/feeds.py`) and sent to webhooks.
"""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Query

from api.access.api_context import Context, RequestTrace
from api.feeds.watch_models import WatchAsked, WatchDetail, WatchList, WatchPlaced, WatchView
from api.feeds.webhook_address import target_of
from api.requests.parameters import WatchId
from domain.clock import NS_PER_DAY
from domain.errors import BadInput, QueryInvalid
from domain.events.watches import Ended, Watch
from domain.paths.object_keys import dated_id
from domain.plates import is_wildcard, search_pattern

LEAST_FIXED = 2
"""A pattern with fewer fixed characters would match the plates of whole cities."""


def list_watches(
    context: Context,
    ended: Annotated[
        bool, Query(description="those that ended in place of those that stand")
    ] = False,
) -> WatchList:
    """List the active watches, the newest first, or those that ended."""
    watches = context.watches.ended() if ended else context.watches.active()
    return WatchList(items=[WatchView.of(watch) for watch in watches])


def read_watch(context: Context, watch_id: WatchId) -> WatchDetail:
    """Return a watch, also an ended one, with its failed webhooks."""
    watch = context.watches.get(watch_id)
    return WatchDetail.with_dead(watch, context.matches.dead(watch_id))


def place_watch(context: Context, trace: RequestTrace, asked: WatchAsked) -> WatchPlaced:
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
        id=dated_id(context.clock),
        plate=plate,
        fuzzy=asked.fuzzy,
        until=asked.until,
        reason=trace.reason,
        case=trace.case,
        placed_by=trace.person.name if trace.person else "",
        placed_at=now_ns,
        webhook=asked.webhook,
        secret=(asked.secret or secrets.token_urlsafe(32)) if asked.webhook else "",
    )
    trace.terms |= {"watch": watch.id, "plate": plate}
    context.watches.place(watch)
    return WatchPlaced(**WatchView.of(watch).model_dump(), secret=watch.secret)


def end_watch(context: Context, trace: RequestTrace, watch_id: WatchId) -> WatchView:
    """End a watch. Its record is kept with the name of the person who ended it."""
    return WatchView.of(
        context.watches.end(watch_id, Ended.DELETED, trace.person.name if trace.person else "")
    )


def _plate(asked: WatchAsked) -> str:
    plate = search_pattern(asked.plate)
    if asked.fuzzy and is_wildcard(plate):
        raise QueryInvalid(
            "fuzzy", "needs a whole plate; a pattern with ? or * finds what fits it already"
        )
    if sum(character not in "?*" for character in plate) < LEAST_FIXED:
        raise QueryInvalid(
            "plate",
            f"fixes fewer than {LEAST_FIXED} characters; a watch is for a vehicle, not for a city",
        )
    return plate


def _check_until(until_ns: int, now_ns: int, most_days: int) -> None:
    if until_ns <= now_ns:
        raise QueryInvalid("until", "lies in the past, so that nothing would be watched for")
    if until_ns > now_ns + most_days * NS_PER_DAY:
        raise QueryInvalid(
            "until",
            f"lies more than {most_days} days ahead, the most that this site allows; place it "
            "again then",
        )


def _check_webhook(context: Context, url: str) -> None:
    try:
        target_of(url, context.settings.allowed_webhook_networks)
    except BadInput as error:
        raise QueryInvalid("webhook", str(error)) from error
