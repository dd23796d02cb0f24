"""Attacks on the sign-in. Each has a positive control: the honest request works."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from api.app import make_app
from domain.clock import ManualClock
from domain.passwords import HashCost, PasswordHasher
from domain.people import Role
from storage.clients.redis import connect
from storage.sign_in.attempts import SignInAttempts
from storage.sign_in.secrets import SignInSecrets
from storage.site.people import People
from tests.api.browser import (
    COOKIE,
    PASSWORD,
    Browser,
    new_browser,
    set_password,
    signed_in,
)
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

FAILED = "urn:sightline:problem:sign_in_failed"
DEVICE = "sightline-device"


@pytest.fixture
def site(open_site: OpenSite, valkey_server: str) -> Iterator[Site]:
    """A site in which no delay ends by itself."""
    redis = connect(valkey_server)
    yield open_site(attempts=SignInAttempts(redis, ManualClock(START_NS)))
    redis.close()


def _is_delayed(answer: httpx.Response) -> bool:
    return answer.status_code == 429


def test_a_session_that_was_planted_before_the_sign_in_is_not_continued(site: Site) -> None:
    """Session fixation: the attacker plants the cookie of an own session, or any value."""
    attacker = signed_in(site)
    for planted in (attacker.cookie, "A" * 43):
        victim = new_browser(site)
        victim.cookies[COOKIE] = planted
        assert victim.sign_in().status_code == 200, "the positive control"
        assert victim.cookie != planted
        assert victim.get("/v1/session").json()["name"] == victim.person
        answer = attacker.get("/v1/session")
        assert answer.status_code == 401, "the planted session has ended"


def test_each_sign_in_has_a_new_cookie_and_ends_the_former_session(site: Site) -> None:
    browser = new_browser(site)
    browser.sign_in()
    former = replace(browser, cookies=dict(browser.cookies))
    browser.sign_in()
    assert browser.get("/v1/session").status_code == 200
    assert former.get("/v1/session").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example.com", "Sec_Fetch_Site": None},
        {"Origin": None, "Sec_Fetch_Site": None},
    ],
)
def test_another_site_signs_no_browser_in(site: Site, headers: dict[str, str | None]) -> None:
    """A browser that is signed in as the attacker would record its searches for the attacker."""
    browser = new_browser(site)
    answer = browser.sign_in(**headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert browser.sign_in().status_code == 200, "the positive control"


def test_no_password_is_accepted_without_tls_from_another_machine(open_site: OpenSite) -> None:
    plain = open_site()
    settings = plain.context.settings.model_copy(update={"trusted_proxies": "127.0.0.1/32"})
    site = open_site(settings=settings)
    browser = new_browser(site)
    answer = browser.sign_in(X_Forwarded_For="10.1.2.3")
    assert answer.status_code == 403
    assert "without TLS" in answer.json()["detail"]
    assert browser.sign_in().status_code == 200, "the positive control, on loopback"


def test_an_attacker_locks_nobody_out(site: Site) -> None:
    """From the address of the victim, with the name of the victim, as often as possible."""
    victim = new_browser(site)
    assert victim.sign_in().status_code == 200
    attacker = Browser(site, victim.person)
    assert [_is_delayed(attacker.sign_in("wrong horse")) for _ in range(20)][-10:] == [True] * 10
    assert victim.sign_in().status_code == 200
    elsewhere = new_browser(site)
    assert elsewhere.sign_in().status_code == 200, "another person at the same address"


def test_a_stolen_or_foreign_device_cookie_helps_with_no_other_name(site: Site) -> None:
    """An insider has many known browsers, and tries the password of another person in them."""
    insider, victim = new_browser(site), new_browser(site)
    assert insider.sign_in().status_code == 200
    tried = Browser(site, victim.person)
    answers = []
    for _ in range(10):
        fresh = Browser(site, insider.person)
        fresh.cookies[DEVICE] = insider.cookies[DEVICE]
        assert fresh.sign_in().status_code == 200, "the positive control"
        tried.cookies = {DEVICE: fresh.cookies[DEVICE]}
        answers.append(tried.sign_in("wrong horse"))
    assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 4


def test_a_known_browser_that_was_stolen_has_few_attempts_too(site: Site) -> None:
    victim = new_browser(site)
    victim.sign_in()
    thief = Browser(site, victim.person)
    thief.cookies = {DEVICE: victim.cookies[DEVICE]}
    answers = [thief.sign_in("wrong horse").status_code for _ in range(14)]
    assert answers == [401] * 11 + [429] * 3


def test_a_device_cookie_gives_no_right(site: Site) -> None:
    victim = new_browser(site)
    victim.sign_in()
    thief = Browser(site, victim.person)
    thief.cookies = {DEVICE: victim.cookies[DEVICE]}
    assert thief.get("/v1/session").status_code == 401
    thief.cookies = {COOKIE: victim.cookies[DEVICE]}
    assert thief.get("/v1/session").status_code == 401
    assert victim.get("/v1/session").status_code == 200, "the positive control"


def test_a_forged_password_in_the_stores_signs_nobody_in(site: Site) -> None:
    """With write access to Redis: the password of the own record is copied to the chief's."""
    attacker, chief = new_browser(site), new_browser(site, Role.ADMIN)
    people: People = site.context.people
    own = people.present(attacker.person)
    record = people.present(chief.person)
    assert own is not None
    assert record is not None
    assert own.password is not None
    genuine = record.text()
    forged = json.loads(genuine) | {"password": json.loads(own.password.model_dump_json())}
    site.redis.do("HSET", "{people}:records", chief.person, json.dumps(forged))
    assert chief.sign_in().json()["type"] == FAILED
    site.redis.do("HSET", "{people}:records", chief.person, genuine)
    assert chief.sign_in().status_code == 200, "the positive control"


