"""Routes of the site itself: health, readiness, alarms, metrics, its description."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api.access.api_context import ApiContext, Context, Visible
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.languages import Messages
from api.requests.parameters import Next
from api.site.base_map import address_of_tiles
from api.site.exposition import Exposition
from api.site.models import AlarmList, HealthView, Readiness, SignInWay, SiteView
from api.site.readiness import Probes
from domain.alarms import Alarm
from domain.errors import Fault, IndexUnavailable, Unauthenticated
from domain.messages.message import Message
from domain.people import Right

HIDDEN_SENTENCE = Message("ask a person who may see the whole site")
METRICS_TYPE = "text/plain; version=0.0.4"


async def read_health() -> HealthView:
    """Return that the process works; nothing else is checked."""
    return HealthView()


def read_readiness(
    context: Context, request: Request, response: Response, messages: Messages
) -> Readiness:
    """Return the state of the dependencies.

    The status is 503 where no request can be served, and `degraded` where pictures and clips are
    unavailable. The causes and the faults of registry and policy need the right to read camera
    states.
    """
    probes: Probes = request.app.state.probes
    dependencies = probes.dependencies()
    lacking = [one for one in dependencies if not one.ok]
    status: Literal["ready", "degraded", "not_ready"] = "degraded" if lacking else "ready"
    if any(one.required for one in lacking):
        status = "not_ready"
    response.status_code = 503 if status == "not_ready" else 200
    warnings = list(context.warnings)
    if not _may_see_details(context, request):
        hidden = [one.view(None) for one in dependencies]
        return Readiness(
            status=status,
            dependencies=hidden,
            warnings=warnings,
            registry_faults=None,
            policy_faults=None,
        )
    return Readiness(
        status=status,
        dependencies=[one.view(messages(one.why)) for one in dependencies],
        warnings=[*warnings, *context.unconfined()],
        registry_faults=_shown(context.registry().faults, messages),
        policy_faults=_shown(context.policy().faults, messages),
    )


def _shown(faults: Iterable[Fault], messages: Callable[[Message], Message]) -> list[str]:
    """Return faults with the names of their files only: the folders are internal to the site."""
    named = (replace(fault, file=Path(fault.file).name) for fault in faults)
    return [str(messages(fault.sentence)) for fault in named]


def _may_see_details(context: ApiContext, request: Request) -> bool:
    """Return whether the person of the request may read camera states.

    A request without a valid token or session gets a response without details, also while neither
    can be checked.
    """
    try:
        caller = context.authentication.caller(request)
    except (IndexUnavailable, Unauthenticated):
        return False
    if caller is None or context.authentication.lacks_second_factor(caller):
        return False
    # Causes and faults may name any camera.
    return caller.person.may(Right.CAMERAS_READ) and caller.person.scope.is_unlimited


async def read_site(context: Context) -> SiteView:
    """Return what a client must know before anyone signs in."""
    ways: list[SignInWay] = ["token", "password"]
    if context.openid is not None:
        ways.append("openid")
    settings, base_map = context.settings, context.base_map
    return SiteView(
        time_zone=settings.time_zone,
        map_tiles=settings.map_tiles or (None if base_map is None else address_of_tiles(base_map)),
        map_zooms=None
        if base_map is None
        else [base_map.header.min_zoom, base_map.header.max_zoom],
        map_schema=None if base_map is None else base_map.schema,
        map_attribution=None if base_map is None else base_map.attribution or None,
        viewer_overlay=settings.viewer_overlay,
        sign_in=ways,
    )


def list_alarms(
    context: Context,
    visible: Visible,
    messages: Messages,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> AlarmList:
    """List the current alarms of all nodes, the newest first.

    The sentence of an alarm may name any camera, so a person with a limited scope gets none.
    """

    def key(alarm: Alarm) -> tuple[int, str]:
        return alarm.since, f"{alarm.name} {alarm.node}"

    alarms = context.alarms()
    if not visible.is_all:
        hidden = {"sentence": HIDDEN_SENTENCE, "message": None}
        alarms = tuple(one.model_copy(update=hidden) for one in alarms)
    page = newest_first(alarms, key, "alarms", visible, limit, next_)
    return AlarmList(items=[one.translated(messages) for one in page.items], next=page.next)


def read_metrics(request: Request) -> Response:
    """Return all metrics of this node in the Prometheus text format."""
    exposition: Exposition = request.app.state.exposition
    return Response(exposition.text(), media_type=METRICS_TYPE)


async def read_openapi(request: Request) -> Response:
    """Return the OpenAPI description, which is written once: anyone may ask for it."""
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = bytes(JSONResponse(request.app.openapi()).body)
    return Response(state.description, media_type="application/json")
