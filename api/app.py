"""Creates the API: each route of the table runs behind the guard and the middleware."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from api.access.api_context import ApiContext
from api.access.guard import Guard
from api.access.guarded_route import guarded, run_in_current_thread
from api.access.idempotent import Idempotent
from api.access.requirements import Requirements
from api.cameras.recording_files import RecordingFiles
from api.description.openapi import describe
from api.events.exports import Exports
from api.feeds.feeds import Feeds
from api.limits.rate_limits import PersonLimits
from api.limits.send_limits import LeastRate, Sending
from api.limits.thread_pools import Pools
from api.live.views import LiveViews
from api.live.whep_sessions import WhepSessions
from api.requests.audit_recorder import AuditRecorder, with_recorded_intent
from api.requests.audit_trail import AuditTrail
from api.requests.bodies import with_strict_bodies
from api.requests.declarations import JSON, Declaration, Declarations
from api.requests.error_responses import add_fault_handlers
from api.requests.request_middleware import RequestMiddleware
from api.routes import ROUTES
from api.sessions.sign_ins import SignIns
from api.site.console import ConsoleFiles, built_console
from api.site.exposition import Exposition
from api.site.readiness import Probes
from api.webrtc.client import MediaClient
from api.websockets.handshakes import WebSocketHandshakes


def make_app(
    context: ApiContext,
    routes: tuple[Declaration, ...] = ROUTES,
    console: ConsoleFiles | None = None,
) -> FastAPI:
    """Create the API. Raises ValueError where a route is not declared: the app does not start.

    `console` is by default the one that was built at set-up.
    """
    declarations = Declarations(routes)
    app = FastAPI(
        title="Sightline",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    recorder = AuditRecorder(context.audit, context.clock)
    limits = PersonLimits(context.clock, context.settings.person_requests_per_s)
    requirements = Requirements(context)
    guard = Guard(context, declarations, limits, requirements)
    app.router.route_class = guarded(
        guard, recorder, declarations, Pools(), Idempotent(context.idempotency, context.clock)
    )
    app.state.person_limits = limits
    app.state.recorder = recorder
    app.state.probes = Probes(context)
    app.state.exposition = Exposition()
    app.state.sending = Sending(context.clock, LeastRate.from_settings(context.settings))
    app.state.context = context
    context.scratch.mkdir(parents=True, exist_ok=True)
    app.state.exports = Exports(context.scratch, context.clock)
    app.state.recordings = RecordingFiles(context)
    app.state.console = console or built_console()
    app.state.declarations = declarations
    app.state.feeds = Feeds(context)
    app.state.sign_ins = SignIns(context, recorder)
    app.state.live = LiveViews(context, recorder)
    app.state.whep = WhepSessions(app.state.live, MediaClient(context.media_socket))
    app.router.route_class = with_strict_bodies(app.router.route_class)
    for declaration in routes:
        _add(app, declaration, recorder, requirements)
    declarations.check(app)
    add_fault_handlers(app)
    app.add_middleware(AuditTrail, recorder=recorder)
    app.add_middleware(
        RequestMiddleware,
        clock=context.clock,
        trusted_proxies=context.settings.trusted_proxy_networks,
        requests_per_s=context.settings.address_requests_per_s,
    )
    app.add_middleware(WebSocketHandshakes)
    app.openapi = lru_cache(1)(partial(describe, app, declarations))  # type: ignore[method-assign]
    return app


def _add(
    app: FastAPI, declaration: Declaration, recorder: AuditRecorder, requirements: Requirements
) -> None:
    answer: dict[str, Any] = {
        "status_code": declaration.success_status,
        "responses": {declaration.success_status: _success_response(declaration)},
        "operation_id": declaration.endpoint.__name__,
    }
    if declaration.media_type != JSON:
        answer["response_class"] = Response
    if declaration.answer_model is not None:
        answer["response_model"] = declaration.answer_model
    endpoint = (
        with_recorded_intent(declaration.endpoint, recorder, requirements.check)
        if declaration.is_change
        and not (declaration.identifies_person or declaration.records_itself)
        else declaration.endpoint
    )
    endpoint = run_in_current_thread(endpoint)
    app.add_api_route(declaration.path, endpoint, methods=[declaration.method], **answer)
    if declaration.allows_head:
        app.add_api_route(
            declaration.path,
            endpoint,
            methods=["HEAD"],
            include_in_schema=False,
            response_model=None,
        )


def _success_response(declaration: Declaration) -> dict[str, Any]:
    types = {declaration.media_type, *declaration.other_media_types} - {JSON}
    content = {name: {"schema": _schema_of(name)} for name in sorted(types)}
    return {"description": "", "content": content} if content else {"description": ""}


def _schema_of(media_type: str) -> dict[str, str]:
    is_text = media_type.startswith("text/")
    return {"type": "string"} if is_text else {"type": "string", "format": "binary"}
