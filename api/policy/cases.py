"""Routes of cases: open, list, read and change them; and the access policy in force.

A person with a limited scope lists and changes the own cases only, because the title of another one
may concern any area. Any request may name any open case.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from api.access.api_context import Context, RequestTrace, Visible
from api.policy.models import (
    CaseAsked,
    CaseChange,
    CaseList,
    CaseView,
    PolicyView,
    UnreadableRecord,
)
from api.requests.conditions import IfMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.declarations import Declarations, policy_calls
from api.requests.parameters import Next
from api.requests.reasons import one_line
from domain.errors import NotFound, QueryInvalid
from domain.people import Person
from storage.site.cases import NO_CASE, CaseRecord, CaseState

CaseId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^[0-9a-f]{32}$",
        description="the case's id, which follows from its number",
        examples=["5f1c0a52b3d94e775f1c0a52b3d94e77"],
    ),
]


def read_policy(context: Context, request: Request) -> PolicyView:
    """Return the access policy in force, and what each governed call needs."""
    declarations: Declarations = request.app.state.declarations
    in_force = context.policy()
    return PolicyView(
        origin=in_force.origin,
        sha256=in_force.sha256 or None,
        emergency_access=in_force.policy.emergency_access,
        approval_hours=in_force.policy.approval_hours,
        calls=policy_calls(declarations.all).needs(in_force.policy),
    )


def list_cases(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    closed: Annotated[
        bool, Query(description="those that are closed in place of those that are open")
    ] = False,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> CaseList:
    """List the open cases, the newest first, or the closed ones."""
    state = CaseState.CLOSED if closed else CaseState.OPEN
    known = context.cases.all()
    own = [case for case in known.records if case.state is state and _may_see(trace.person, case)]
    page = newest_first(
        own, lambda case: (case.opened_at, case.id), ("cases", closed), visible, limit, next_
    )
    damaged = known.damaged if visible.is_all else ()
    return CaseList(
        items=[CaseView.of(case) for case in page.items],
        next=page.next,
        damaged=[UnreadableRecord.of(one) for one in damaged],
    )


def open_case(
    context: Context, trace: RequestTrace, asked: CaseAsked, response: Response
) -> CaseView:
    """Open a case. Requests may name its number in `X-Case` at once."""
    number = one_line("number", asked.number)
    person = trace.person.name if trace.person else ""
    case = context.cases.open(
        number, one_line("title", asked.title), person, is_repeated=bool(trace.new_id)
    )
    response.headers["Location"] = f"/v1/cases/{case.id}"
    response.headers["ETag"] = version_tag(case.version)
    return CaseView.of(case)


def read_case(
    context: Context, trace: RequestTrace, case_id: CaseId, response: Response
) -> CaseView:
    """Return a case, also a closed one."""
    case = _visible_case(context, trace.person, case_id)
    response.headers["ETag"] = version_tag(case.version)
    return CaseView.of(case)


def change_case(
    context: Context,
    trace: RequestTrace,
    case_id: CaseId,
    asked: CaseChange,
    response: Response,
    if_match: IfMatch = None,
) -> CaseView:
    """Change the title of a case, close it, or open it again."""
    if asked.title is None and asked.state is None:
        raise QueryInvalid("state", "is absent, and so is `title`; give one of them")
    _visible_case(context, trace.person, case_id)
    case = context.cases.change(
        case_id,
        trace.person.name if trace.person else "",
        title=None if asked.title is None else one_line("title", asked.title),
        state=asked.state,
        expected_version=expected_version(if_match),
    )
    response.headers["ETag"] = version_tag(case.version)
    return CaseView.of(case)


def _visible_case(context: Context, person: Person | None, case_id: str) -> CaseRecord:
    case = context.cases.get(case_id)
    if not _may_see(person, case):
        raise NotFound(NO_CASE, case=repr(case_id))
    return case


def _may_see(person: Person | None, case: CaseRecord) -> bool:
    if person is None:
        return False
    return person.scope.is_unlimited or person.has_made(case.opened_by, case.opened_at)
