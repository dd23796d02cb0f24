"""Endpoints of live video: the WebSocket of a camera, and tickets to it."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import Depends, Query, Request

from api.access.api_context import Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_view
from api.live.live_tickets import TicketOf, live_ticket, with_ticket
from api.live.models import LiveTicket
from api.live.viewer import LiveTarget
from api.live.views import LiveAnswer, LiveViews
from api.requests.languages import preferred_language
from api.requests.parameters import CameraId
from api.websockets.handshakes import socket_of
from domain.clock import NS_PER_S
from domain.errors import QueryInvalid, UpgradeRequired
from domain.people import Right
from domain.registry import Camera

Stream = Annotated[
    Literal["main", "sub"],
    Query(description="`sub`: begin with the smaller stream; the client can change it later"),
]


DetectionsWish = Annotated[
    Literal["1"] | None,
    Query(
        description="`1`: what the camera's analysis finds is sent, too; it needs the right "
        "`events_read`"
    ),
]


SoundWish = Annotated[
    Literal["1"] | None,
    Query(description="`1`: the sound of the camera is sent, too; without it there is none"),
]


LanguageWish = Annotated[
    Literal["en", "zh-CN"] | None,
    Query(
        description="the language of problems, in place of `Accept-Language`, which a page cannot "
        "set for a WebSocket"
    ),
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
    detections: DetectionsWish = None,
    sound: SoundWish = None,
    language: LanguageWish = None,
    ticket: TicketOf = None,
) -> LiveAnswer:
    """Open a WebSocket with live video of a camera: fragmented MP4, not re-encoded.

    A request that is no handshake is checked in the same way and answered 426. A browser cannot
    read why a handshake was refused, so it sends the same request without an upgrade.
    """
    camera = context.camera(camera_id, visible)
    check_unmasked_view(trace, camera)
    if stream == "sub" and camera.substream is None:
        raise QueryInvalid(
            "stream", "{camera} has no sub-stream; leave out `stream`", camera=camera_id
        )
    _check_checkpoint(camera, detections)
    if socket_of(request.scope) is None:
        raise UpgradeRequired(
            "live video needs a WebSocket; the request is valid and the person may watch the camera"
        )
    target = LiveTarget(
        camera_id,
        camera.substream is not None,
        stream == "sub",
        trace.request_id,
        language or _language_of(request),
        has_detections=detections is not None,
        has_sound=sound is not None,
    )
    return LiveAnswer(views, trace, target)


def _language_of(request: Request) -> str:
    return preferred_language(request.headers.get("Accept-Language", ""))


def _check_checkpoint(camera: Camera, detections: str | None) -> None:
    if detections is not None and not camera.checkpoint:
        raise QueryInvalid(
            "detections",
            "{camera} is no checkpoint, so nothing is detected; leave it out",
            camera=camera.id,
        )


def read_live_ticket(
    request: Request,
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    camera_id: CameraId,
    detections: DetectionsWish = None,
) -> LiveTicket:
    """Return the URLs of the camera's live video for a player that sends no headers.

    They may be opened for ten minutes. Problems are in the language of this request.
    """
    camera = context.camera(camera_id, visible)
    check_unmasked_view(trace, camera)
    _check_checkpoint(camera, detections)
    ticket = live_ticket(context, trace, camera_id)
    path = f"/v1/cameras/{camera_id}/live"
    if detections is None:
        address = with_ticket(context, path, ticket)
    else:
        further = live_ticket(context, trace, camera_id, Right.EVENTS_READ)
        address = f"{with_ticket(context, path, further)}&detections=1"
    return LiveTicket(
        address=f"{address}&language={_language_of(request)}",
        whep=with_ticket(context, f"/v1/cameras/{camera_id}/whep", ticket),
        until=ticket.expires_s * NS_PER_S,
    )
