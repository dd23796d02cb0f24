"""Routes of sessions: the own one with its bound purpose, and the list of sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.cookies import SESSION_COOKIE
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.parameters import Next
from api.requests.reasons import one_line
from api.requests.request_trace import Trace
from api.sessions.models import (
    BrowserSessionList,
    BrowserSessionView,
    PurposeAsked,
    SessionView,
)
from domain.errors import BadInput, NotFound, QueryInvalid, Unauthenticated
from domain.people import Person, Right
from storage.site.sessions import Session, SessionRecord

SessionId = Annotated[str, Path(alias="id", pattern="^[0-9a-f]{32}$")]


def read_session(context: Context, trace: RequestTrace) -> SessionView:
    """Return the person of the token or of the session, and what that person may do."""
    return _view(context, _person(trace), trace.session)


def bind_purpose(context: Context, trace: RequestTrace, asked: PurposeAsked) -> BrowserSessionView:
    """Bind a reason and a case to the session.

    They count for its requests without `X-Reason`: images, videos, `EventSource` and WebSockets
    send no headers.
    """
    reason, case = one_line("reason", asked.reason), one_line("case", asked.case)
    if asked.emergency and not reason:
        raise QueryInvalid("reason", "is empty; emergency access needs a reason")
    changed = context.sessions.bind(_session(trace).id, reason, case, asked.emergency)
    if changed is None:
        raise Unauthenticated("the session has ended; sign in again by POST /v1/session")
    return BrowserSessionView.of(changed)


def end_session(
    context: Context, trace: RequestTrace, request: Request, response: Response
) -> BrowserSessionView:
    """Sign out: end the session of this browser. Its open feeds end within five seconds."""
    session = _session(trace)
    context.sessions.end(session)
    SESSION_COOKIE.delete(response, context.authentication.is_secure(request))
    return BrowserSessionView.of(session)


def list_sessions(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> BrowserSessionList:
    """List the own sessions, or those of all people for a person with `people_admin`."""
    person = _person(trace)
    whose = None if _may_manage_all(person) else person.name

    def key(session: SessionRecord) -> tuple[int, str]:
        return session.created_at, session.id

    found = context.sessions.list(whose)
    page = newest_first(found, key, ("sessions", whose), visible, limit, next_)
    return BrowserSessionList(items=[_shown(one, person) for one in page.items], next=page.next)


def end_other_session(context: Context, trace: RequestTrace, id_: SessionId) -> BrowserSessionView:
    """End an own session, or that of another person with the right `people_admin`."""
    person = _person(trace)
    whose = None if _may_manage_all(person) else person.name
    session = next((one for one in context.sessions.list(whose) if one.id == id_), None)
    if session is None:
        raise NotFound(
            "there is no session {session}; GET /v1/sessions lists those that you may end",
            session=repr(id_),
        )
    context.sessions.end(session)
    return _shown(session, person)


def session_view(context: ApiContext, session: Session) -> SessionView:
    """Return the view of a session that has just started."""
    return _view(context, session.person, session.record)


def _view(context: ApiContext, person: Person, session: SessionRecord | None) -> SessionView:
    csrf_token = None if session is None else context.sessions.csrf_token(session)
    return SessionView.of(person, context.settings.reason_required, session, csrf_token)


def _may_manage_all(person: Person) -> bool:
    return person.may(Right.PEOPLE_ADMIN) and person.scope.is_unlimited


def _shown(session: SessionRecord, person: Person) -> BrowserSessionView:
    """Return the view of a session, without the purpose of another person."""
    view = BrowserSessionView.of(session)
    is_own = session.person == person.name
    return view if is_own else view.model_copy(update={"reason": None, "case": None})


def _person(trace: Trace) -> Person:
    if trace.person is None:
        raise Unauthenticated("send a token: `Authorization: Bearer …`")
    return trace.person


def _session(trace: Trace) -> SessionRecord:
    if trace.session is None:
        raise BadInput(
            "this request has a token and no session; a token needs none, and "
            "`sightline user token` revokes it"
        )
    return trace.session
