"""The routes of sessions: who am I, bind a purpose, sign out, list and end sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.people import RIGHTS, Role
from storage.site.sessions import SignInMethod
from tests.api.browser import COOKIE, signed_in

if TYPE_CHECKING:
    from tests.api.conftest import Site


def test_a_browser_reads_its_person_and_its_session(site: Site) -> None:
    browser = signed_in(site, Role.OPERATOR)
    answer = browser.get("/v1/session").json()
    assert (answer["name"], answer["role"]) == (browser.person, "operator")
    assert answer["rights"] == sorted(RIGHTS[Role.OPERATOR])
    assert answer["csrf_token"] == browser.csrf_token
    session = answer["session"]
    assert (session["id"], session["method"], session["reason"], session["case"]) == (
        browser.id, "password", None, None
    )  # fmt: skip
    assert session["created_at"] < session["ends_at"] < session["expires_at"]
    assert browser.cookie not in json.dumps(answer)


def test_a_token_has_no_session(site: Site) -> None:
    answer = site.get("/v1/session").json()
    assert (answer["session"], answer["csrf_token"]) == (None, None)
    for method, body in (("PATCH", {"reason": "a"}), ("DELETE", None)):
        answer = site.get("/v1/session", method=method, body=body)
        assert answer.status_code == 400
        assert "a token and no session" in answer.json()["detail"]


def test_the_right_of_a_route_is_checked_for_a_session_too(site: Site) -> None:
    assert signed_in(site, Role.INVESTIGATOR).get("/v1/events", X_Reason="a").status_code == 200
    answer = signed_in(site, Role.INTEGRATOR).get("/v1/events", X_Reason="a")
    assert answer.status_code == 403
    assert "`events_read`" in answer.json()["detail"]


def test_an_access_with_a_session_is_in_the_audit_log(site: Site) -> None:
    browser = signed_in(site)
    assert browser.get("/v1/events", X_Reason="theft").status_code == 200
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["person"], entry["route"], entry["reason"]) == (
        browser.person, "events.search", "theft"
    )  # fmt: skip


def test_a_bound_purpose_counts_for_requests_without_headers(site: Site) -> None:
    browser = signed_in(site)
    assert browser.get("/v1/events").json()["type"].endswith("reason_missing")
    body = {"reason": "盗窃案", "case": "2026-118"}
    answer = browser.change("PATCH", "/v1/session", body)
    assert (answer.status_code, answer.json()["reason"]) == (200, "盗窃案")
    assert browser.get("/v1/session").json()["session"]["case"] == "2026-118"
    assert browser.get("/v1/events").status_code == 200
    entries = [json.loads(line) for line in site.audit_lines()]
    assert [(entry["route"], entry["phase"], entry["reason"], entry["case"]) for entry in entries][
        -3:
    ] == [
        ("session.bind", "intent", "盗窃案", "2026-118"),
        ("session.bind", "outcome", "盗窃案", "2026-118"),
        ("events.search", "access", "盗窃案", "2026-118"),
    ]
    assert browser.get("/v1/events", X_Reason="a%20crash").status_code == 200
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["reason"], entry["case"]) == ("a crash", "")
    browser.change("PATCH", "/v1/session", {"reason": ""})
    assert browser.get("/v1/events").status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "a\nb"},
        {"reason": "x" * 501},
        {"reason": "a", "case": "a\u2028b"},
        {"case": "1"},
        {"reason": "a", "more": 1},
        {},
    ],
)
def test_a_purpose_that_is_no_line_is_refused(site: Site, body: dict[str, object]) -> None:
    browser = signed_in(site)
    answer = browser.change("PATCH", "/v1/session", body)
    assert (answer.status_code, answer.json()["type"]) == (
        400,
        "urn:sightline:problem:query_invalid",
    )
    assert browser.get("/v1/session").json()["session"]["reason"] is None


def test_a_ticket_of_a_session_carries_the_bound_purpose(site: Site) -> None:
    browser = signed_in(site)
    browser.change("PATCH", "/v1/session", {"reason": "theft", "case": "7"})
    address = browser.get("/v1/events/feed/ticket").json()["address"]
    assert site.http.get(f"{site.url}{address}&seconds=0").status_code == 200
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["person"], entry["reason"], entry["case"]) == (browser.person, "theft", "7")


def test_signing_out_ends_the_session_and_deletes_the_cookie(site: Site) -> None:
    browser = signed_in(site)
    answer = browser.change("DELETE", "/v1/session")
    assert (answer.status_code, answer.json()["id"]) == (200, browser.id)
    assert answer.headers["Set-Cookie"].startswith(f'{COOKIE}="";')
    again = browser.get("/v1/session")
    assert (again.status_code, again.json()["type"]) == (
        401,
        "urn:sightline:problem:unauthenticated",
    )
    assert "sign in again" in again.json()["detail"]


def test_a_person_lists_and_ends_the_own_sessions(site: Site) -> None:
    first = signed_in(site)
    second = signed_in(site, name=first.person)
    other = signed_in(site, Role.OPERATOR)
    found = first.get("/v1/sessions").json()
    assert {one["id"] for one in found["items"]} == {first.id, second.id}
    assert first.change("DELETE", f"/v1/sessions/{other.id}").status_code == 404
    assert other.get("/v1/session").status_code == 200
    assert first.change("DELETE", f"/v1/sessions/{second.id}").status_code == 200
    assert second.get("/v1/session").status_code == 401
    assert first.get("/v1/session").status_code == 200
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["terms"]) == ("session.end_other", {"id": second.id})


def test_an_administrator_lists_and_ends_all_sessions_in_pages(site: Site) -> None:
    browsers = [signed_in(site) for _ in range(3)]
    browsers[0].change("PATCH", "/v1/session", {"reason": "secret matter"})
    found: list[str] = []
    path = "/v1/sessions?limit=2"
    while path:
        answer = site.get(path, Role.ADMIN)
        assert "secret matter" not in answer.text, "an administrator reads no reasons"
        page = answer.json()
        found += [one["id"] for one in page["items"]]
        path = f"/v1/sessions?limit=2&next={page['next']}" if page["next"] else ""
    assert set(found) == {browser.id for browser in browsers}
    assert len(found) == 3
    ended = site.get(f"/v1/sessions/{browsers[1].id}", Role.ADMIN, method="DELETE")
    assert ended.json()["person"] == browsers[1].person
    assert [browser.get("/v1/session").status_code for browser in browsers] == [200, 401, 200]
    unknown = site.get(f"/v1/sessions/{'0' * 32}", Role.ADMIN, method="DELETE")
    assert unknown.status_code == 404
    assert site.get("/v1/sessions/x", Role.ADMIN, method="DELETE").status_code == 400


def test_readiness_has_its_details_for_a_session_too(site: Site) -> None:
    assert signed_in(site, Role.ADMIN).get("/readyz").json()["registry_faults"] == []
    assert signed_in(site, Role.AUDITOR).get("/readyz").json()["registry_faults"] is None
    ended = signed_in(site, Role.ADMIN)
    ended.change("DELETE", "/v1/session")
    assert ended.get("/readyz").json()["registry_faults"] is None


def test_the_way_of_the_sign_in_is_shown(site: Site) -> None:
    person = site.context.people.get(signed_in(site).person)
    started = site.context.sessions.start(person, SignInMethod.OPENID, "10.1.2.3", "Firefox")
    assert started is not None
    items = site.get("/v1/sessions", Role.ADMIN).json()["items"]
    shown = next(one for one in items if one["id"] == started.session.record.id)
    assert (shown["method"], shown["address"], shown["user_agent"]) == (
        "openid", "10.1.2.3", "Firefox"
    )  # fmt: skip
