"""Routes of legal holds: place, list, read, change, release.

Neither retention nor a full disk deletes what a hold protects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.requests.conditions import IfMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.parameters import From, HoldId, Next, To
from api.requests.times import check_order
from api.site.models import DamagedHold, HoldAsked, HoldChange, HoldList, HoldView
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_S
from domain.errors import NotFound, QueryInvalid
from domain.paths.object_keys import dated_id
from domain.recordings.holds import Hold
from storage.site.holds import NO_HOLD, Holds


@dataclass(frozen=True, slots=True)
class HoldQuery:
    """The holds to list; None is any."""

    camera: str | None
    from_ns: int | None
    to_ns: int | None

    def includes(self, hold: Hold) -> bool:
        """Return whether the hold protects a part of the range of the camera."""
        return (
            self.camera in (None, hold.camera)
            and (self.from_ns is None or hold.to > self.from_ns)
            and (self.to_ns is None or hold.from_ < self.to_ns)
        )


async def hold_query(
    camera: Annotated[str | None, Query(max_length=64, description="a camera's id")] = None,
    from_ns: From = None,
    to_ns: To = None,
) -> HoldQuery:
    """Return the query of a list. Raises QueryInvalid."""
    check_order(from_ns, to_ns)
    return HoldQuery(camera, from_ns, to_ns)


def list_holds(
    context: Context,
    visible: Visible,
    query: Annotated[HoldQuery, Depends(hold_query)],
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> HoldList:
    """List holds, also released ones, the newest first, and all those that cannot be read.

    `camera`, `from` and `to` limit the list to the holds that protect a part of that range. The
    camera of a hold that cannot be read is unknown, so only a person who may see every camera
    gets those.
    """
    known = _holds(context).known()
    damaged = [
        DamagedHold(id=one.record_id, key=one.key, why=one.why)
        for one in known.damaged
        if visible.is_all
    ]
    holds = [one for one in known.holds if one.camera in visible and query.includes(one)]
    page = newest_first(holds, lambda hold: (hold.placed_at, hold.id), query, visible, limit, next_)
    return HoldList(
        items=[HoldView.of(hold) for hold in page.items], next=page.next, damaged=damaged
    )


def read_hold(context: Context, visible: Visible, hold_id: HoldId, response: Response) -> HoldView:
    """Return a hold, also a released one. Its ETag changes with each change."""
    found = _visible_holds(context, visible, hold_id).get(hold_id)
    response.headers["ETag"] = version_tag(found.version)
    return HoldView.of(found.record)


def change_hold(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    hold_id: HoldId,
    asked: HoldChange,
    response: Response,
    if_match: IfMatch = None,
) -> HoldView:
    """Change when an active hold ends by itself."""
    _check_until(context, asked.until)
    holds = _visible_holds(context, visible, hold_id)
    changed = holds.extend(hold_id, asked.until, expected_version(if_match))
    response.headers["ETag"] = version_tag(changed.version)
    return HoldView.of(changed.record)


def place_hold(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    asked: HoldAsked,
    response: Response,
) -> HoldView:
    """Place a hold on a camera's range or an event, until it is released or until `until`.

    It is active before the response is sent.
    """
    camera, from_ns, to_ns = _held_range(context, visible, asked)
    _check_until(context, asked.until)
    hold = Hold(
        id=trace.new_id or dated_id(context.clock),
        camera=camera,
        from_=from_ns,
        to=to_ns,
        event=asked.event or "",
        reason=trace.reason,
        until=asked.until,
        placed_by=trace.person.name if trace.person else "",
        placed_at=context.clock.wall_ns(),
    )
    trace.terms |= {"hold": hold.id, "camera": camera, "event": hold.event}
    hold = _holds(context).place(hold, is_repeated=bool(trace.new_id))
    response.headers["Location"] = f"/v1/holds/{hold.id}"
    response.headers["ETag"] = version_tag(1)
    return HoldView.of(hold)


def release_hold(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    hold_id: HoldId,
    if_match: IfMatch = None,
) -> HoldView:
    """Release a hold, also one that cannot be read. Its record is kept with the person's name."""
    person = trace.person.name if trace.person else ""
    holds = _visible_holds(context, visible, hold_id)
    return HoldView.of(holds.release(hold_id, person, expected_version(if_match)))


def _visible_holds(context: ApiContext, visible: VisibleCameras, hold_id: str) -> Holds:
    """Return the holds. Raises NotFound if this one is not of a visible camera.

    A hold that cannot be read has no known camera, unless an older version names it.
    """
    holds = _holds(context)
    if not visible.is_all and hold_id not in {
        hold.id for hold in holds.known().holds if hold.camera in visible
    }:
        raise NotFound(NO_HOLD, hold=repr(hold_id))
    return holds


def _check_until(context: ApiContext, until_ns: int | None) -> None:
    if until_ns is not None and until_ns <= context.clock.wall_ns():
        raise QueryInvalid("until", "lies in the past, so that the hold would hold nothing")


def _held_range(
    context: ApiContext, visible: VisibleCameras, asked: HoldAsked
) -> tuple[str, int, int]:
    """Return the camera and the range; for an event, the range of its clip."""
    if asked.event is None:
        if asked.camera is None or asked.from_ is None or asked.to is None:
            raise QueryInvalid("event", "is absent, so give `camera`, `from` and `to`")
        if asked.from_ >= asked.to:
            raise QueryInvalid("to", "must lie after `from`")
        return context.known_camera(asked.camera, visible).camera.id, asked.from_, asked.to
    if asked.camera is not None or asked.from_ is not None or asked.to is not None:
        raise QueryInvalid(
            "event", "says camera and range by itself; leave `camera`, `from` and `to` out"
        )
    event = context.events.get(asked.event, visible)
    if event is None:
        raise NotFound("there is no event {event}", event=repr(asked.event))
    before_ns, after_ns = (
        round(seconds * NS_PER_S)
        for seconds in (context.settings.clip_before_s, context.settings.clip_after_s)
    )
    return event.camera, event.started_at - before_ns, event.ended_at + after_ns


def _holds(context: ApiContext) -> Holds:
    return Holds(context.objects, context.clock)
