"""What every request passes before its route runs: declared at all, who asks, may they, why do
they look, and do its parameters exist.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.access.api_context import ApiContext
from api.requests.declarations import Access, Declaration, Declarations
from api.requests.reasons import decode_header, read_reason
from api.requests.request_trace import Trace, trace_of
from api.requests.tickets import TICKET, Ticket, read_ticket
from api.requests.tokens import bearer_token
from domain.errors import Forbidden, QueryInvalid, Unauthenticated
from domain.people import Person
from domain.suggestions import suggestion

_MOST_OF_RANGE = 100


class Guard:
    """Blocking (it asks the index who a token is): runs in a thread, before FastAPI looks at
    the request (`one_thread`).
    """

    def __init__(self, context: ApiContext, declarations: Declarations) -> None:
        self._context = context
        self._declarations = declarations

    def __call__(self, request: Request) -> None:
        route: APIRoute = request.scope["route"]
        trace = trace_of(request.scope)
        declaration = self._declarations.find(request.method, route.path)
        if declaration is None:
            raise Forbidden(f"{request.method} {route.path} is not declared, so nobody may call it")
        trace.declaration = declaration
        trace.terms = _terms(request, route, declaration)
        ticket = request.query_params.get(TICKET) if declaration.allows_ticket else None
        if ticket is not None:
            self._admit(
                trace,
                declaration,
                read_ticket(self._context.ticket_key, ticket, self._context.clock.wall_ns()),
            )
            _check_parameters(request, route)
            return
        if declaration.right is not Access.ANYONE:
            trace.person = self._person(request)
            _check_right(trace.person, declaration)
        if declaration.is_evidence_access:
            trace.case = decode_header("X-Case", _raw(request, b"x-case"))
            trace.reason = read_reason(
                _raw(request, b"x-reason"), self._context.settings.reason_required
            )
        _check_parameters(request, route)

    def _admit(self, trace: Trace, declaration: Declaration, ticket: Ticket) -> None:
        """By a ticket: its route checks that the moment asked for is within it."""
        trace.person, trace.reason, trace.case, trace.ticket = (
            ticket.holder,
            ticket.reason,
            ticket.case,
            ticket,
        )
        _check_right(trace.person, declaration)
        if trace.terms.get("id", declaration.path) != ticket.opens:
            raise Forbidden("this ticket opens something else; use addresses as they came")

    def _person(self, request: Request) -> Person:
        token = bearer_token(request)
        if not token:
            raise Unauthenticated(
                "send a token: `Authorization: Bearer …`; `sightline user add` makes one"
            )
        person = self._context.people.by_token(token)
        if person is None:
            index_fault = self._context.site_faults().index
            raise Unauthenticated(
                index_fault or "no person has this token; `sightline user add` makes a new one"
            )
        return person


def _terms(request: Request, route: APIRoute, declaration: Declaration) -> dict[str, str]:
    """What is asked for, as the audit log has it: known parameters alone, and the path's own
    before those of the query.
    """
    known = set(query_names(route.dependant)) - {TICKET}
    terms = {name: value for name, value in request.query_params.items() if name in known}
    byte_range = (
        request.headers.get("range", "")[:_MOST_OF_RANGE] if declaration.allows_head else ""
    )
    return terms | ({"range": byte_range} if byte_range else {}) | request.path_params


def _check_right(person: Person, declaration: Declaration) -> None:
    if not declaration.allows(person):
        raise Forbidden(
            f"{person.name} is {_article(person.role)} {person.role}, and that role lacks the "
            f"right `{declaration.right}`"
        )


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _raw(request: Request, name: bytes) -> bytes | None:
    return next((value for key, value in request.scope["headers"] if key == name), None)


def _check_parameters(request: Request, route: APIRoute) -> None:
    known = query_names(route.dependant)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise QueryInvalid(
                name[:60], f"is no parameter of {route.path}; {suggestion(name, known)}"
            )
        if name in seen:
            raise QueryInvalid(name, "stands twice; give it once")
        seen.add(name)


def query_names(dependant: Dependant) -> list[str]:
    """The query parameters of a route and of all that it depends on."""
    own = [param.alias for param in dependant.query_params]
    return own + [name for inner in dependant.dependencies for name in query_names(inner)]
