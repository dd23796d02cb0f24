"""What is known of one request while it is answered: by whom, of what, and why. It travels in
the ASGI scope.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, cast

from api.requests.declarations import Declaration
from api.requests.tickets import Ticket
from domain.people import Person

Scope = MutableMapping[str, Any]
_KEY = "sightline.trace"


@dataclass(slots=True)
class Trace:
    request_id: str
    address: str = ""
    declaration: Declaration | None = None
    person: Person | None = None
    reason: str = ""
    case: str = ""
    ticket: Ticket | None = None
    is_recorded: bool = False
    """Its entry was written to the audit log, or could not be."""
    is_intended: bool = False
    """The intent of a change is in the audit log."""
    terms: dict[str, str] = field(default_factory=dict)


def set_trace(scope: Scope, trace: Trace) -> None:
    scope[_KEY] = trace


def trace_of(scope: Scope) -> Trace:
    return cast(Trace, scope[_KEY])
