"""Attacks on the second factor. Each has a positive control: the honest request works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pyotp
import pytest

from api.app import make_app
from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.one_time_codes import STEP_S
from domain.people import Role
from domain.settings import Settings
from storage.clients.redis import connect
from storage.sign_in.attempts import SignInAttempts
from tests.api.browser import PASSWORD, Browser, new_browser, signed_in
from tests.people import people_of

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

FAILED = "urn:sightline:problem:sign_in_failed"
PATH = "/v1/session/second-factor"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().wall_ns())


@pytest.fixture
def site(open_site: OpenSite, clock: ManualClock, valkey_server: str) -> Iterator[Site]:
    redis = connect(valkey_server)
    yield open_site(clock=clock, attempts=SignInAttempts(redis, clock))
    redis.close()


def _next_code(secret: str, clock: ManualClock) -> str:
    clock.advance(STEP_S)
    return pyotp.TOTP(secret).at(clock.wall_ns() // NS_PER_S)


def _enrolled(site: Site, clock: ManualClock) -> tuple[Browser, str, list[str]]:
    browser = new_browser(site)
    browser.sign_in()
    secret = browser.change("POST", PATH, {"password": PASSWORD}).json()["secret"]
    answer = browser.change("PUT", PATH, {"code": _next_code(secret, clock)})
    return browser, secret, answer.json()["recovery_codes"]


def _sign_in(browser: Browser, code: str) -> httpx.Response:
    body = {"name": browser.person, "password": PASSWORD, "code": code}
    return browser.adopt(browser.change("POST", "/v1/session", body))


def test_a_code_that_was_overheard_signs_in_at_no_process(
    site: Site, clock: ManualClock, valkey_server: str
) -> None:
    browser, secret, _ = _enrolled(site, clock)
    redis = connect(valkey_server)
    people = people_of(redis, site.context.objects)
    attempts = SignInAttempts(redis, clock)
    other = make_app(replace(site.context, people=people, attempts=attempts))
    with site.serve(other) as url:
        code = _next_code(secret, clock)
        assert _sign_in(browser, code).status_code == 200, "the positive control"
        spy = Browser(site, browser.person, url)
        assert _sign_in(spy, code).json()["type"] == FAILED
        assert _sign_in(Browser(site, browser.person), code).json()["type"] == FAILED
        assert _sign_in(spy, _next_code(secret, clock)).status_code == 200, "the next code"
    redis.close()


def test_a_recovery_code_signs_in_once_at_any_process(
    site: Site, clock: ManualClock, valkey_server: str
) -> None:
    browser, _, codes = _enrolled(site, clock)
    redis = connect(valkey_server)
    people = people_of(redis, site.context.objects)
    with site.serve(make_app(replace(site.context, people=people))) as url:
        other = Browser(site, browser.person, url)
        assert _sign_in(browser, codes[0]).status_code == 200, "the positive control"
        assert _sign_in(other, codes[0]).json()["type"] == FAILED
        assert _sign_in(other, codes[1]).status_code == 200
        assert _sign_in(browser, codes[1]).json()["type"] == FAILED
    redis.close()


def test_a_stolen_session_replaces_no_second_factor(site: Site, clock: ManualClock) -> None:
    browser, secret, _ = _enrolled(site, clock)
    thief = replace(browser, cookies=dict(browser.cookies))
    for body in ({"password": "a guess of it"}, {"password": PASSWORD, "code": "000000"}):
        assert thief.change("POST", PATH, body).json()["type"] == FAILED
    assert thief.change("PUT", PATH, {"code": _next_code(secret, clock)}).status_code == 400
    honest = {"password": PASSWORD, "code": _next_code(secret, clock)}
    assert browser.change("POST", PATH, honest).status_code == 200, "the positive control"


def test_an_enrolment_that_began_without_a_second_factor_replaces_none(
    site: Site, clock: ManualClock
) -> None:
    """A thief of the password begins an enrolment, and confirms it after the owner has enrolled."""
    owner = new_browser(site)
    thief = Browser(site, owner.person)
    thief.sign_in()
    offered = thief.change("POST", PATH, {"password": PASSWORD}).json()["secret"]
    owner.sign_in()
    secret = owner.change("POST", PATH, {"password": PASSWORD}).json()["secret"]
    assert owner.change("PUT", PATH, {"code": _next_code(secret, clock)}).status_code == 200
    answer = thief.change("PUT", PATH, {"code": _next_code(offered, clock)})
    assert (answer.status_code, "meanwhile" in answer.text) == (400, True)
    assert _sign_in(owner, _next_code(offered, clock)).json()["type"] == FAILED
    assert _sign_in(owner, _next_code(secret, clock)).status_code == 200, "the positive control"


def test_the_password_alone_signs_nobody_in_who_has_a_second_factor(
    site: Site, clock: ManualClock
) -> None:
    browser, secret, _ = _enrolled(site, clock)
    assert Browser(site, browser.person).sign_in().json()["type"] == FAILED
    assert _sign_in(browser, _next_code(secret, clock)).status_code == 200


def test_the_password_alone_shows_no_details_of_the_site(open_site: OpenSite) -> None:
    site = open_site(settings=Settings(second_factor_roles="admin"))
    password_alone, control = signed_in(site, Role.ADMIN), signed_in(site, Role.INTEGRATOR)
    assert password_alone.get("/readyz").json()["registry_faults"] is None
    assert control.get("/readyz").json()["registry_faults"] is not None
