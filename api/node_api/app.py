"""The node's door: what only the node has, served to the API alone. Every request carries a signed
token for just that request.

Run by the live process on an address that only the API reaches (loopback on one machine).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.cameras.recordings import cut_answer
from api.node_api.context import Door, FromNs, NodeApiContext, ToNs
from api.node_api.segments import ROUTES as SEGMENT_ROUTES
from api.nodes.coverage import NodeAccount
from api.nodes.tokens import refusal
from api.requests.byte_ranges import IfRange, RangeHeader
from api.requests.cutting import Cutting
from api.requests.error_responses import add_fault_handlers
from api.requests.problems import UNAUTHENTICATED, problem_response
from api.requests.request_middleware import RequestMiddleware
from api.requests.request_trace import trace_of
from api.requests.send_limits import Sending
from api.requests.thread_pools import Pool, Pools, pooled
from domain.clock import Clock
from domain.errors import NotFound
from domain.paths.object_keys import CROP, SNAPSHOT
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.triggers import Trigger
from storage.recordings.recorded_ranges import RecordedRanges, clip, merge

SHORTEST_KEY_BYTES = 16


def make_door(context: NodeApiContext) -> FastAPI:
    """The door on `context`. Raises ValueError for a key that could be guessed."""
    if len(context.key) < SHORTEST_KEY_BYTES:
        raise ValueError(
            f"the door's key is {len(context.key)} bytes long; it needs {SHORTEST_KEY_BYTES} "
            "or more"
        )
    app = FastAPI(
        title="Sightline node",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    app.state.recorded = RecordedRanges(context.ledger.recordings)
    app.state.cutting = Cutting(context.scratch)
    app.state.sending = Sending(context.clock, context.least_rate)
    pools = Pools()
    for path, endpoint, pool in (*_ROUTES, *SEGMENT_ROUTES):
        app.add_api_route(path, pooled(pools, pool, endpoint), methods=["GET"], response_model=None)
    app.add_api_route(
        "/door/cameras/{camera}/triggers", add_trigger, methods=["POST"], response_model=None
    )
    add_fault_handlers(app)
    app.add_middleware(TokenCheck, key=context.key, clock=context.clock)
    app.add_middleware(RequestMiddleware, clock=context.clock)
    return app


class TokenCheck:
    """Nothing behind it runs without a valid token, unknown addresses included."""

    def __init__(self, app: ASGIApp, key: bytes, clock: Clock) -> None:
        self._app = app
        self._key = key
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"the door speaks HTTP, not {scope['type']}")
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        why = refusal(
            self._key, authorization, scope["method"], _target(scope), self._clock.wall_ns()
        )
        if why:
            await problem_response(UNAUTHENTICATED, why, trace_of(scope).request_id)(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)


def _target(scope: Scope) -> bytes:
    path: bytes = scope["raw_path"].partition(b"?")[0]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


async def _cutting(request: Request) -> Cutting:
    return cast(Cutting, request.app.state.cutting)


async def _recorded(request: Request) -> RecordedRanges:
    return cast(RecordedRanges, request.app.state.recorded)


def event_picture(context: Door, camera: str, event_id: str, name: str) -> Response:
    """A picture that is still in the spool."""
    data = context.spool.picture(event_id, camera, name) if name in (SNAPSHOT, CROP) else None
    if data is None:
        raise NotFound(f"{name} of event {event_id} is not in this node's spool")
    return Response(data, media_type="image/jpeg")


def recording(
    context: Door,
    request: Request,
    cutting: Annotated[Cutting, Depends(_cutting)],
    camera: str,
    from_ns: FromNs,
    to_ns: ToNs,
    range_: RangeHeader = None,
    if_range: IfRange = None,
) -> Response:
    """A range, cut to a file that is gone once it is sent."""
    made = cutting.cut(partial(context.ledger.segments, camera), from_ns, to_ns)
    return cut_answer(made, trace_of(request.scope).request_id, range_, if_range)


def account(
    context: Door,
    recorded: Annotated[RecordedRanges, Depends(_recorded)],
    camera: str,
    from_ns: FromNs,
    to_ns: ToNs,
) -> NodeAccount:
    """What this node has of a range, the segment being written up to what can be read of it,
    and what it knows of the rest.
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
    return NodeAccount(
        recorded=merge([*ranges, *clip(being_written, from_ns, to_ns)]),
        gaps=[
            *context.gaps.between(camera, from_ns, to_ns),
            *_empty(recorded, camera, from_ns, to_ns),
        ],
        first_ns=min((first for first in firsts if first), default=None),
        deleted=deleted,
        alive_ns=context.gaps.last_beat_ns(camera),
    )


def _empty(recorded: RecordedRanges, camera: str, from_ns: int, to_ns: int) -> list[Gap]:
    """What the names of segments claim, and their files do not hold."""
    found = sorted((span, name) for name, span in recorded.empty(camera, from_ns, to_ns).items())
    return [
        Gap(
            camera,
            max(start_ns, from_ns),
            min(end_ns, to_ns),
            GapCause.DISK,
            f"the file {name} is there and holds no picture",
        )
        for (start_ns, end_ns), name in found
    ]


def camera_picture(context: Door, camera: str, sub: bool = False) -> Response:
    """A picture of the camera now, or of its sub-stream."""
    return Response(context.picture(camera, sub), media_type="image/jpeg")


def add_trigger(context: Door, camera: str, from_ns: FromNs, to_ns: ToNs, reason: str) -> Response:
    """A person's trigger, on this node's disk when it answers; the worker that has the camera
    reads it there.
    """
    context.triggers.add(Trigger(camera, "api", from_ns, to_ns, reason))
    return Response(status_code=204)


def health(context: Door) -> Response:
    """The states of this node's cameras."""
    return JSONResponse({"cameras": [asdict(status) for status in context.statuses()]})


_ROUTES: tuple[tuple[str, Callable[..., object], Pool], ...] = (
    ("/door/cameras/{camera}/events/{event_id}/{name}", event_picture, Pool.PICTURES),
    ("/door/cameras/{camera}/recording", recording, Pool.CUTS),
    ("/door/cameras/{camera}/account", account, Pool.PLAYBACK),
    ("/door/cameras/{camera}/picture", camera_picture, Pool.PICTURES),
    ("/door/health", health, Pool.QUERIES),
)
