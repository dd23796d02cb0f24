"""Routes of the site itself: health, readiness, metrics, who am I, the plain page."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from fastapi import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from api.context import ApiContext, Context, RequestTrace
from api.site_models import AlarmList, Dependency, Health, Readiness, Session
from domain.alarms import AlarmName
from domain.errors import SightlineError, Unauthenticated
from domain.metrics import exposition

_OF_THE_DISK = (AlarmName.DISK_FULL, AlarmName.DISK_HELD, AlarmName.DISK_UNWRITABLE)
METRICS_TYPE = "text/plain; version=0.0.4"


async def read_health() -> Health:
    """The process answers; nothing else is looked at."""
    return Health()


def read_readiness(context: Context, response: Response) -> Readiness:
    """What the API depends on. 503 where nothing can be answered; `degraded` where pictures and clips must wait."""
    dependencies = [_index(context), _objects(context), _disk(context), *_contents(context)]
    lacking = [one for one in dependencies if not one.ok]
    status: Literal["ready", "degraded", "not_ready"] = "degraded" if lacking else "ready"
    if any(one.required for one in lacking):
        status = "not_ready"
    # The file's name is enough for whoever mends it; where it lies is nobody's outside.
    faults = [str(replace(fault, file=Path(fault.file).name)) for fault in context.registry().faults]
    response.status_code = 503 if status == "not_ready" else 200
    return Readiness(status=status, dependencies=dependencies, registry_faults=faults)


def _index(context: ApiContext) -> Dependency:
    try:
        context.index.count()
    except SightlineError:
        return Dependency(name="index", ok=False, required=True, why="Redis does not answer")
    return Dependency(name="index", ok=True, required=True, why="")


def _objects(context: ApiContext) -> Dependency:
    try:
        context.objects.ping()
    except SightlineError:
        return Dependency(name="objects", ok=False, required=False, why="the object store does not answer for its bucket")
    return Dependency(name="objects", ok=True, required=False, why="")


def _disk(context: ApiContext) -> Dependency:
    bad = [alarm for alarm in context.alarms() if alarm.name in _OF_THE_DISK]
    return Dependency(name="disk", ok=not bad, required=False, why="; ".join(f"{alarm.node}: {alarm.sentence}" for alarm in bad))


def _contents(context: ApiContext) -> list[Dependency]:
    """Whether the stores that answer still hold what they held for this site."""
    faults = context.site_faults()
    contents = (("index_contents", faults.index), ("objects_contents", faults.objects))
    return [Dependency(name=name, ok=why is None, required=True, why=why or "") for name, why in contents]


def list_alarms(context: Context) -> AlarmList:
    """What people must do something about now, at any node of the site."""
    return AlarmList(items=list(context.alarms()))


def read_metrics() -> Response:
    """All metrics of this node in the Prometheus text format."""
    return Response(exposition(), media_type=METRICS_TYPE)


async def read_session(context: Context, trace: RequestTrace) -> Session:
    """Who the token belongs to, and what that person may do."""
    if trace.person is None:
        raise Unauthenticated("send a token: `Authorization: Bearer …`")
    return Session.of(trace.person, context.settings.reason_required)


async def read_openapi(request: Request) -> Response:
    """This description."""
    return JSONResponse(request.app.openapi())


async def read_page() -> Response:
    """The plain page: newest events, search and cameras, until the console."""
    html, policy = _page()
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


@cache
def _page() -> tuple[str, str]:
    """The page and its policy, which lets in its own script and style by their hashes and nothing else."""
    html = files("console").joinpath("plain.html").read_text("utf-8")
    script, style = _hash_of(html, "script"), _hash_of(html, "style")
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src blob: data:; media-src blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _hash_of(html: str, tag: str) -> str:
    match = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    if match is None:
        raise ValueError(f"console/plain.html has no <{tag}>")
    return f"'sha256-{base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()}'"
