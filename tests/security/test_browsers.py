"""Attacks on a person who has signed in with a browser: by other pages, and by a stolen node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.people import Role
from storage.clients.redis import text
from tests.api.browser import signed_in

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    return open_site()


@pytest.mark.parametrize("fetch_site", ["same-site", "cross-site", "none, same-origin", "x"])
def test_a_picture_on_a_page_of_another_host(
    site: Site, make_event: MakeEvent, fetch_site: str
) -> None:
    """It would be in the audit log as an evidence access, with the reason of the session."""
    event = make_event()
    site.spool_passing(event)
    site.hold("east-gate")
    browser = signed_in(site)
    assert browser.change("PATCH", "/v1/session", {"reason": "theft"}).status_code == 200
    path = f"/v1/events/{event.id}/snapshot"
    for foreign in ("/v1/events", "/v1/events/feed?seconds=0", path):
        assert browser.get(foreign, Sec_Fetch_Site=fetch_site).status_code == 403
    lines = [json.loads(line) for line in site.audit_lines()]
    assert not [one for one in lines if one["route"].startswith("event") and one["status"] == 200]
    for own in ("same-origin", "none", None):
        assert browser.get(path, Sec_Fetch_Site=own).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"person": "chief"},
        {"expires_at": "2099-01-01T00:00:00.000Z"},
        {"idle_s": 10**9},
        {"generation": 99},
        {"reason": "chosen", "case": "chosen"},
        {"cookie_sha256": "0" * 64},
        {"mac": ""},
        {"schema": 99},
        {"unknown": 1},
    ],
)
def test_a_session_record_that_a_node_changed(site: Site, change: dict[str, object]) -> None:
    browser = signed_in(site)
    assert browser.get("/v1/session").status_code == 200
    place = f"{{sessions}}:record:{browser.id}"
    record = json.loads(text(site.redis.do("GET", place)) or "")
    site.redis.do("SET", place, json.dumps(record | change))
    assert browser.get("/v1/session").status_code == 401
    site.redis.do("SET", place, json.dumps(record))
    assert browser.get("/v1/session").status_code == 200


def test_a_session_record_in_place_of_another(site: Site) -> None:
    """The record of one person is copied to the session of another."""
    strong, weak = signed_in(site), signed_in(site, Role.AUDITOR)
    record = site.redis.do("GET", f"{{sessions}}:record:{strong.id}")
    assert weak.get("/v1/session").json()["role"] == "auditor"
    site.redis.do("SET", f"{{sessions}}:record:{weak.id}", text(record) or "")
    assert weak.get("/v1/session").status_code == 401
    assert strong.get("/v1/session").status_code == 200


@pytest.mark.parametrize("cookie", ["", "a", "A" * 43, "A" * 4_000, "..", "\xff" * 43, '"' * 43])
def test_a_cookie_that_is_none(site: Site, cookie: str) -> None:
    browser = signed_in(site)
    headers = {b"Cookie": b"sightline-session=" + cookie.encode("latin-1")}
    answer = site.http.get(f"{site.url}/v1/session", headers=headers)
    assert answer.status_code == 401
    assert browser.get("/v1/session").status_code == 200


def test_a_reason_that_is_bound_for_another_person(site: Site) -> None:
    """The purpose of a session counts for its own requests, and is shown to no other person."""
    browser, other = signed_in(site), signed_in(site)
    assert browser.change("PATCH", "/v1/session", {"reason": "theft"}).status_code == 200
    assert browser.get("/v1/events").status_code == 200
    assert other.get("/v1/events").status_code == 403
    assert site.get("/v1/events", reason=None).status_code == 403
    listed = site.get("/v1/sessions", Role.ADMIN).json()["items"]
    assert browser.id in [one["id"] for one in listed]
    assert not [one for one in listed if one["reason"]]


def test_a_session_that_another_person_ends(site: Site) -> None:
    browser, other = signed_in(site), signed_in(site)
    path = f"/v1/sessions/{browser.id}"
    assert other.change("DELETE", path, X_Reason="a").status_code == 404
    assert browser.get("/v1/session").status_code == 200
    assert browser.change("DELETE", path, X_Reason="a").status_code == 200
    assert browser.get("/v1/session").status_code == 401
