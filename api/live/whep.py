"""Endpoints of WHEP (draft-ietf-wish-whep-03), by which a WebRTC player opens a camera."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, cast

from fastapi import Body, Depends, Header, Path, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_view
from api.live.ice_servers import ice_server_link
from api.live.live_tickets import TicketOf, session_path
from api.live.live_video import SoundWish
from api.live.models import WhepState
from api.live.whep_sessions import WhepSessions, WhepTarget
from api.requests.languages import preferred_language, problem_of
from api.requests.parameters import CameraId
from api.requests.problems import ErrorRecord, Problem
from api.requests.request_trace import Trace
from api.webrtc.client import MediaLink
from api.webrtc.messages import error_of
from domain.errors import BadInput, NotFound, QueryInvalid, StoreError

SDP = "application/sdp"
SDP_FRAGMENT = "application/trickle-ice-sdpfrag"


async def _sessions(request: Request) -> WhepSessions:
    return cast(WhepSessions, request.app.state.whep)


WhepSessionsOf = Annotated[WhepSessions, Depends(_sessions)]
SessionId = Annotated[str, Path(alias="session", pattern="^[A-Za-z0-9_-]{1,64}$")]
SessionTag = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description="the ETag of the session; after a restart of ICE it has another one (412)",
    ),
]


def watch_by_whep(
    request: Request,
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    sessions: WhepSessionsOf,
    camera_id: CameraId,
    offer: Annotated[bytes, Body(media_type=SDP, max_length=60_000)],
    stream: Annotated[
        Literal["main", "sub"], Query(description="`sub`: watch the smaller stream")
    ] = "main",
    sound: SoundWish = None,
    ticket: TicketOf = None,
) -> WhepAnswer:
    """Open live video of a camera by WebRTC. The body is the offer of the player.

    The camera's H.264 is not re-encoded. Sound (G.711) needs `sound=1` and an audio section of the
    offer. `Location` is the session, which DELETE ends.
    """
    camera = context.camera(camera_id, visible)
    check_unmasked_view(trace, camera)
    if stream == "sub" and camera.substream is None:
        raise QueryInvalid(
            "stream", "{camera} has no sub-stream; leave out `stream`", camera=camera_id
        )
    target = WhepTarget(
        camera_id,
        camera.substream is not None,
        stream == "sub",
        _text(offer),
        _hosts(context, request),
        has_sound=sound is not None,
    )
    return WhepAnswer(sessions, trace, target)


def change_whep(
    trace: RequestTrace,
    context: Context,
    visible: Visible,
    sessions: WhepSessionsOf,
    camera_id: CameraId,
    session: SessionId,
    fragment: Annotated[bytes, Body(media_type=SDP_FRAGMENT, max_length=60_000)],
    if_match: SessionTag = None,
    ticket: TicketOf = None,
) -> WhepChange:
    """Send candidates of the player (204), or restart ICE (200, with the new credentials).

    Candidates are not needed, because the player sends the connectivity checks.
    """
    context.camera(camera_id, visible)
    return WhepChange(sessions, trace, camera_id, session, _text(fragment), _tag(if_match))


def end_whep(
    trace: RequestTrace,
    context: Context,
    visible: Visible,
    sessions: WhepSessionsOf,
    camera_id: CameraId,
    session: SessionId,
    ticket: TicketOf = None,
) -> WhepChange:
    """End a session of live video."""
    context.camera(camera_id, visible)
    return WhepChange(sessions, trace, camera_id, session, None, None)


async def read_whep(
    request: Request,
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    sessions: WhepSessionsOf,
    camera_id: CameraId,
    session: SessionId,
    ticket: TicketOf = None,
) -> WhepState:
    """Return what the viewer of a session is sent, or why this site ended the session."""
    context.camera(camera_id, visible)
    link = await _link(sessions, session)
    assert trace.person is not None
    state = await link.read(session, trace.person.name, camera_id)
    language = preferred_language(request.headers.get("Accept-Language", ""))

    def described(record: ErrorRecord | None) -> Problem | None:
        if record is None:
            return None
        return problem_of(error_of(record), trace.request_id, language)

    return WhepState(
        stream="sub" if state.is_sub else "main",
        is_reduced=state.is_reduced,
        skipped=state.skipped,
        at=context.clock.wall_ns(),
        sound_problem=described(state.sound_problem),
        problem=described(state.problem),
    )


async def _link(sessions: WhepSessions, session: str) -> MediaLink:
    """Raises NotFound if the media process does not run: then there are no sessions."""
    try:
        return await sessions.client.link()
    except StoreError as error:
        raise NotFound(
            "there is no session {session}: {error}", session=session, error=error
        ) from error


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as error:
        raise BadInput("the body is no SDP: it has characters beyond ASCII") from error


def _tag(if_match: str | None) -> str | None:
    tag = (if_match or "*").strip()
    return None if tag == "*" else tag


def _hosts(context: ApiContext, request: Request) -> tuple[str, ...]:
    """Return the addresses of the media process for this viewer: those of the setting, or else the
    one by which the viewer has reached the API.
    """
    if context.settings.webrtc_address_list:
        return context.settings.webrtc_address_list
    server: tuple[str, int | None] = request.scope["server"]
    address = ipaddress.ip_address(server[0].partition("%")[0])
    return (str(getattr(address, "ipv4_mapped", None) or address),)


class WhepAnswer(Response):
    """Opens a session and answers 201. The route has checked right, scope and parameters.

    It has no `body`: its line of the audit log is written when sending starts.
    """

    def __init__(self, sessions: WhepSessions, trace: Trace, target: WhepTarget) -> None:
        self.status_code = 201
        self.background = None
        self.raw_headers = []
        self._sessions = sessions
        self._trace = trace
        self._target = target

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session, reply = await self._sessions.open(self._trace, self._target)
        context = self._sessions.views.context
        headers = {
            "Location": session_path(context, self._trace, self._target.camera_id, session.id),
            "ETag": reply.tag,
            "Accept-Patch": SDP_FRAGMENT,
        }
        link = ice_server_link(context.settings, context.clock.wall_ns())
        if link is not None:
            headers["Link"] = link
        answer = Response(reply.text, self.status_code, headers, media_type=SDP)
        try:
            await answer(scope, receive, send)
        except BaseException:
            await session.cancel()
            raise
        self._sessions.start(session)


class WhepChange(Response):
    """Changes or ends a session, which may be one of another API process."""

    def __init__(
        self,
        sessions: WhepSessions,
        trace: Trace,
        camera_id: str,
        session: str,
        fragment: str | None,
        tag: str | None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = []
        self._sessions = sessions
        self._trace = trace
        self._change = (camera_id, fragment, tag)
        self._session = session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._trace.person is not None
        link = await _link(self._sessions, self._session)
        reply = await link.change(self._session, self._trace.person.name, *self._change)
        headers = {"ETag": reply.tag} if reply.tag else {}
        if reply.text:
            answer = Response(reply.text, 200, headers, media_type=SDP_FRAGMENT)
        else:
            answer = Response(
                status_code=204 if self._change[1] is not None else 200, headers=headers
            )
        await answer(scope, receive, send)
