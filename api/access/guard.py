"""The checks that every request passes before its route runs.

They are: the route is declared, the person is known and has the right, a reason is given where one
is required, all parameters exist, and the access policy is met (`api/access/requirements.py`). If
the reason is in the body, the policy is checked after the body was read.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.access.api_context import ApiContext
from api.access.authentication import Caller
from api.access.requirements import Requirements
from api.limits.rate_limits import PersonLimits
from api.requests.declarations import Access, Declaration, Declarations, Scope
from api.requests.reasons import Purpose, purpose_of, require_reason
from api.requests.request_trace import Trace, trace_of
from api.requests.tickets import TICKET, Ticket, read_ticket
from api.websockets.handshakes import socket_of
from domain.errors import BadInput, Forbidden, QueryInvalid, Unauthenticated
from domain.people import Person
from domain.suggestions import suggestion

_MAX_RANGE_CHARACTERS = 100


class Guard:
    """Runs the checks of a request.

    It blocks, because it reads the person of a token or of a session from the index. So it runs in
    a thread, before FastAPI parses the request (`api/access/guarded_route.py`).
    """

    def __init__(
        self,
        context: ApiContext,
        declarations: Declarations,
        limits: PersonLimits,
        requirements: Requirements,
    ) -> None:
        self._context = context
        self._requirements = requirements
        self._authentication = context.authentication
        self.limits = limits
        self._declarations = declarations

    def __call__(self, request: Request) -> None:
        route: APIRoute = request.scope["route"]
        trace = trace_of(request.scope)
        declaration = self._declarations.find(request.method, route.path)
        if declaration is None:
            raise Forbidden(
                "{method} {path} is not declared, so it is refused",
                method=request.method,
                path=route.path,
            )
        trace.declaration = declaration
        if socket_of(request.scope) is not None and not declaration.upgrades:
            raise BadInput(
                "{path} is no WebSocket; send the request without an upgrade", path=route.path
            )
        trace.terms = _terms(request, route, declaration)
        ticket = request.query_params.get(TICKET) if declaration.allows_ticket else None
        if ticket is not None:
            self._admit(
                trace,
                declaration,
                read_ticket(self._context.signer, ticket, self._context.clock.wall_ns()),
            )
            _check_parameters(request, route)
            self._requirements.check(trace)
            return
        if declaration.right is not Access.ANYONE:
            self._identify(request, trace, declaration)
        if declaration.reads_purpose:
            self._read_purpose(request, trace, declaration)
        if not declaration.allows_any_parameter:
            _check_parameters(request, route)
        if not declaration.has_body_reason:
            self._requirements.check(trace)

    def _identify(self, request: Request, trace: Trace, declaration: Declaration) -> None:
        """Find out who sends a request, and check the right, the scope and the second factor.

        A request with a session must come from a page of this site where it changes something, and
        where it opens a WebSocket.
        """
        caller = self._caller(request)
        trace.person, trace.session = caller.person, caller.session
        self.limits.check(trace.person.name)
        if trace.session is not None and declaration.is_change:
            self._authentication.check_change(request, trace.session)
        if trace.session is not None and socket_of(request.scope) is not None:
            self._authentication.check_handshake(request)
        self._check_second_factor(caller, declaration)
        _check_right(trace.person, declaration, trace.terms)
        _check_whole_site(trace.person, declaration)

    def _read_purpose(self, request: Request, trace: Trace, declaration: Declaration) -> None:
        """Read the reason, the case and the emergency of a request."""
        bound = _bound_purpose(trace, self._context.clock.wall_ns())
        purpose = purpose_of(request.scope["headers"], bound)
        trace.reason, trace.case = purpose.reason, purpose.case
        trace.is_emergency = purpose.is_emergency
        is_required = (
            declaration.is_change and not declaration.is_evidence_access
        ) or self._context.settings.reason_required
        if declaration.reads_reason and is_required:
            require_reason(purpose)

    def _admit(self, trace: Trace, declaration: Declaration, ticket: Ticket) -> None:
        """Admit a request by its ticket. The route checks that the ticket covers the time range.

        The person is looked up, so that only what the person may do now is possible.
        """
        trace.person = self._authentication.holder(ticket.person, ticket.token)
        if trace.person is None:
            raise Unauthenticated(
                "the token or the session of this ticket is no longer valid; repeat the request "
                "that issued it with a valid one"
            )
        trace.reason, trace.case, trace.ticket = ticket.reason, ticket.case, ticket
        trace.is_emergency = bool(ticket.emergency)
        self.limits.check(trace.person.name)
        _check_right(trace.person, declaration, trace.terms)
        if declaration.opened_by(trace.terms) != ticket.opens:
            raise Forbidden("this ticket is for another resource; use URLs without a change")

    def _check_second_factor(self, caller: Caller, declaration: Declaration) -> None:
        """Check that a session has the second factor that the site requires. Raises Forbidden.

        Without it only the routes of the own session can be used, to enrol one.
        """
        is_lacking = self._authentication.lacks_second_factor(caller)
        if is_lacking and not declaration.is_about_own_session:
            raise Forbidden(
                "this site requires a second factor of the role {role}; enrol "
                "one by POST /v1/session/second-factor",
                role=caller.person.role,
            )

    def _caller(self, request: Request) -> Caller:
        caller = self._authentication.caller(request)
        if caller is None:
            index_fault = self._context.site_faults().index
            raise Unauthenticated(
                index_fault
                or (
                    "no person has this token; `sightline user add` makes a new one"
                    if "authorization" in request.headers
                    else "the session has ended; sign in again by POST /v1/session"
                )
            )
        return caller


def _bound_purpose(trace: Trace, now_ns: int) -> Purpose:
    session = trace.session
    if session is None:
        return Purpose()
    return Purpose(session.reason, session.case, session.is_emergency_at(now_ns))


def _terms(request: Request, route: APIRoute, declaration: Declaration) -> dict[str, str]:
    """Return the parameters for the audit log: known ones only, those of the path first."""
    known = set(query_names(route.dependant)) - {TICKET}
    terms = {name: value for name, value in request.query_params.items() if name in known}
    byte_range = (
        request.headers.get("range", "")[:_MAX_RANGE_CHARACTERS] if declaration.allows_head else ""
    )
    if declaration.header_terms is not None:
        terms = declaration.header_terms(request) | terms
    return terms | ({"range": byte_range} if byte_range else {}) | request.path_params


def _check_right(person: Person, declaration: Declaration, terms: dict[str, str]) -> None:
    missing = declaration.missing_right(person, terms)
    if missing is not None:
        raise Forbidden(
            "{person} is {article} {role} without the right `{right}`",
            person=person.name,
            article=_article(person.role),
            role=person.role,
            right=missing,
        )


def _check_whole_site(person: Person, declaration: Declaration) -> None:
    if declaration.scope is Scope.WHOLE_SITE and not person.scope.is_unlimited:
        raise Forbidden(
            "{method} {path} is about the whole site, and {person} may see some cameras only",
            method=declaration.method,
            path=declaration.path,
            person=person.name,
        )


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _check_parameters(request: Request, route: APIRoute) -> None:
    known = query_names(route.dependant)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise QueryInvalid(
                name[:60],
                "is no parameter of {path}; {suggestion}",
                path=route.path,
                suggestion=suggestion(name, known),
            )
        if name in seen:
            raise QueryInvalid(name, "stands twice; give it once")
        seen.add(name)


def query_names(dependant: Dependant) -> list[str]:
    """Return the names of the query parameters of a route and of its dependencies."""
    own = [param.alias for param in dependant.query_params]
    return own + [name for inner in dependant.dependencies for name in query_names(inner)]
