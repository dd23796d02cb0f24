"""Each attack on a sign-in is refused with its reason; the same sign-in without it succeeds."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest

from api.openid.signed_tokens import LOGOUT_EVENT
from domain.clock import NS_PER_S, SystemClock
from tests.api.openid.conftest import NewVisitor, OpenIdSite
from tests.api.openid.provider import CLIENT_ID, Visitor
from tests.waiting import wait_for

COOKIE = "__Host-sightline-openid"
FORM = "application/x-www-form-urlencoded"


def now_s() -> int:
    return SystemClock().wall_ns() // NS_PER_S


def changed(url: str, **parameters: str | None) -> str:
    """Return a URL with other parameters; None removes one."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | parameters
    kept = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


def refusal(site: OpenIdSite, browser: Visitor, url: str) -> str:
    """Return why a callback is refused; no session begins, and the audit log has the reason."""
    known = len(site.audit_lines("session.start_openid"))
    answer = browser.http.get(url)
    assert answer.status_code == 403, answer.text
    assert answer.json()["type"] == "urn:sightline:problem:sign_in_refused"
    assert "Set-Cookie" not in answer.headers
    assert browser.session().status_code == 401
    why = str(answer.json()["detail"])

    def is_recorded() -> bool:
        """Return whether a new line has the reason."""
        lines = site.audit_lines("session.start_openid")[known:]
        return any(line["terms"].get("why") == why for line in lines)

    wait_for("the line in the audit log", is_recorded)
    return why


