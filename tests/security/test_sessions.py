"""Attacks on the sessions of browsers. Each has a positive control: the honest request works."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from domain.people import Role
from tests.api.browser import COOKIE, Browser, signed_in

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

FEED = "/v1/events/feed"
BOUND = {"reason": "a test"}


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    return open_site()


def _bind(browser: Browser, **headers: str | None) -> httpx.Response:
    return browser.change("PATCH", "/v1/session", BOUND, **headers)


def _refused(answer: httpx.Response, status: int = 403) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


def test_a_stolen_cookie_is_worth_nothing_after_the_sign_out(site: Site) -> None:
    browser = signed_in(site)
    thief = replace(browser)
    assert thief.get("/v1/session").status_code == 200, "the positive control"
    assert browser.change("DELETE", "/v1/session").status_code == 200
    _refused(thief.get("/v1/session"), 401)
    _refused(thief.get("/v1/events", X_Reason="a"), 401)
    _refused(_bind(thief), 401)


ENDS: dict[str, Callable[[Browser], object]] = {
    "signed out": lambda browser: browser.change("DELETE", "/v1/session"),
    "ended by an administrator": lambda browser: browser.site.get(
        f"/v1/sessions/{browser.id}", Role.ADMIN, method="DELETE"
    ),
    "all ended": lambda browser: browser.site.context.people.end_sessions(browser.person),
    "person removed": lambda browser: browser.site.context.people.remove(browser.person),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_session_ends_its_open_feed(site: Site, end: str) -> None:
    browser = signed_in(site)
    headers = browser.headers(X_Reason="a test")
    with site.http.stream("GET", f"{site.url}{FEED}", headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        next(lines)
        ENDS[end](browser)
        # The feed would go on for an hour; reading to its end is the proof.
        assert not any("event: event" in line for line in lines)
    _refused(browser.get(FEED), 401)


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_session_ends_its_tickets(site: Site, end: str) -> None:
    browser = signed_in(site)
    address = browser.get(f"{FEED}/ticket", X_Reason="a test").json()["address"]

    def opened() -> httpx.Response:
        return site.http.get(f"{site.url}{address}&seconds=0")

    assert opened().status_code == 200
    ENDS[end](browser)
    assert "session of this ticket" in _refused(opened(), 401)


def test_a_change_needs_the_csrf_token_of_its_session(site: Site) -> None:
    browser, other = signed_in(site), signed_in(site)
    same_person = signed_in(site, name=browser.person)
    assert _bind(browser).status_code == 200, "the positive control"
    for token in (None, "", other.csrf_token, same_person.csrf_token, browser.csrf_token[:-1]):
        assert "X-CSRF-Token" in _refused(_bind(browser, X_CSRF_Token=token))
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["status"], entry["phase"]) == ("session.bind", 403, "outcome")


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Origin": "https://evil.example.com", "Sec_Fetch_Site": "cross-site"}, "Sec-Fetch-Site"),
        ({"Origin": "https://evil.example.com", "Sec_Fetch_Site": None}, "Origin"),
        ({"Origin": "null", "Sec_Fetch_Site": None}, "Origin"),
        ({"Origin": None, "Sec_Fetch_Site": "same-site"}, "Sec-Fetch-Site"),
        ({"Origin": None, "Sec_Fetch_Site": None}, "every browser sends"),
    ],
)
def test_a_change_from_another_site_is_refused(
    site: Site, headers: dict[str, str | None], said: str
) -> None:
    """The token is right here, so the origin alone decides."""
    browser = signed_in(site)
    assert _bind(browser).status_code == 200, "the positive control"
    assert said in _refused(_bind(browser, **headers))


def test_every_change_of_the_api_is_checked(site: Site) -> None:
    browser = signed_in(site)
    hold = {"camera": "east-gate", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:01:00Z"}
    hold |= {"reason": "a test"}
    assert browser.change("POST", "/v1/holds", hold).status_code == 201, "the positive control"
    _refused(browser.change("POST", "/v1/holds", hold, X_CSRF_Token=None))
    _refused(browser.change("POST", "/v1/holds", hold, Origin="https://evil.example.com"))


def test_a_token_decides_alone_where_both_are_sent(site: Site) -> None:
    browser = signed_in(site, Role.INVESTIGATOR)
    token = site.tokens[Role.AUDITOR]
    answer = browser.get("/v1/session", Authorization=f"Bearer {token}").json()
    assert (answer["role"], answer["session"]) == ("auditor", None)
    for wrong in ("Bearer sl_wrong", "Bearer", "Basic YTpi", ""):
        _refused(browser.get("/v1/session", Authorization=wrong), 401)
    hold = {"event": "01JD7Z3V5G8M2K4Q6R9T1W3Y5A", "reason": "a test"}
    headers = {"Authorization": f"Bearer {site.tokens[Role.INVESTIGATOR]}", "X_CSRF_Token": None}
    answered = browser.change(
        "POST", "/v1/holds", hold, Origin=None, Sec_Fetch_Site=None, **headers
    )
    assert answered.status_code == 404, "a token needs neither an origin nor a CSRF token"


def test_an_injected_cookie_signs_nobody_in(site: Site) -> None:
    """Another host of the domain sets a second cookie, or guesses a name or a value."""
    browser, attacker = signed_in(site), signed_in(site)
    genuine = browser.cookie
    assert browser.get("/v1/session").status_code == 200, "the positive control"
    for header in (
        f"{COOKIE}={attacker.cookie}; {COOKIE}={genuine}",
        f"{COOKIE}={genuine}; {COOKIE}={genuine}",
        f"__Host-{COOKIE}={genuine}",
        f"{COOKIE}={genuine[:-1]}",
        f"{COOKIE}={genuine}x",
        f"{COOKIE}={browser.id}",
        f"{COOKIE}=",
    ):
        _refused(browser.get("/v1/session", Cookie=header), 401)


def test_under_tls_only_the_cookie_of_the_host_counts(open_site: OpenSite, site: Site) -> None:
    settings = site.context.settings.model_copy(update={"origins": "https://video.example.org"})
    behind = open_site(settings=settings)
    browser = signed_in(behind)
    injected = f"{COOKIE}={browser.cookie}"
    _refused(browser.get("/v1/session", Cookie=injected), 401)
    assert browser.get("/v1/session", Cookie=f"__Host-{injected}").status_code == 200
    browser.cookies = {f"__Host-{COOKIE}": browser.cookie}
    assert "SIGHTLINE_ORIGINS" in _refused(_bind(browser))
    assert _bind(browser, Origin="https://video.example.org").status_code == 200


def test_a_cookie_is_no_token_and_a_token_is_no_cookie(site: Site) -> None:
    browser = signed_in(site)
    bearer = {"Cookie": None, "Authorization": f"Bearer {browser.cookie}"}
    _refused(browser.get("/v1/session", **bearer), 401)
    token = site.tokens[Role.INVESTIGATOR]
    _refused(browser.get("/v1/session", Cookie=f"{COOKIE}={token}"), 401)
