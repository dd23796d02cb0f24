"""The node API: it serves to the API what only this node has.

Every request carries a signed token for that request alone. The live process runs the node API on
an address that only the API reaches, which is loopback on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.limits.send_limits import Sending
from api.limits.thread_pools import Pool, pooled
from api.node_api.context import CameraOfPath, FromNs, NodeApiContext, NodeContext, ToNs
from api.node_api.live import detections, live
from api.node_api.open_streams import OpenStreams
from api.node_api.segments import ROUTES as SEGMENT_ROUTES
from api.nodes.coverage import LoggedGaps, NodeAccount
from api.nodes.tokens import TokenVerifier
from api.nodes.wire_names import PATH_PREFIX
from api.requests.error_responses import add_fault_handlers
from api.requests.problems import UNAUTHENTICATED, problem_response
from api.requests.request_middleware import RequestMiddleware
from api.requests.request_trace import trace_of
from domain.camera_states import CameraStatus
from domain.clock import Clock
from domain.errors import NotFound
from domain.messages.message import Message
from domain.paths.object_keys import CROP, SNAPSHOT
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.triggers import Trigger
from storage.recordings.recorded_ranges import RecordedRanges, clip, merge


def make_node_api(context: NodeApiContext) -> FastAPI:
    """Create the node API."""
    app = FastAPI(
        title="Sightline node",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=list(node_routes()),
    )
    app.state.context = context
    app.state.recorded = RecordedRanges(context.ledger.recordings)
    app.state.streams = OpenStreams(context.node)
    app.state.sending = Sending(context.clock, context.least_rate)
    add_fault_handlers(app)
    clock, started_ns = context.clock, context.clock.steady_ns()
    verifier = TokenVerifier(
        context.node, context.key_of_api, lambda: started_ns + clock.stepped_ns
    )
    app.add_middleware(TokenCheck, verifier=verifier, clock=clock)
    app.add_middleware(RequestMiddleware, clock=clock)
    return app


@cache
def node_routes() -> tuple[BaseRoute, ...]:
    """Return the routes, which are made once: they need nothing of the process that serves them."""
    router = APIRouter()
    for path, endpoint, pool in (*_ROUTES, *SEGMENT_ROUTES):
        router.add_api_route(
            PATH_PREFIX + path,
            pooled(pool, endpoint),
            methods=["GET"],
            response_model=None,
        )
    for name, stream in (("live", live), ("detections", detections)):
        router.add_api_route(
            f"{PATH_PREFIX}/cameras/{{camera}}/{name}",
            stream,
            methods=["GET"],
            response_model=None,
        )
    router.add_api_route(
        f"{PATH_PREFIX}/cameras/{{camera}}/triggers",
        add_trigger,
        methods=["POST"],
        response_model=None,
    )
    return tuple(router.routes)


class TokenCheck:
    """Refuses every request without a valid token, also one for an unknown path."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier, clock: Clock) -> None:
        self._app = app
        self._verifier = verifier
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"the node API supports HTTP, not {scope['type']}")
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        detail = self._verifier.refusal(
            authorization, scope["method"], _target(scope), self._clock.wall_ns()
        )
        if detail:
            await problem_response(UNAUTHENTICATED, Message(detail), trace_of(scope).request_id)(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)


def _target(scope: Scope) -> bytes:
    path: bytes = scope["raw_path"].partition(b"?")[0]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


async def _recorded(request: Request) -> RecordedRanges:
    return cast(RecordedRanges, request.app.state.recorded)


def event_picture(context: NodeContext, camera: CameraOfPath, event_id: str, name: str) -> Response:
    """Serve a picture that is still in the spool."""
    data = context.spool.picture(event_id, camera, name) if name in (SNAPSHOT, CROP) else None
    if data is None:
        raise NotFound(
            "{name} of event {event} is not in this node's spool", name=name, event=event_id
        )
    return Response(data, media_type="image/jpeg")


def account(
    context: NodeContext,
    recorded: Annotated[RecordedRanges, Depends(_recorded)],
    camera: CameraOfPath,
    from_ns: FromNs,
    to_ns: ToNs,
) -> NodeAccount:
    """Report what this node has recorded of a range, and the gaps that it can explain.

    The segment that is being written counts as far as it can be read.
    """
    ranges = recorded.ranges(camera, from_ns, to_ns)
    written_ns = {status.camera_id: status.recorded_until_ns for status in context.statuses()}.get(
        camera, 0
    )
    being_written = [
        (segment.start_ns, written_ns)
        for segment in context.ledger.segments(camera, from_ns, to_ns)
        if segment.end_ns is None
    ]
    bounds, deleted = recorded.bounds(camera), context.ledger.deleted(camera)
    firsts = [
        bounds and bounds[0],
        deleted and deleted[0],
        context.gaps.first_ns(camera),
        *(start_ns for start_ns, _ in being_written),
    ]
    logged = context.gaps.logged(camera, from_ns, to_ns)
    return NodeAccount(
        recorded=merge([*ranges, *clip(being_written, from_ns, to_ns)]),
        gaps=[*logged.gaps, *_gaps_of_empty_files(recorded, camera, from_ns, to_ns)],
        first_ns=min((first for first in firsts if first), default=None),
        deleted=deleted,
        alive_ns=context.gaps.last_beat_ns(camera),
        partly_analysed=list(logged.partly),
        analysed_again=list(logged.again),
    )


def gaps(context: NodeContext, from_ns: FromNs, to_ns: ToNs) -> LoggedGaps:
    """Report the gaps of a range that this node logged, of every camera that ran here."""
    log = context.gaps
    return LoggedGaps(
        gaps=[gap for camera in log.cameras() for gap in log.between(camera, from_ns, to_ns)]
    )


def _gaps_of_empty_files(
    recorded: RecordedRanges, camera: str, from_ns: int, to_ns: int
) -> list[Gap]:
    """Return the ranges that the names of segments claim and their files do not hold."""
    found = sorted((span, name) for name, span in recorded.empty(camera, from_ns, to_ns).items())
    return [
        Gap(
            camera,
            max(start_ns, from_ns),
            min(end_ns, to_ns),
            GapCause.DISK,
            Message("the file {name} is there and holds no picture", name=name),
        )
        for (start_ns, end_ns), name in found
    ]


def camera_picture(context: NodeContext, camera: CameraOfPath, sub: bool = False) -> Response:
    """Serve a current picture of the camera's main stream or sub-stream."""
    return Response(context.picture(camera, sub), media_type="image/jpeg")


def add_trigger(
    context: NodeContext, camera: CameraOfPath, from_ns: FromNs, to_ns: ToNs, reason: str
) -> Response:
    """Write a person's trigger to this node's disk, where the camera's worker reads it.

    It is on disk before the response is sent.
    """
    context.triggers.add(Trigger(camera, "api", from_ns, to_ns, reason))
    return Response(status_code=204)


def health(context: NodeContext) -> Response:
    """Report the states of this node's cameras."""
    return Response(
        _HEALTH.dump_json({"cameras": context.statuses()}), media_type="application/json"
    )


_HEALTH = TypeAdapter(dict[str, Sequence[CameraStatus]])
_ROUTES: tuple[tuple[str, Callable[..., object], Pool], ...] = (
    ("/cameras/{camera}/events/{event_id}/{name}", event_picture, Pool.PICTURES),
    ("/cameras/{camera}/account", account, Pool.PLAYBACK),
    ("/cameras/{camera}/picture", camera_picture, Pool.PICTURES),
    ("/gaps", gaps, Pool.PLAYBACK),
    ("/health", health, Pool.QUERIES),
)
