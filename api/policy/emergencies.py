"""Routes of emergency accesses: list, read and review them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.policy.models import (
    EmergencyList,
    EmergencyReview,
    EmergencyView,
    UnreadableRecord,
)
from api.policy.review import Reviewer
from api.requests.conditions import IfMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.parameters import Next
from api.requests.request_trace import Trace
from domain.camera_scope import VisibleCameras
from domain.errors import NotFound, SecondPersonRequired, Unauthenticated
from storage.site.emergencies import NO_EMERGENCY, EmergencyRecord, Verdict

EmergencyId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^\d{8}-[0-9a-f]{16}$",
        description="the id of the emergency access",
        examples=["20261124-5f1c0a52b3d94e77"],
    ),
]


def list_emergencies(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    pending: Annotated[bool, Query(description="only those that wait for a review")] = False,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> EmergencyList:
    """List the emergency accesses of the people whose cameras this person may all see."""
    reviewer = _reviewer(context, request, trace, visible)
    known = context.emergencies.all()
    found = [
        record
        for record in known.records
        if (not pending or record.verdict is Verdict.OPEN)
        and reviewer.covers_person(record.person, record.at)
    ]
    page = newest_first(
        found,
        lambda record: (record.at, record.id),
        ("emergencies", pending),
        visible,
        limit,
        next_,
    )
    damaged = known.damaged if visible.is_all else ()
    return EmergencyList(
        items=[EmergencyView.of(record) for record in page.items],
        next=page.next,
        damaged=[UnreadableRecord.of(one) for one in damaged],
    )


def read_emergency(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    emergency_id: EmergencyId,
    request: Request,
    response: Response,
) -> EmergencyView:
    """Return an emergency access with its review."""
    record = _visible_record(context, _reviewer(context, request, trace, visible), emergency_id)
    response.headers["ETag"] = version_tag(record.version)
    return EmergencyView.of(record)


def review_emergency(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    emergency_id: EmergencyId,
    asked: EmergencyReview,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> EmergencyView:
    """Review the emergency access of another person."""
    reviewer = _reviewer(context, request, trace, visible)
    known = _visible_record(context, reviewer, emergency_id)
    name = reviewer.person.name
    if known.person == name:
        raise SecondPersonRequired(
            "{name} had this emergency access, so another person reviews it", name=name
        )
    trace.terms["person"] = known.person
    record = context.emergencies.review(
        emergency_id, name, Verdict(asked.verdict), trace.reason, expected_version(if_match)
    )
    response.headers["ETag"] = version_tag(record.version)
    return EmergencyView.of(record)


def _reviewer(
    context: ApiContext, request: Request, trace: Trace, visible: VisibleCameras
) -> Reviewer:
    if trace.person is None:
        raise Unauthenticated("send a token: `Authorization: Bearer …`")
    return Reviewer(context, request.app.state.declarations, trace.person, visible)


def _visible_record(context: ApiContext, reviewer: Reviewer, emergency_id: str) -> EmergencyRecord:
    record = context.emergencies.get(emergency_id)
    if not reviewer.covers_person(record.person, record.at):
        raise NotFound(NO_EMERGENCY, emergency=repr(emergency_id))
    return record
