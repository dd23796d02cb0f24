"""Endpoints of live video: the WebSocket of a camera, and tickets to it."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import Depends, Query, Request

from api.access.api_context import Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_view
from api.live.models import LiveTicket
from api.live.viewer import LiveTarget
from api.live.views import LiveAnswer, LiveViews
from api.requests.languages import preferred_language
from api.requests.parameters import CameraId
from api.requests.tickets import TICKET, ticket_for, write_ticket
from api.websockets.handshakes import socket_of
from domain.clock import NS_PER_S
from domain.errors import QueryInvalid, UpgradeRequired

Stream = Annotated[
    Literal["main", "sub"],
    Query(description="`sub`: begin with the smaller stream; the client can change it later"),
]
TicketOf = Annotated[
    str | None, Query(alias=TICKET, max_length=4096, description="in place of a token and a reason")
]


async def _views(request: Request) -> LiveViews:
    return cast(LiveViews, request.app.state.live)


LiveViewsOf = Annotated[LiveViews, Depends(_views)]


def watch_camera(
    request: Request,
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    views: LiveViewsOf,
    camera_id: CameraId,
    stream: Stream = "main",
    ticket: TicketOf = None,
) -> LiveAnswer:
    """Open a WebSocket with live video of a camera: fragmented MP4, not re-encoded.

    A request that is no handshake is checked in the same way and answered 426. A browser cannot
    read why a handshake was refused, so it sends the same request without an upgrade.
    """
    camera = context.camera(camera_id, visible)
    check_unmasked_view(trace, camera)
    if stream == "sub" and camera.substream is None:
        raise QueryInvalid("stream", f"{camera_id} has no sub-stream; leave out `stream`")
    if socket_of(request.scope) is None:
        raise UpgradeRequired(
            "live video needs a WebSocket; the request is valid and the person may watch the camera"
        )
    target = LiveTarget(
        camera_id,
        camera.substream is not None,
        stream == "sub",
        trace.request_id,
        preferred_language(request.headers.get("Accept-Language", "")),
    )
    return LiveAnswer(views, trace, target)


def read_live_ticket(
    context: Context, trace: RequestTrace, visible: Visible, camera_id: CameraId
) -> LiveTicket:
    """Return a URL of the camera's live video for a browser, which sends no headers with it.

    It may be opened for ten minutes.
    """
    camera = context.camera(camera_id, visible)
    check_unmasked_view(trace, camera)
    assert trace.person is not None
    path, now_ns = f"/v1/cameras/{camera_id}/live", context.clock.wall_ns()
    ticket = ticket_for(
        trace.person, trace.reason, trace.case, path, (now_ns, now_ns), now_ns, trace.basis
    )
    return LiveTicket(
        address=f"{path}?{TICKET}={write_ticket(context.signer, ticket)}",
        until=ticket.expires_s * NS_PER_S,
    )
