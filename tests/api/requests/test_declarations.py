"""Every route is declared, needs its right and its reason, and is audited before it responds."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from api.app import make_app
from api.requests.declarations import Access, Declaration, Declarations, Scope
from api.routes import ROUTES
from api.sessions.openid import OPENID_ROUTES
from domain.clock import SystemClock
from domain.people import RIGHTS, Right, Role
from domain.settings import Settings
from storage.site.audit import AuditLog

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

ID = "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"
SPAN = "?from=2025-11-24T16:00:00Z&to=2025-11-24T16:00:10Z"
QUERIES = {
    "/v1/events/feed": "?seconds=0",
    "/v1/watches/feed": "?seconds=0",
    "/v1/journeys": "?plate=鄂F88888",
    "/v1/plates": "?start=鄂F888",
    "/v1/cameras/{id}/recording": SPAN,
    "/v1/cameras/{id}/coverage": SPAN,
    "/v1/outages": SPAN,
}
RIGHTS_OF_ROUTES = {
    "GET /": "anyone",
    "GET /assets/{name}": "anyone",
    "GET /v1/site": "anyone",
    "GET /healthz": "anyone",
    "GET /readyz": "anyone",
    "GET /metrics": "metrics_read",
    "GET /openapi.json": "anyone",
    "GET /v1/session": "signed_in",
    "POST /v1/session": "anyone",
    "PUT /v1/session/password": "signed_in",
    "POST /v1/session/second-factor": "signed_in",
    "PUT /v1/session/second-factor": "signed_in",
    "PATCH /v1/session": "signed_in",
    "DELETE /v1/session": "signed_in",
    "GET /v1/session/openid": "anyone",
    "GET /v1/session/openid/callback": "anyone",
    "DELETE /v1/session/openid": "signed_in",
    "POST /v1/session/openid/back-channel-logout": "anyone",
    "GET /v1/sessions": "signed_in",
    "DELETE /v1/sessions/{id}": "signed_in",
    "GET /v1/areas": "cameras_read",
    "GET /v1/nodes": "cameras_read",
    "GET /v1/map/tiles/{z}/{x}/{y}": "signed_in",
    "GET /v1/outages": "cameras_read",
    "GET /v1/cameras": "cameras_read",
    "GET /v1/cameras/{id}": "cameras_read",
    "GET /v1/cameras/{id}/coverage": "cameras_read",
    "GET /v1/cameras/{id}/recording": "recordings_read",
    "GET /v1/cameras/{id}/recording/ticket": "recordings_read",
    "GET /v1/cameras/{id}/playlist": "recordings_read",
    "GET /v1/cameras/{id}/playlist.m3u8": "recordings_read",
    "GET /v1/cameras/{id}/segments/{name}": "recordings_read",
    "GET /v1/cameras/{id}/keyframes": "recordings_read",
    "GET /v1/cameras/{id}/picture": "live_view",
    "GET /v1/cameras/{id}/live": "live_view",
    "GET /v1/cameras/{id}/live/ticket": "live_view",
    "POST /v1/cameras/{id}/whep": "live_view",
    "PATCH /v1/cameras/{id}/whep/{session}": "live_view",
    "GET /v1/cameras/{id}/whep/{session}/state": "live_view",
    "DELETE /v1/cameras/{id}/whep/{session}": "live_view",
    "GET /v1/cameras/{id}/test-picture": "test_picture",
    "POST /v1/cameras/{id}/triggers": "recordings_trigger",
    "GET /v1/saved-views": "live_view",
    "POST /v1/saved-views": "live_view",
    "GET /v1/saved-views/{id}": "live_view",
    "PATCH /v1/saved-views/{id}": "live_view",
    "DELETE /v1/saved-views/{id}": "live_view",
    "GET /v1/exports": "recordings_read",
    "POST /v1/exports": "recordings_read",
    "GET /v1/exports/{id}": "recordings_read",
    "DELETE /v1/exports/{id}": "recordings_read",
    "GET /v1/exports/{id}/file": "recordings_read",
    "GET /v1/alarms": "cameras_read",
    "GET /v1/audit": "audit_read",
    "GET /v1/audit/export": "audit_read",
    "GET /v1/holds": "evidence",
    "POST /v1/holds": "evidence",
    "GET /v1/holds/{id}": "evidence",
    "PATCH /v1/holds/{id}": "evidence",
    "DELETE /v1/holds/{id}": "evidence",
    "GET /v1/policy": "signed_in",
    "GET /v1/cases": "evidence",
    "POST /v1/cases": "evidence",
    "GET /v1/cases/{id}": "evidence",
    "PATCH /v1/cases/{id}": "evidence",
    "GET /v1/approvals": "signed_in",
    "POST /v1/approvals": "signed_in",
    "GET /v1/approvals/{id}": "signed_in",
    "PATCH /v1/approvals/{id}": "approvals",
    "GET /v1/emergencies": "approvals",
    "GET /v1/emergencies/{id}": "approvals",
    "PATCH /v1/emergencies/{id}": "approvals",
    "GET /v1/people": "people_admin",
    "POST /v1/people": "people_admin",
    "GET /v1/people/{name}": "people_admin",
    "PATCH /v1/people/{name}": "people_admin",
    "DELETE /v1/people/{name}": "people_admin",
    "POST /v1/people/{name}/tokens": "people_admin",
    "DELETE /v1/people/{name}/tokens/{token}": "people_admin",
    "GET /v1/watches": "watches",
    "POST /v1/watches": "watches",
    "GET /v1/watches/feed": "watches",
    "GET /v1/watches/feed/ticket": "watches",
    "GET /v1/watches/{id}": "watches",
    "PATCH /v1/watches/{id}": "watches",
    "DELETE /v1/watches/{id}": "watches",
    "GET /v1/events": "events_read",
    "GET /v1/plates": "events_read",
    "GET /v1/events/feed": "events_read",
    "GET /v1/events/feed/ticket": "events_read",
    "GET /v1/events/histogram": "events_read",
    "GET /v1/events/{id}": "events_read",
    "PATCH /v1/events/{id}": "events_correct",
    "GET /v1/events/{id}/snapshot": "events_read",
    "GET /v1/events/{id}/crop": "events_read",
    "GET /v1/events/{id}/clip": "events_read",
    "GET /v1/journeys": "events_read",
    "GET /v1/journeys/impossible": "events_read",
}
"""Written by hand, so that a change of the table of routes is a decision."""
OF_POLICY = ("case", "approval", "emergenc")
GUARDED = [route for route in ROUTES if route.right is not Access.ANYONE]
EVIDENCE_ROUTES = [route for route in ROUTES if route.is_evidence_access]


def address(route: Declaration) -> str:
    thing = ID if route.path.startswith("/v1/events") else "east-gate"
    return route.path.replace("{id}", thing) + QUERIES.get(route.path, "")


def role_for(route: Declaration) -> Role:
    """Return a role that may call the route, an investigator if possible."""
    is_investigator = isinstance(route.right, Access) or route.right in RIGHTS[Role.INVESTIGATOR]
    return (
        Role.INVESTIGATOR
        if is_investigator
        else next(role for role in Role if route.right in RIGHTS[role])
    )


def named(route: Declaration) -> str:
    return f"{route.method} {route.path}"


async def _undeclared() -> dict[str, str]:
    return {}


def test_a_route_without_a_declaration_does_not_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    Declarations(ROUTES).check(app)
    app.add_api_route("/v1/secret", _undeclared)
    with pytest.raises(ValueError, match="GET /v1/secret is not declared"):
        Declarations(ROUTES).check(app)


def test_a_route_around_the_guard_does_not_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.append(Route("/raw", lambda request: None))
    with pytest.raises(ValueError, match="not declared"):
        Declarations(ROUTES).check(app)


def test_an_evidence_access_without_an_audit_term_or_a_right_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="audit term"):
        Declaration(
            "GET", "/x", _undeclared, Right.EVENTS_READ, Scope.SITE, is_evidence_access=True
        )
    with pytest.raises(ValueError, match="needs a right"):
        Declaration(
            "GET",
            "/x",
            _undeclared,
            Access.SIGNED_IN,
            Scope.SITE,
            audit="x",
            is_evidence_access=True,
        )


def test_a_route_added_behind_the_table_is_denied(site: Site) -> None:
    app = make_app(site.context)
    app.add_api_route("/v1/secret", _undeclared)
    with site.serve(app) as url:
        answer = httpx.get(
            f"{url}/v1/secret",
            headers={"Authorization": f"Bearer {site.tokens[Role.ADMIN]}"},
            trust_env=False,
        )
    assert answer.status_code == 403
    assert "not declared" in answer.json()["detail"]


def test_the_right_of_every_route() -> None:
    assert {named(route): route.right.value for route in ROUTES} == RIGHTS_OF_ROUTES


def test_every_route_checks_its_right(site: Site) -> None:
    for route in GUARDED:
        for role in Role:
            answer = site.get(address(route), role, method=route.method)
            allowed = isinstance(route.right, Access) or route.right in RIGHTS[role]
            assert (answer.status_code != 403) is allowed, f"{role} {named(route)} {answer.text}"
            if not allowed:
                assert f"`{route.right}`" in answer.json()["detail"]


def test_a_request_without_a_valid_token_is_refused(site: Site) -> None:
    for route in GUARDED:
        for authorization in (
            {},
            {"Authorization": "Bearer sl_wrong"},
            {"Authorization": "Basic YTpi"},
            {"Authorization": "Bearer"},
        ):
            answer = site.http.request(
                route.method, site.url + address(route), headers=authorization
            )
            assert answer.status_code == 401, named(route)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.json()["type"] == "urn:sightline:problem:unauthenticated"


def test_open_routes_need_no_token(site: Site) -> None:
    for route in ROUTES:
        if route.right is Access.ANYONE and not route.identifies_person:
            # The site of the tests has no identity provider, and no asset of this name.
            is_absent = route in OPENID_ROUTES or route.path == "/assets/{name}"
            expected = 404 if is_absent else 200
            answer = site.http.request(route.method, site.url + route.path)
            assert answer.status_code == expected, named(route)


def test_every_evidence_access_needs_a_reason(site: Site) -> None:
    assert len(EVIDENCE_ROUTES) >= 12
    for route in EVIDENCE_ROUTES:
        answer = site.get(address(route), role_for(route), reason=None, method=route.method)
        assert (answer.status_code, answer.json()["type"]) == (
            403,
            "urn:sightline:problem:reason_missing",
        ), named(route)
        assert "X-Reason" in answer.json()["detail"]
        answer = site.get(
            address(route), role_for(route), reason="查找被盗车辆", method=route.method
        )
        assert "reason_missing" not in answer.text


def test_a_site_can_switch_reasons_off(open_site: OpenSite) -> None:
    site = open_site(settings=Settings(reason_required=False))
    assert site.get("/v1/events", reason=None).status_code == 200
    assert site.get("/v1/session").json()["reason_required"] is False


def test_every_evidence_access_is_in_the_audit_log_with_its_outcome(site: Site) -> None:
    for route in EVIDENCE_ROUTES:
        role = role_for(route)
        status = site.get(
            address(route), role, method=route.method, X_Case="案2026-118", reason="查找"
        ).status_code
        entry = json.loads(site.audit_lines()[-1])
        assert (entry["route"], entry["right"], entry["status"]) == (
            route.audit,
            route.right,
            status,
        )
        assert (entry["reason"], entry["case"], entry["role"]) == (
            "查找",
            "案2026-118",
            role,
        )
        assert entry["person"].startswith(f"{role}-")
        assert entry["address"] == "127.0.0.1"
        if "{id}" in route.path:
            assert entry["terms"]["id"] in (ID, "east-gate")


def test_a_search_is_recorded_with_what_was_searched(site: Site) -> None:
    site.get("/v1/events?plate=鄂F8888?&camera=east-gate")
    assert json.loads(site.audit_lines()[-1])["terms"] == {
        "plate": "鄂F8888?",
        "camera": "east-gate",
    }


def test_refused_accesses_are_recorded_too(open_site: OpenSite) -> None:
    site = open_site()
    site.http.get(f"{site.url}/v1/events")
    site.get("/v1/events", Role.INTEGRATOR)
    site.get("/v1/events", reason=None)
    site.get("/v1/events?limit=0")
    entries = [json.loads(line) for line in site.audit_lines()]
    assert [entry["status"] for entry in entries] == [401, 403, 403, 400]
    assert entries[0]["person"] == ""


def test_an_access_that_fails_is_recorded_too(open_site: OpenSite) -> None:
    site = open_site(index=None)
    assert site.get("/v1/events").status_code == 500
    assert json.loads(site.audit_lines()[-1])["status"] == 500


def test_other_requests_are_not_recorded(site: Site) -> None:
    for path in ("/healthz", "/readyz", "/v1/session", "/v1/cameras", "/"):
        site.get(path)
    assert site.audit_lines() == []


def test_no_evidence_is_served_while_the_audit_log_cannot_be_written(
    open_site: OpenSite, make_event: MakeEvent
) -> None:
    plain = open_site()
    in_the_way = plain.layout.root / "a-file"
    in_the_way.write_text("")
    site = open_site(audit=AuditLog(in_the_way / "audit", SystemClock()))
    site.spool_passing(make_event())
    site.hold("east-gate")
    for path in ("/v1/events", f"/v1/events/{make_event().id}/snapshot"):
        answer = site.get(path)
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:sightline:problem:audit_unavailable",
        )
        assert "Retry-After" in answer.headers
        assert "鄂" not in answer.text
        assert "snapshot of" not in answer.text
    assert site.get("/v1/cameras").status_code == 200


def test_declarations_are_values() -> None:
    assert all(dataclasses.replace(route) == route for route in ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_no_policy_governs_the_routes_that_serve_the_policy() -> None:
    """Otherwise the approval of an approval would need an approval."""
    serving = {named(route) for route in ROUTES if route.audit.startswith(OF_POLICY)}
    assert serving == {named(route) for route in ROUTES if route.is_of_policy}
    assert not any(route.governed_right for route in ROUTES if route.is_of_policy)
    assert all(route.governed_right for route in EVIDENCE_ROUTES)