@pytest.mark.parametrize(
    ("forgery", "named"),
    [
        ({"alg": "none"}, "not allowed"),
        ({"alg": "HS256"}, "not allowed"),
        ({"key": "foreign"}, "signature"),
        ({"claims": {"nonce": "foreign"}}, "nonce"),
        ({"claims": {"nonce": None}}, "nonce"),
        ({"claims": {"iss": "https://127.0.0.1/other"}}, "iss"),
        ({"claims": {"aud": "another-client"}}, "aud"),
        ({"claims": {"aud": [CLIENT_ID, "other"], "azp": "other"}}, "azp"),
        ({"claims": {"exp": now_s() - 60}}, "exp"),
        ({"claims": {"iat": now_s() + 3600}}, "iat"),
        ({"claims": {"sub": None}}, "sub"),
        ({"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}, "at_hash"),
    ],
)
def test_a_forged_id_token_is_refused(
    openid_site: OpenIdSite, visitor: NewVisitor, forgery: dict[str, Any], named: str
) -> None:
    browser = visitor()
    openid_site.provider.forge(**forgery)
    assert named in refusal(openid_site, browser, browser.authorize(browser.start(), "person-7"))
    openid_site.provider.forge(claims={"locale": "zh"})  # a new signature over true claims
    assert visitor().sign_in("person-7").status_code == 303


def test_a_callback_is_of_use_in_its_own_browser_only(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    victim, thief = visitor(), visitor()
    url = victim.authorize(victim.start(), "person-7")
    assert "did not begin" in refusal(openid_site, thief, url)
    thief.start()
    assert "state" in refusal(openid_site, thief, url)
    assert victim.http.get(url).status_code == 303


def test_a_callback_is_accepted_once(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()
    url = browser.authorize(browser.start(), "person-7")
    cookie = browser.http.cookies[COOKIE]
    assert browser.http.get(url).status_code == 303
    browser.http.cookies.clear()
    assert "did not begin" in refusal(openid_site, browser, url)
    browser.http.cookies.set(COOKIE, cookie)
    assert "already finished" in refusal(openid_site, browser, url)


def test_two_callbacks_at_the_same_time_start_one_session(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    url = browser.authorize(browser.start(), "person-7")
    headers = {"Cookie": f"{COOKIE}={browser.http.cookies[COOKIE]}"}
    twins = [visitor() for _ in range(4)]
    with ThreadPoolExecutor(len(twins)) as threads:
        found = list(threads.map(lambda one: one.http.get(url, headers=headers), twins))
    assert sorted(one.status_code for one in found) == [303, 403, 403, 403]
    assert sum("__Host-sightline-session" in one.cookies for one in found) == 1


def test_a_code_is_of_use_in_its_own_sign_in_only(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    """The stolen code comes with the state and the cookie of the thief: PKCE refuses it."""
    victim, thief = visitor(), visitor()
    stolen = parse_qs(urlsplit(victim.authorize(victim.start(), "person-7")).query)["code"][0]
    own = thief.authorize(thief.start(), "person-8")
    assert "invalid_grant" in refusal(openid_site, thief, changed(own, code=stolen))
    # a code that was used is refused too
    used = victim.authorize(victim.start(), "person-7")
    assert victim.http.get(used).status_code == 303
    again = visitor()
    url = again.authorize(again.start(), "person-8")
    code = parse_qs(urlsplit(used).query)["code"][0]
    assert "invalid_grant" in refusal(openid_site, again, changed(url, code=code))


@pytest.mark.parametrize(
    ("issuer", "named"), [("https://evil.example", "another"), (None, "does not name")]
)
def test_an_answer_of_another_provider_is_refused(
    openid_site: OpenIdSite, visitor: NewVisitor, issuer: str | None, named: str
) -> None:
    browser = visitor()
    url = browser.authorize(browser.start(), "person-7")
    assert parse_qs(urlsplit(url).query)["iss"] == [openid_site.provider.issuer]
    assert named in refusal(openid_site, browser, changed(url, iss=issuer))
    assert browser.http.get(url).status_code == 303  # the true answer is still good


def test_a_cookie_that_was_changed_is_refused(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()
    url = browser.authorize(browser.start(), "person-7")
    cookie = browser.http.cookies[COOKIE]
    browser.http.cookies.clear()
    browser.http.cookies.set(COOKIE, cookie[:-8] + ("A" * 8))
    assert "changed" in refusal(openid_site, browser, url)
    browser.http.cookies.set(COOKIE, cookie)
    assert browser.http.get(url).status_code == 303


def test_a_refusal_of_the_provider_is_shown(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()
    url = browser.authorize(browser.start(), "person-7")
    denied = changed(url, code=None, error="access_denied", error_description="no")
    assert "access_denied" in refusal(openid_site, browser, denied)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\/evil.example",
        "evil.example",
        "javascript:alert(1)",
        "/ok\r\nSet-Cookie: x=1",
        "/\t/evil.example",
        "",
        "/" + "x" * 500,
    ],
)
def test_a_sign_in_never_leads_to_another_site(visitor: NewVisitor, path: str) -> None:
    browser = visitor()
    answer = browser.http.get(f"{browser.origin}/v1/session/openid", params={"return_to": path})
    assert answer.status_code == 400, answer.text
    assert "return_to" in answer.json()["detail"]
    good = browser.http.get(f"{browser.origin}/v1/session/openid", params={"return_to": "/a?b=c#d"})
    assert good.status_code == 303


def test_a_session_without_its_tokens_is_not_valid(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    """A program that can write to Redis cannot keep a session from being checked."""
    browser, other = visitor(), visitor()
    for one in (browser, other):
        one.sign_in("person-7")
    session_id, foreign_id = (one.session().json()["session"]["id"] for one in (browser, other))
    place = "{{sessions}}:openid:{}"
    foreign = openid_site.redis.do("GET", place.format(foreign_id))
    assert isinstance(foreign, str)
    openid_site.redis.do("SET", place.format(session_id), foreign)
    assert browser.session().status_code == 401
    openid_site.redis.do("DEL", place.format(session_id))
    assert browser.session().status_code == 401
    assert other.session().status_code == 200


def _logout_claims(site: OpenIdSite, **changes: Any) -> dict[str, Any]:
    claims = {
        "iss": site.provider.issuer,
        "aud": CLIENT_ID,
        "iat": now_s(),
        "exp": now_s() + 120,
        "jti": f"{changes}",
        "sub": "person-7",
        "events": {LOGOUT_EVENT: {}},
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def _send_logout(browser: Visitor, token: str) -> int:
    url = f"{browser.origin}/v1/session/openid/back-channel-logout"
    return browser.http.post(url, data={"logout_token": token}).status_code


@pytest.mark.parametrize(
    ("forgery", "changes"),
    [
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"key": "foreign"}, {}),
        ({}, {"events": None}),
        ({}, {"nonce": "x"}),
        ({}, {"jti": None}),
        ({}, {"aud": "another-client"}),
        ({}, {"iss": "https://evil.example"}),
        ({}, {"sub": None}),
        ({}, {"iat": now_s() - 3600, "exp": None}),
        ({}, {"exp": now_s() - 60}),
    ],
)
def test_a_forged_logout_token_ends_nothing(
    openid_site: OpenIdSite, visitor: NewVisitor, forgery: dict[str, str], changes: dict[str, Any]
) -> None:
    browser = visitor()
    browser.sign_in("person-7")
    token = openid_site.provider.sign(_logout_claims(openid_site, **changes), **forgery)
    assert _send_logout(browser, token) == 400
    assert browser.session().status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 40_000,
        b'{"alg":"RS256","kid":"\\ud800"}',
        b'{"alg":"RS256","crit":["x"]}',
        b'{"alg":"RS256","crit":["\\ud800"]}',
        b'{"alg":"RS256","crit":[["exp"]]}',
        b'{"alg":["RS256"]}',
        b"\xff",
        b"null",
        b"",
    ],
)
def test_a_logout_token_that_cannot_be_read_is_a_fault_of_the_request(
    visitor: NewVisitor, header: bytes
) -> None:
    """Anyone can send one without a sign-in, so none may end in an error of the server."""
    browser = visitor()
    encoded = urlsafe_b64encode(header).decode().rstrip("=")
    assert _send_logout(browser, f"{encoded}.e30.AAAA") == 400


def test_a_logout_token_is_accepted_once(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser, other = visitor(), visitor()
    browser.sign_in("person-7")
    other.sign_in("person-8")
    token = openid_site.provider.sign(_logout_claims(openid_site, jti="once"))
    assert _send_logout(browser, token) == 200
    assert browser.session().status_code == 401
    assert other.session().status_code == 200
    browser.sign_in("person-7")
    assert _send_logout(browser, token) == 400
    assert browser.session().status_code == 200


def test_a_logout_needs_a_form(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()
    url = f"{openid_site.origin}/v1/session/openid/back-channel-logout"
    assert browser.http.post(url, json={"logout_token": "x"}).status_code == 415
    for body in ("", "other=1", "logout_token=a&logout_token=b", "%", "logout_token=é"):
        answer = browser.http.post(url, content=body.encode(), headers={"Content-Type": FORM})
        assert answer.status_code == 400, answer.text


def test_signing_out_needs_the_token_of_the_page(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    browser.sign_in("person-7")
    assert browser.http.delete(f"{openid_site.origin}/v1/session/openid").status_code == 403
    assert browser.session().status_code == 200
    assert browser.change("DELETE", "/v1/session/openid").status_code == 200


def test_failed_sign_ins_do_not_fill_the_audit_log(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    before = len(openid_site.audit_lines("session.start_openid"))
    url = f"{openid_site.origin}/v1/session/openid/callback?code=x&state=y"
    for _ in range(60):
        assert browser.http.get(url).status_code == 403
    lines = openid_site.audit_lines("session.start_openid")[before:]
    assert 0 < len(lines) < 60
