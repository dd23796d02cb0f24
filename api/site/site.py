"""Routes of the site itself: health, readiness, alarms, metrics, the plain page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from fastapi import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from api.access.api_context import ApiContext, Context, Visible
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.parameters import Next
from api.site.models import AlarmList, HealthView, Readiness
from api.site.readiness import Probes
from domain.alarms import Alarm
from domain.errors import Fault, IndexUnavailable, Unauthenticated
from domain.metrics import exposition
from domain.people import Right

HIDDEN_SENTENCE = "ask a person who may see the whole site"
METRICS_TYPE = "text/plain; version=0.0.4"


async def read_health() -> HealthView:
    """Return that the process works; nothing else is checked."""
    return HealthView()


def read_readiness(context: Context, request: Request, response: Response) -> Readiness:
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
        hidden = [one.model_copy(update={"why": None}) for one in dependencies]
        return Readiness(
            status=status,
            dependencies=hidden,
            warnings=warnings,
            registry_faults=None,
            policy_faults=None,
        )
    return Readiness(
        status=status,
        dependencies=list(dependencies),
        warnings=[*warnings, *context.unconfined()],
        registry_faults=_shown(context.registry().faults),
        policy_faults=_shown(context.policy().faults),
    )


def _shown(faults: Iterable[Fault]) -> list[str]:
    """Return faults with the names of their files only: the folders are internal to the site."""
    return [str(replace(fault, file=Path(fault.file).name)) for fault in faults]


def _may_see_details(context: ApiContext, request: Request) -> bool:
    """Return whether the person of the request may read camera states.

    A request without a valid token or session gets a response without details, also while neither
    can be checked.
    """
    try:
        caller = context.authentication.caller(request)
    except (IndexUnavailable, Unauthenticated):
        return False
    person = None if caller is None else caller.person
    # Causes and faults may name any camera.
    return person is not None and person.may(Right.CAMERAS_READ) and person.scope.is_unlimited


def list_alarms(
    context: Context, visible: Visible, limit: ListLimit = MAX_ITEMS, next_: Next = None
) -> AlarmList:
    """List the current alarms of all nodes, the newest first.

    The sentence of an alarm may name any camera, so a person with a limited scope gets none.
    """

    def key(alarm: Alarm) -> tuple[int, str]:
        return alarm.since, f"{alarm.name} {alarm.node}"

    alarms = context.alarms()
    if not visible.is_all:
        alarms = tuple(one.model_copy(update={"sentence": HIDDEN_SENTENCE}) for one in alarms)
    page = newest_first(alarms, key, "alarms", visible, limit, next_)
    return AlarmList(items=page.items, next=page.next)


def read_metrics() -> Response:
    """Return all metrics of this node in the Prometheus text format."""
    return Response(exposition(), media_type=METRICS_TYPE)


async def read_openapi(request: Request) -> Response:
    """Return the OpenAPI description, which is written once: anyone may ask for it."""
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = bytes(JSONResponse(request.app.openapi()).body)
    return Response(state.description, media_type="application/json")


async def read_page() -> Response:
    """Return the plain page with the newest events, search and cameras."""
    html, policy = _page()
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


@cache
def _page() -> tuple[str, str]:
    """Return the page and its content security policy.

    The policy allows only the page's own script and style, by their hashes.
    """
    html = files("console").joinpath("plain.html").read_text("utf-8")
    script, style = _hash_of(html, "script"), _hash_of(html, "style")
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src blob: data:; "
        "media-src blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _hash_of(html: str, tag: str) -> str:
    match = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    if match is None:
        raise ValueError(f"console/plain.html has no <{tag}>")
    return f"'sha256-{base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()}'"
