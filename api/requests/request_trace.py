"""The state of one request in the ASGI scope: person, declaration, reason and terms."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, cast

from api.requests.declarations import Declaration
from api.requests.tickets import Basis, Ticket
from domain.people import Person
from storage.audit.viewings import OpenViewing, Viewed
from storage.site.sessions import SessionRecord

Scope = MutableMapping[str, Any]
_KEY = "sightline.trace"


@dataclass(slots=True)
class Trace:
    """The state of one request; guard, audit and log use it."""

    request_id: str
    address: str = ""
    declaration: Declaration | None = None
    person: Person | None = None
    reason: str = ""
    case: str = ""
    is_emergency: bool = False
    """Whether the request, its session or its ticket asks for emergency access."""
    basis: Basis = field(default_factory=Basis)
    """What let it pass the access policy."""
    ticket: Ticket | None = None
    is_recorded: bool = False
    """Whether its line was written to the audit log, or the attempt failed."""
    begin_change: Callable[[], None] | None = None
    """It checks a reason that is in the body, and writes the intent of a change."""
    is_intended: bool = False
    """Whether the intent of a change is in the audit log."""
    new_id: str = ""
    """The id of what a request with an idempotency key creates; an earlier try may have used it."""
    terms: dict[str, str] = field(default_factory=dict)
    viewed: Viewed | None = None
    """What a player reads with several requests, which one viewing joins."""
    is_export: bool = False
    """Whether the response is an export: the audit log has its rows before and after sending."""
    viewing: OpenViewing | None = None
    """The viewing of a connection that shows live video."""
    disconnected: Future[None] = field(default_factory=Future)
    """Complete once the client has disconnected, where a route may take a minute."""
    result_count: int | None = None
    """The number of items in the response; None if it is no list."""
    session: SessionRecord | None = None
    """The session of a browser; None for a request with a token or a ticket."""

    def rest_on(self, basis: Basis) -> None:
        """Note what let the request pass the access policy, also for the audit log."""
        self.basis = basis
        self.terms |= basis.terms


def set_trace(scope: Scope, trace: Trace) -> None:
    scope[_KEY] = trace


def trace_of(scope: Scope) -> Trace:
    return cast(Trace, scope[_KEY])
