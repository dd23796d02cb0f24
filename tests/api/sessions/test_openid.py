"""A site without an identity provider, and one whose provider is down, work with tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from api.openid.openid import make_openid
from api.requests.declarations import Access
from api.sessions.openid import OPENID_ROUTES
from domain.clock import SystemClock
from domain.openid import ClaimNames, OpenIdSettings
from domain.people import Role
from storage.clients.redis import connect
from storage.site.audit import AuditLog
from tests.people import people_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from storage.clients.s3 import ObjectStore
    from tests.api.conftest import OpenSite, Site

CLOSED = "https://127.0.0.1:1"
START = "/v1/session/openid"


def test_without_a_provider_the_routes_say_so(site: Site) -> None:
    for route in OPENID_ROUTES:
        if route.right is Access.ANYONE:
            answer = site.http.request(route.method, site.url + route.path)
            assert answer.status_code == 404, answer.text
            assert "SIGHTLINE_OPENID_ISSUER" in answer.json()["detail"]
    assert "identity_provider" not in site.http.get(f"{site.url}/readyz").text


def test_a_provider_that_is_down_stops_only_its_sign_in(
    open_site: OpenSite, valkey_server: str, bucket: ObjectStore, tmp_path: Path
) -> None:
    settings = OpenIdSettings(
        CLOSED, "site", "secret", "http://127.0.0.1:8080", "openid", None,
        ClaimNames("name", "roles"), {}, 30, 300.0,
    )  # fmt: skip
    redis, clock = connect(valkey_server), SystemClock()
    people, audit = people_of(redis, bucket), AuditLog(tmp_path / "openid-audit", clock)
    site = open_site(openid=make_openid(settings, redis, people, audit, clock))
    answer = site.http.get(site.url + START, headers={"Accept-Language": "zh"})
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:provider_unavailable",
    )
    assert "Retry-After" in answer.headers
    assert CLOSED in answer.json()["detail"]
    assert answer.json()["title"] == "身份提供方不可用"
    assert site.get("/v1/events").status_code == 200

    def why() -> str:
        ready = site.get("/readyz", Role.ADMIN)
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        found = {one["name"]: one for one in ready.json()["dependencies"]}["identity_provider"]
        assert not found["ok"]
        assert not found["required"]
        return str(found["why"]) if "does not answer at" in found["why"] else ""

    assert CLOSED in wait_for("the cause in /readyz", why)
    hidden = site.http.get(f"{site.url}/readyz").json()["dependencies"]
    assert [one["why"] for one in hidden] == [None] * len(hidden)
    redis.close()
