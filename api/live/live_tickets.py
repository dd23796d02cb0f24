"""Tickets for live video, for players that send no headers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Query

from api.access.api_context import ApiContext
from api.requests.declarations import opened_path
from api.requests.request_trace import Trace
from api.requests.tickets import TICKET, Ticket, ticket_for, write_ticket
from domain.clock import NS_PER_S
from domain.people import Right

LIVE_OF_CAMERA = "/v1/cameras/{id}/live"
"""What a ticket opens that is for live video of a camera, by WebSocket and by WHEP."""
WHEP_SESSION = "/v1/cameras/{id}/whep/{session}"
SESSION_TICKET_S = 12 * 3600
"""The validity of a ticket that only changes or ends the WHEP session that it names."""
TicketOf = Annotated[
    str | None, Query(alias=TICKET, max_length=4096, description="in place of a token and a reason")
]


def live_ticket(context: ApiContext, trace: Trace, camera_id: str, *further: Right) -> Ticket:
    """Return a ticket for live video of a camera, for the person of a request. `further` are the
    rights that the opened view needs in addition.
    """
    assert trace.person is not None
    opens, now_ns = (
        opened_path(LIVE_OF_CAMERA.format(id=camera_id), further),
        context.clock.wall_ns(),
    )
    return ticket_for(
        trace.person, trace.reason, trace.case, opens, (now_ns, now_ns), now_ns, trace.basis
    )


def session_path(context: ApiContext, trace: Trace, camera_id: str, session: str) -> str:
    """Return the path of a WHEP session. It has a ticket for that session alone if the session was
    opened by a ticket, because the player has nothing else to prove who it is.
    """
    path = WHEP_SESSION.format(id=camera_id, session=session)
    if trace.ticket is None:
        return path
    expires_s = context.clock.wall_ns() // NS_PER_S + SESSION_TICKET_S
    return with_ticket(context, path, replace(trace.ticket, opens=path, expires_s=expires_s))


def with_ticket(context: ApiContext, path: str, ticket: Ticket) -> str:
    return f"{path}?{TICKET}={write_ticket(context.signer, ticket)}"
