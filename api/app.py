"""Creates the API: each route of the table runs behind the guard and the middleware."""

from __future__ import annotations

from functools import lru_cache, partial

from fastapi import FastAPI

from api.access.api_context import ApiContext
from api.access.guard import Guard
from api.access.idempotent import Idempotent
from api.access.requirements import Requirements
from api.access.route_services import RouteServices
from api.access.standing_access import StandingAccess
from api.app_routes import route_class_of, routes_of
from api.cameras.recording_files import RecordingFiles
from api.description.openapi import describe
from api.events.exports import Exports
from api.feeds.feeds import Feeds
from api.limits.rate_limits import PersonLimits
from api.limits.send_limits import LeastRate, Sending
from api.limits.thread_pools import Pools
from api.live.views import LiveViews
from api.live.whep_sessions import WhepSessions
from api.requests.audit_recorder import AuditRecorder
from api.requests.audit_trail import AuditTrail
from api.requests.declarations import Declaration, Declarations
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
        routes=list(routes_of(routes)),
    )
    app.router.route_class = route_class_of(declarations)
    recorder = AuditRecorder(context.audit, context.clock)
    limits = PersonLimits(context.clock, context.settings.person_requests_per_s)
    requirements = Requirements(context)
    guard = Guard(context, declarations, limits, requirements)
    app.state.services = RouteServices(
        guard, recorder, requirements, Pools(), Idempotent(context.idempotency, context.clock)
    )
    app.state.person_limits = limits
    app.state.recorder = recorder
    app.state.probes = Probes(context)
    app.state.exposition = Exposition()
    least_rate = LeastRate.from_settings(context.settings)
    app.state.sending = Sending(context.clock, least_rate, budget=context.send_budget)
    app.state.standing_permission = StandingAccess.of_site(context).of
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
    # FastAPI documents this assignment as the way to change the description.
    app.openapi = lru_cache(1)(partial(describe, app, declarations))  # type: ignore[method-assign]
    return app
