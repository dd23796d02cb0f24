"""The second factor over HTTP: enrolment, sign-in with a code, and roles that must have one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import httpx
import pyotp
import pytest

from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.one_time_codes import STEP_S
from domain.people import Role
from storage.sign_in.attempts import SignInAttempts
from tests.api.browser import PASSWORD, Browser, new_browser, signed_in

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

FAILED = "urn:sightline:problem:sign_in_failed"
PATH = "/v1/session/second-factor"


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """A site whose time goes on when a test needs the next code."""
    return open_site(clock=ManualClock(SystemClock().wall_ns()))


class App:
    """The authenticator app of a person. Before each code a time step passes."""

    def __init__(self, site: Site, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)
        self._clock = cast(ManualClock, site.context.clock)

    def code(self) -> str:
        self._clock.advance(STEP_S)
        return self._totp.at(self._clock.wall_ns() // NS_PER_S)


def _offered(browser: Browser, code: str = "") -> httpx.Response:
    return browser.change("POST", PATH, {"password": PASSWORD, "code": code})


def _enrolled(site: Site, role: Role = Role.INVESTIGATOR) -> tuple[Browser, App, list[str]]:
    browser = new_browser(site, role)
    assert browser.sign_in().status_code == 200
    app = App(site, _offered(browser).json()["secret"])
    answer = browser.change("PUT", PATH, {"code": app.code()})
    assert answer.status_code == 200, answer.text
    return browser, app, answer.json()["recovery_codes"]


def _sign_in(browser: Browser, code: str, password: str = PASSWORD) -> httpx.Response:
    body = {"name": browser.person, "password": password, "code": code}
    return browser.adopt(browser.change("POST", "/v1/session", body))


def test_a_person_enrols_and_signs_in_with_a_code(site: Site) -> None:
    browser, app, recovery_codes = _enrolled(site)
    assert len(recovery_codes) == 10
    assert browser.get("/v1/session").json()["session"]["has_second_factor"] is True
    code = app.code()
    assert _sign_in(browser, "").json()["type"] == FAILED
    assert _sign_in(browser, "000000").json()["type"] == FAILED
    answer = _sign_in(browser, code)
    assert answer.status_code == 200, answer.text
    assert answer.json()["session"]["has_second_factor"] is True
    assert _sign_in(browser, code).json()["type"] == FAILED, "a code counts once"
    said = "".join(site.audit_lines())
    assert not any(secret in said for secret in (code, PASSWORD, *recovery_codes))


def test_a_wrong_code_is_answered_like_a_wrong_password(site: Site) -> None:
    browser, app, _ = _enrolled(site)
    wrong_code = _sign_in(browser, "000000").json()
    wrong_password = _sign_in(browser, app.code(), "wrong horse battery").json()
    assert wrong_code.pop("instance") != wrong_password.pop("instance")
    assert wrong_code == wrong_password


def test_a_recovery_code_signs_in_once(site: Site) -> None:
    browser, _, recovery_codes = _enrolled(site)
    assert _sign_in(browser, recovery_codes[3]).status_code == 200
    assert _sign_in(browser, recovery_codes[3]).json()["type"] == FAILED
    assert _sign_in(browser, recovery_codes[4]).status_code == 200


def test_an_offer_is_worth_nothing_before_it_is_confirmed(site: Site) -> None:
    browser = new_browser(site)
    browser.sign_in()
    offer = _offered(browser).json()
    assert offer["uri"].startswith(f"otpauth://totp/Sightline:{browser.person}?secret=")
    assert browser.change("PUT", PATH, {"code": "000000"}).json()["type"] == FAILED
    assert browser.sign_in().status_code == 200, "the password is still enough"
    answer = browser.change("PUT", PATH, {"code": App(site, offer["secret"]).code()})
    assert answer.status_code == 400, "another session has no offer"
    assert "begin by POST" in answer.json()["detail"]


def test_an_enrolment_needs_the_password_and_a_code_of_the_former_factor(site: Site) -> None:
    browser = new_browser(site)
    browser.sign_in()
    wrong = browser.change("POST", PATH, {"password": "wrong horse battery"})
    assert wrong.json()["type"] == FAILED
    browser, app, recovery_codes = _enrolled(site)
    assert _offered(browser).json()["type"] == FAILED
    offer = _offered(browser, app.code()).json()
    newer = App(site, offer["secret"])
    assert browser.change("PUT", PATH, {"code": newer.code()}).status_code == 200
    assert _sign_in(browser, recovery_codes[0]).json()["type"] == FAILED


def test_a_token_enrols_nothing(site: Site) -> None:
    for method, body in (("POST", {"password": PASSWORD}), ("PUT", {"code": "123456"})):
        assert site.get(PATH, method=method, body=body).status_code == 401


def test_a_role_that_must_have_a_second_factor_can_do_nothing_else_first(
    open_site: OpenSite, site: Site
) -> None:
    settings = site.context.settings.model_copy(update={"second_factor_roles": "admin,operator"})
    strict = open_site(settings=settings, clock=site.context.clock)
    admin, other = new_browser(strict, Role.ADMIN), new_browser(strict, Role.INVESTIGATOR)
    assert admin.sign_in().status_code == other.sign_in().status_code == 200
    for path in ("/v1/cameras", "/v1/sessions"):
        answer = admin.get(path)
        assert answer.status_code == 403
        assert "second factor of the role admin" in answer.json()["detail"]
        assert other.get(path).status_code == 200
    assert strict.get("/v1/cameras", Role.ADMIN).status_code == 200, "a token is for programs"
    assert admin.get("/v1/session").status_code == 200
    app = App(strict, _offered(admin).json()["secret"])
    assert admin.change("PUT", PATH, {"code": app.code()}).status_code == 200
    assert admin.get("/v1/cameras").status_code == 200
    strict.context.people.change(other.person, role=Role.OPERATOR)
    assert other.get("/v1/cameras").status_code == 403, "the role of this moment counts"


def test_codes_cannot_be_tried_out(open_site: OpenSite) -> None:
    """A thief of the password has as few attempts as for the password itself."""
    clock = ManualClock(SystemClock().wall_ns())
    plain = open_site()
    site = open_site(clock=clock, attempts=SignInAttempts(plain.redis, clock))
    owner, _, _ = _enrolled(site)
    thief = Browser(site, owner.person)
    answers = [_sign_in(thief, f"{number:06d}").status_code for number in range(8)]
    assert answers == [401] * 6 + [429] * 2


def test_the_enrolment_is_in_the_audit_log(site: Site) -> None:
    browser, _, _ = _enrolled(site)
    entries = [json.loads(line) for line in site.audit_lines()]
    found = [
        (entry["route"], entry["phase"])
        for entry in entries
        if entry["route"].startswith("session.second") and entry["person"] == browser.person
    ]
    assert found == [
        ("session.second_factor", "intent"),
        ("session.second_factor", "outcome"),
        ("session.second_factor_confirm", "intent"),
        ("session.second_factor_confirm", "outcome"),
    ]


@pytest.mark.parametrize("code", ["x" * 65, 123456, None])
def test_a_malformed_code_is_not_repeated(site: Site, code: object) -> None:
    browser = signed_in(site)
    answer = browser.change("PUT", PATH, {"code": code})
    assert answer.status_code == 400
    assert "xxx" not in answer.text
    assert "123456" not in answer.text
