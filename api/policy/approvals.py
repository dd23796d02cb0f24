"""Routes of approvals: a person requests one, and a second person decides (four-eyes principle)."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.requirements import Requirements
from api.policy.models import (
    ApprovalAsked,
    ApprovalDecision,
    ApprovalList,
    ApprovalView,
    UnreadableRecord,
)
from api.policy.review import Reviewer
from api.requests.conditions import IfMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.declarations import Declaration, Declarations, Scope
from api.requests.parameters import Next
from api.requests.request_trace import Trace
from domain.access_policy.terms import decisive_terms
from domain.camera_scope import VisibleCameras
from domain.errors import Forbidden, NotFound, QueryInvalid, SecondPersonRequired, Unauthenticated
from domain.paths.object_keys import dated_id
from domain.people import Person
from domain.suggestions import suggestion
from storage.site.approvals import NO_APPROVAL, ApprovalRecord, Decision

_PATH_TERM = re.compile(r"\{(\w+)\}")
ApprovalId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^\d{8}-[0-9a-f]{8}$",
        description="the request's id",
        examples=["20261124-5f1c0a52"],
    ),
]


def request_approval(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    asked: ApprovalAsked,
    request: Request,
    response: Response,
) -> ApprovalView:
    """Request the approval of a second person for one call of this person."""
    person = _person(trace)
    declared = _declared(request)
    declaration = _callable(declared, asked, person)
    _check_resource(context, visible, declaration, asked.terms)
    needs = Requirements(context).of(declaration, asked.terms)
    if not needs.approval:
        raise QueryInvalid(
            "call", "{call} needs no approval; send it at once", call=repr(asked.call)
        )
    if needs.case:
        trace.case = Requirements(context).checked_case(trace.case, needs)
    now_ns = context.clock.wall_ns()
    record = ApprovalRecord(
        id=trace.new_id or dated_id(context.clock),
        person=person.name,
        call=asked.call,
        terms=decisive_terms(asked.terms),
        reason=trace.reason,
        case=trace.case,
        requested_at=now_ns,
        ends_at=now_ns + context.policy().policy.approval_ns,
    )
    trace.terms["approval"] = record.id
    record = context.approvals.request(record, is_repeated=bool(trace.new_id))
    response.headers["Location"] = f"/v1/approvals/{record.id}"
    response.headers["ETag"] = version_tag(record.version)
    return ApprovalView.of(record, now_ns)


def list_approvals(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    pending: Annotated[bool, Query(description="only those that wait for a decision")] = False,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> ApprovalList:
    """List the own requests and, with the right `approvals`, those that this person may decide."""
    reviewer = Reviewer(context, _declared(request), _person(trace), visible)
    now_ns = context.clock.wall_ns()
    known = context.approvals.all()
    found = [
        record
        for record in known.records
        if (not pending or (record.decision is Decision.PENDING and now_ns < record.ends_at))
        and _may_see(reviewer, record)
    ]
    page = newest_first(
        found,
        lambda record: (record.requested_at, record.id),
        ("approvals", pending, reviewer.person.name),
        visible,
        limit,
        next_,
    )
    damaged = known.damaged if visible.is_all and reviewer.may_review else ()
    return ApprovalList(
        items=[ApprovalView.of(record, now_ns) for record in page.items],
        next=page.next,
        damaged=[UnreadableRecord.of(one) for one in damaged],
    )


def read_approval(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    approval_id: ApprovalId,
    request: Request,
    response: Response,
) -> ApprovalView:
    """Return a request for approval with its decision."""
    reviewer = Reviewer(context, _declared(request), _person(trace), visible)
    record = _visible_record(context, reviewer, approval_id)
    response.headers["ETag"] = version_tag(record.version)
    return ApprovalView.of(record, context.clock.wall_ns())


def decide_approval(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    approval_id: ApprovalId,
    asked: ApprovalDecision,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> ApprovalView:
    """Approve or refuse the request of another person."""
    person = _person(trace)
    reviewer = Reviewer(context, _declared(request), person, visible)
    known = _visible_record(context, reviewer, approval_id)
    if known.person == person.name:
        raise SecondPersonRequired(
            "{person} has requested this approval, so another person decides", person=person.name
        )
    trace.terms |= {"person": known.person, "call": known.call}
    record = context.approvals.decide(
        approval_id,
        person.name,
        Decision(asked.decision),
        trace.reason,
        context.policy().policy.approval_ns,
        expected_version(if_match),
    )
    response.headers["ETag"] = version_tag(record.version)
    return ApprovalView.of(record, context.clock.wall_ns())


def _callable(declared: Declarations, asked: ApprovalAsked, person: Person) -> Declaration:
    """Return the route of a call that the person may use. Raises QueryInvalid, Forbidden."""
    routes = [one for one in declared.of_call(asked.call) if one.governed_right is not None]
    if not routes:
        known = sorted({one.audit for one in declared.all if one.governed_right is not None})
        raise QueryInvalid(
            "call",
            "is no audit term of a call; {suggestion}",
            suggestion=suggestion(asked.call, known),
        )
    route = routes[0]
    missing = route.missing_right(person, asked.terms)
    if missing is not None:
        raise Forbidden(
            "{person} lacks the right `{right}`, which the call needs",
            person=person.name,
            right=missing,
        )
    if route.scope is Scope.WHOLE_SITE and not person.scope.is_unlimited:
        raise Forbidden("the call is about the whole site, and this person may see some cameras")
    named = min((set(_PATH_TERM.findall(one.path)) for one in routes), key=len)
    lacking = sorted(named - asked.terms.keys())
    if lacking:
        raise QueryInvalid(
            "terms",
            "lacks {missing_terms}, which the address of the call has",
            missing_terms=", ".join(lacking),
        )
    return route


def _check_resource(
    context: ApiContext,
    visible: VisibleCameras,
    declaration: Declaration,
    terms: dict[str, str],
) -> None:
    """Check that the person may see what the call is about. Raises NotFound."""
    if declaration.scope is Scope.CAMERA:
        context.known_camera(terms["id"], visible)
    if declaration.scope is Scope.EVENT and context.events.get(terms["id"], visible) is None:
        raise NotFound("there is no event {event}", event=repr(terms["id"]))


def _visible_record(context: ApiContext, reviewer: Reviewer, approval_id: str) -> ApprovalRecord:
    record = context.approvals.get(approval_id)
    if not _may_see(reviewer, record):
        raise NotFound(NO_APPROVAL, approval=repr(approval_id))
    return record


def _may_see(reviewer: Reviewer, record: ApprovalRecord) -> bool:
    is_own = reviewer.person.has_made(record.person, record.requested_at)
    return is_own or (reviewer.may_review and reviewer.covers_approval(record))


def _declared(request: Request) -> Declarations:
    declarations: Declarations = request.app.state.declarations
    return declarations


def _person(trace: Trace) -> Person:
    if trace.person is None:
        raise Unauthenticated("send a token: `Authorization: Bearer …`")
    return trace.person
