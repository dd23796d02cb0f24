"""A person signs in with a real provider, and the session follows what the provider says."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.site.console import built_console
from domain.clock import SystemClock
from domain.errors import BadInput
from domain.people import Right, Role
from storage.openid.provider_people import ProviderPeople
from storage.openid.provider_sessions import ProviderSessions
from tests.api.openid.conftest import NewVisitor, OpenIdSite
from tests.api.openid.provider import ACCOUNTS, CLIENT_ID, Visitor
from tests.waiting import wait_for
from tests.web_driver import open_browser

CONSENT = "return document.querySelector('input[name=prompt]')?.value === 'consent'"
CASE = "return document.querySelector('input[name=case]')?.value"
KEPT = "return sessionStorage.getItem('sightline.address')"
LATER = '{"address": "#/find?plate=*1", "atMs": 4e12}'
LOGIN = "return !!document.querySelector('input[name=login]')"
LOGOUT = "return !!document.querySelector('button[name=logout]')"
SIGN_IN = "return !!document.querySelector('a[href^=\"/v1/session/openid\"]')"


def has_ended(visitor: Visitor) -> bool:
    answer = visitor.session()
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 401


def name_of(visitor: Visitor) -> str:
    return str(visitor.session().json()["name"])


def test_a_person_signs_in(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()
    url = browser.start("/events?x=1")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    answer = browser.http.get(browser.authorize(url, "person-7"))
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"] == "/events?x=1"
    assert answer.headers["Cache-Control"] == "no-store"
    ended, started = answer.headers.get_list("Set-Cookie")
    assert ended.startswith('__Host-sightline-openid="";')
    assert started.startswith("__Host-sightline-session=")
    for attribute in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert attribute in started
    session = browser.session().json()
    assert session["name"].startswith("zhang.san-")
    assert (session["role"], session["session"]["method"]) == ("investigator", "openid")
    assert "audit_read" in session["rights"]
    line = openid_site.audit_lines("session.start_openid")[-1]
    assert (line["person"], line["status"]) == (session["name"], 303)
    assert line["terms"] == {
        "issuer": openid_site.provider.issuer,
        "subject": "person-7",
        "name": "zhang.san",
    }


def test_the_cookie_of_the_sign_in_is_sent_by_a_redirect_of_the_provider(
    visitor: NewVisitor,
) -> None:
    browser = visitor()
    answer = browser.http.get(f"{browser.origin}/v1/session/openid")
    (cookie,) = answer.headers.get_list("Set-Cookie")
    for attribute in (
        "__Host-sightline-openid=",
        "HttpOnly",
        "Secure",
        "SameSite=lax",
        "Max-Age=600",
    ):
        assert attribute in cookie
    state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
    assert state not in cookie


def test_people_of_one_name_are_different_people(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    openid_site.people.add("zhang.san", Role.ADMIN)
    first, second = visitor(), visitor()
    first.sign_in("person-7")
    second.sign_in("person-8")
    assert len({name_of(first), name_of(second), "zhang.san"}) == 3
    assert second.session().json()["scope"]["areas"] == ["danjiangkou/junzhou"]
    local = openid_site.people.get("zhang.san")
    assert (local.role, local.identity) == (Role.ADMIN, None)
    openid_site.people.remove("zhang.san")


def test_a_person_keeps_the_record_after_a_change_of_the_name(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    browser.sign_in("person-7")
    name = name_of(browser)
    married = ACCOUNTS["person-7"] | {"preferred_username": "li.san", "roles": ["city-operators"]}
    openid_site.provider.set_accounts(**{"person-7": married})
    again = visitor()
    again.sign_in("person-7")
    assert name_of(again) == name
    record = openid_site.people.get(name)
    assert record.identity is not None
    assert (record.identity.name, record.role, record.grants) == ("li.san", Role.OPERATOR, ())


def test_a_person_without_a_role_is_refused(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()
    answer = browser.sign_in("visitor")
    assert answer.status_code == 403
    assert "`roles` has none of the values of SIGHTLINE_OPENID_ROLES" in answer.json()["detail"]
    assert "Set-Cookie" not in answer.headers
    assert has_ended(browser)
    line = openid_site.audit_lines("session.start_openid")[-1]
    assert (line["person"], line["status"]) == ("", 403)
    assert "SIGHTLINE_OPENID_ROLES" in line["terms"]["why"]


def test_a_person_who_was_removed_here_cannot_sign_in(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    browser.sign_in("person-8")
    name = name_of(browser)
    openid_site.people.remove(name)
    assert has_ended(browser)
    openid_site.redis.do("DEL", "{people}:identities")  # the object store decides
    refused = visitor().sign_in("person-8")
    assert (refused.status_code, name in refused.json()["detail"]) == (403, True)
    ProviderPeople(openid_site.people, openid_site.redis, SystemClock()).restore(name)
    assert visitor().sign_in("person-8").status_code == 303


def test_a_person_of_the_provider_gets_no_token(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    browser.sign_in("person-8")
    with pytest.raises(BadInput, match="signs in with the identity provider"):
        openid_site.people.add_token(name_of(browser), "script")


def test_a_session_survives_many_checks(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    """The provider replaces the refresh token at each check, and accepts each once."""
    browser = visitor()
    browser.sign_in("person-7")
    session_id = browser.session().json()["session"]["id"]
    held = ProviderSessions(openid_site.redis, openid_site.people.key, SystemClock())
    used = set()

    def has_survived() -> bool:
        assert browser.session().status_code == 200
        tokens = held.find(session_id)
        assert tokens is not None
        used.add(tokens.refresh_token)
        return len(used) > 3

    wait_for("several checks", has_survived)


def test_a_check_changes_the_rights_of_a_session(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    browser.sign_in("person-7")
    assert Right.AUDIT_READ in browser.session().json()["rights"]
    demoted = ACCOUNTS["person-7"] | {"roles": ["city-operators"]}
    openid_site.provider.set_accounts(**{"person-7": demoted})
    wait_for("the new role", lambda: browser.session().json()["role"] == "operator")
    openid_site.provider.set_accounts(**{"person-7": ACCOUNTS["person-7"] | {"roles": []}})
    wait_for("the end of the session", lambda: has_ended(browser))


def test_an_account_that_is_disabled_ends_all_sessions_of_the_person(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    first, second, other = visitor(), visitor(), visitor()
    for browser in (first, second):
        browser.sign_in("person-7")
    other.sign_in("person-8")
    name = name_of(first)
    openid_site.provider.set_accounts(**{"person-7": None})
    wait_for("the end of the session", lambda: has_ended(first))
    assert has_ended(second)
    assert not has_ended(other)
    line = openid_site.audit_lines("session.end_by_provider")[-1]
    assert line["person"] == name
    assert "refused" in line["terms"]["why"]


def test_a_disabled_account_ends_an_open_feed(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()
    browser.sign_in("person-7")
    url = f"{browser.origin}/v1/events/feed"
    with browser.http.stream("GET", url, headers={"X-Reason": "a test"}) as feed:
        assert feed.status_code == 200
        lines = feed.iter_lines()
        assert next(lines)
        openid_site.provider.set_accounts(**{"person-7": None})
        for _ in lines:
            """The response ends; without the check it would stay open for an hour."""
    assert has_ended(browser)


def test_signing_out_also_signs_out_at_the_provider(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    browser.sign_in("person-7")
    answer = browser.change("DELETE", "/v1/session/openid")
    assert answer.status_code == 200, answer.text
    assert has_ended(browser)
    address = answer.json()["provider_logout"]
    assert address.startswith(f"{openid_site.provider.issuer}/session/end?")
    asked = parse_qs(urlsplit(address).query)
    assert asked["client_id"] == [CLIENT_ID]
    page = browser.http.get(address)
    assert page.status_code == 200, page.text
    left = browser.submit(page, logout="yes")
    assert left.headers["Location"] == f"{openid_site.origin}/"
    # the provider asks for the password again
    asks = browser.http.get(browser.start(), follow_redirects=True)
    assert 'name="password"' in asks.text


def test_the_provider_ends_the_sessions_of_one_browser(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    """A person signs out at the provider, which calls the back-channel address of this site."""
    browser, other = visitor(), visitor()
    for one in (browser, other):
        one.sign_in("person-7")
    page = browser.http.get(f"{openid_site.provider.issuer}/session/end?client_id={CLIENT_ID}")
    browser.submit(page, logout="yes")
    assert has_ended(browser)
    # the session of the other browser began in another session of the provider
    assert not has_ended(other)
    line = openid_site.audit_lines("session.end_by_provider")[-1]
    assert line["terms"] == {"why": "the identity provider ended it"}


def test_new_keys_of_the_provider_need_no_restart(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    assert visitor().sign_in("person-7").status_code == 303
    openid_site.provider.rotate_keys("second")
    wait_for("a sign-in with the new key", lambda: visitor().sign_in("person-7").status_code == 303)


def test_readiness_shows_the_provider(openid_site: OpenIdSite, visitor: NewVisitor) -> None:
    browser = visitor()

    def ready() -> httpx.Response | None:
        answer = browser.http.get(f"{browser.origin}/readyz")
        return answer if answer.json()["status"] == "ready" else None

    found = wait_for("a provider that answers", ready).json()["dependencies"]
    own = next(one for one in found if one["name"] == "identity_provider")
    assert (own["ok"], own["required"]) == (True, False)


def test_the_people_of_the_provider_are_restored(
    openid_site: OpenIdSite, visitor: NewVisitor
) -> None:
    browser = visitor()
    browser.sign_in("person-7")
    people = openid_site.people
    people.index.restore()
    assert people.index.is_restored(people.get(name_of(browser)))
    again = visitor()
    again.sign_in("person-7")
    assert name_of(again) == name_of(browser)


def test_a_browser_signs_in_and_out_and_keeps_its_address(openid_site: OpenIdSite) -> None:
    """The page that was opened before the sign-in is shown after it, with its search."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    with open_browser() as browser:
        browser.open(f"{openid_site.origin}/#/audit?case=2026-118")
        browser.click("a[href^='/v1/session/openid']")
        browser.fill("input[name=login]", "person-7")
        browser.fill("input[name=password]", "any")
        browser.click("button[type=submit]")
        browser.until("consent", lambda: browser.run(CONSENT))
        browser.click("button[type=submit]")
        browser.until("signed in", lambda: "zhang.san" in browser.text(".person"))
        assert browser.run("return location.hash") == "#/audit?case=2026-118"
        browser.until("the search", lambda: browser.run(CASE) == "2026-118")
        browser.click(".person button:last-child")
        browser.until("end at the provider", lambda: browser.run(LOGOUT))
        browser.click("button[name=logout]")
        browser.until("sign-in page", lambda: browser.run(SIGN_IN))
        assert "#" not in browser.run("return location.href")


def test_the_address_of_an_abandoned_sign_in_does_not_stay_in_the_tab(
    openid_site: OpenIdSite,
) -> None:
    """The person comes back from the provider by the button of the browser, or by an address."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    with open_browser() as browser:
        browser.open(f"{openid_site.origin}/#/find?plate=*8888")
        browser.click("a[href^='/v1/session/openid']")
        browser.until("provider", lambda: browser.run(LOGIN))
        browser.back()
        browser.until("sign-in page", lambda: browser.run(SIGN_IN))
        browser.until("no kept address", lambda: not browser.run(KEPT))
        assert browser.run("return location.hash") == "#/find?plate=*8888"
        token = openid_site.people.add("chen", Role.OPERATOR).token
        browser.run("sessionStorage.setItem('sightline.address', arguments[0])", LATER)
        browser.click("main details summary")
        browser.fill("input[name=token]", token)
        browser.click("main details button[type=submit]")
        browser.until("signed in", lambda: "chen" in browser.text(".person"))
        assert not browser.run(KEPT)
        browser.run("sessionStorage.setItem('sightline.address', arguments[0])", LATER)
        browser.click(".person button:last-child")
        browser.until("sign-in page", lambda: browser.run(SIGN_IN))
        assert not browser.run(KEPT)