def test_a_removed_person_and_a_removed_password_sign_nobody_in(site: Site) -> None:
    removed, without = new_browser(site), new_browser(site)
    assert removed.sign_in().status_code == without.sign_in().status_code == 200
    site.context.people.remove(removed.person)
    SignInSecrets(site.context.people, site.context.clock).remove_password(without.person)
    for browser in (removed, without):
        assert browser.get("/v1/session").status_code == 401
        assert browser.sign_in().json()["type"] == FAILED


def test_a_repeated_sign_in_has_no_stored_answer(site: Site) -> None:
    """An answer with a cookie must not be stored under an idempotency key."""
    browser = new_browser(site)
    answers = [browser.sign_in(Idempotency_Key="k") for _ in range(2)]
    assert answers[0].cookies[COOKIE] != answers[1].cookies[COOKIE]
    keys = site.redis.do("KEYS", "{requests}*")
    assert keys == []
    assert PASSWORD not in "".join(site.audit_lines())


class _Meanwhile(PasswordHasher):
    """Lets something happen once, after a password was verified."""

    def __init__(self) -> None:
        super().__init__(HashCost(memory_mb=19, passes=2))
        self.actions: list[Callable[[], object]] = []

    def is_right(self, password_hash: str | None, password: str) -> bool:
        found = super().is_right(password_hash, password)
        while self.actions:
            self.actions.pop()()
        return found


@pytest.fixture
def racing(site: Site) -> Iterator[tuple[Browser, _Meanwhile]]:
    """A browser that has signed in, and what happens during its next password check."""
    app = make_app(site.context)
    hasher = app.state.sign_ins.hasher = _Meanwhile()
    with site.serve(app) as url:
        browser = new_browser(site)
        browser.url = url
        assert browser.sign_in().status_code == 200, "the positive control"
        yield browser, hasher


def test_a_password_that_is_replaced_in_the_moment_of_a_sign_in_starts_no_session(
    site: Site, racing: tuple[Browser, _Meanwhile]
) -> None:
    browser, hasher = racing
    hasher.actions.append(lambda: set_password(site, browser.person, "seven green bottles"))
    answer = Browser(site, browser.person, browser.url).sign_in()
    assert (answer.status_code, answer.json()["type"]) == (401, FAILED)
    assert "Set-Cookie" not in answer.headers
    assert site.context.sessions.list() == ()


def test_a_person_who_knows_the_password_undoes_no_reset_of_it(
    site: Site, racing: tuple[Browser, _Meanwhile]
) -> None:
    browser, hasher = racing
    hasher.actions.append(lambda: set_password(site, browser.person, "seven green bottles"))
    body = {"old_password": PASSWORD, "new_password": "the password of a thief"}
    answer = browser.change("PUT", "/v1/session/password", body)
    assert (answer.status_code, "meanwhile" in answer.text) == (503, True)
    assert "Set-Cookie" not in answer.headers
    assert browser.sign_in("the password of a thief").status_code == 401
    assert browser.sign_in("seven green bottles").status_code == 200
