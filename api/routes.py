"""The table of all routes: right, scope, name in the audit log, media type and thread pool."""

from __future__ import annotations

from api.cameras.routes import CAMERA_ROUTES
from api.events.routes import EVENT_ROUTES
from api.exports.routes import EXPORT_ROUTES
from api.feeds.routes import FEED_ROUTES
from api.live.routes import LIVE_ROUTES, SAVED_VIEW_ROUTES
from api.people.routes import PEOPLE_ROUTES
from api.policy.routes import POLICY_ROUTES
from api.requests.declarations import Declaration
from api.sessions.openid import OPENID_ROUTES
from api.sessions.routes import SESSION_ROUTES
from api.site.routes import SITE_ROUTES

ROUTES: tuple[Declaration, ...] = (
    *SITE_ROUTES,
    *SESSION_ROUTES,
    *OPENID_ROUTES,
    *CAMERA_ROUTES,
    *LIVE_ROUTES,
    *SAVED_VIEW_ROUTES,
    *EXPORT_ROUTES,
    *FEED_ROUTES,
    *EVENT_ROUTES,
    *PEOPLE_ROUTES,
    *POLICY_ROUTES,
)
