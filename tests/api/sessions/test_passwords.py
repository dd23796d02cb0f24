"""Sign-in by password: what is sent and recorded, who is delayed, and that it blocks nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from api.app import make_app
from domain.clock import ManualClock
from domain.errors import AuditUnavailable
from domain.metrics import SIGN_INS
from domain.passwords import HashCost, PasswordHasher
from domain.people import Role
from storage.sign_in.attempts import SignInAttempts
from storage.sign_in.secrets import SignInSecrets
from storage.site.audit import AuditEntry, AuditLog
from tests.api.browser import COOKIE, PASSWORD, Browser, new_browser, signed_in
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

FAILED = "urn:sightline:problem:sign_in_failed"


def _lines(site: Site, route: str) -> list[dict[str, object]]:
    entries = [json.loads(line) for line in site.audit_lines()]
    return [entry for entry in entries if entry["route"] == route]


def test_a_person_signs_in_with_name_and_password(site: Site) -> None:
    browser = new_browser(site, Role.OPERATOR)
    answer = browser.sign_in(User_Agent="Firefox")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["name"], answer.json()["session"]["method"]) == (
        browser.person, "password"
    )  # fmt: skip
    assert answer.json()["session"]["user_agent"] == "Firefox"
    cookies = {one.partition("=")[0]: one for one in answer.headers.get_list("Set-Cookie")}
    assert set(cookies) == {COOKIE, "sightline-device"}
    assert "Max-Age" not in cookies[COOKIE]
    assert "Max-Age=34560000" in cookies["sightline-device"]
    for sent in cookies.values():
        assert "HttpOnly" in sent
        assert "SameSite=strict" in sent
    assert browser.get("/v1/session").json()["name"] == browser.person
    assert browser.get("/v1/events", X_Reason="theft").status_code == 200


def test_a_sign_in_is_recorded_before_and_after(site: Site) -> None:
    browser = new_browser(site)
    browser.sign_in()
    lines = _lines(site, "session.sign_in")
    assert [(line["phase"], line["person"], line["status"]) for line in lines] == [
        ("intent", browser.person, None),
        ("outcome", browser.person, 200),
    ]
    assert lines[0]["terms"] == {"method": "password"}
    assert PASSWORD not in "".join(site.audit_lines())


def test_a_failure_is_recorded_with_its_name_and_counted(site: Site) -> None:
    before = SIGN_INS.labels("password", "failed")._value.get()
    browser = new_browser(site)
    assert browser.sign_in("wrong horse battery").status_code == 401
    (line,) = _lines(site, "session.sign_in")
    assert (line["phase"], line["person"], line["status"], line["address"]) == (
        "refused", "", 401, "127.0.0.1"
    )  # fmt: skip
    assert line["terms"] == {"name": browser.person, "method": "password"}
    assert "wrong horse" not in "".join(site.audit_lines())
    assert SIGN_INS.labels("password", "failed")._value.get() == before + 1
    assert site.context.attempts.recent_failures() == 1


def test_an_unknown_name_is_answered_like_a_wrong_password(site: Site) -> None:
    known, without = new_browser(site), signed_in(site).person
    answers = [
        known.sign_in("wrong horse battery"),
        Browser(site, without).sign_in(),
        Browser(site, "nobody").sign_in(),
    ]
    for answer in answers:
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (401, FAILED)
        assert problem.pop("instance")
        assert problem == {
            name: value for name, value in answers[0].json().items() if name != "instance"
        }
        assert "Set-Cookie" not in answer.headers


def test_an_unknown_name_costs_the_same_hash(open_site: OpenSite) -> None:
    """The work is compared by the number of hashes, not by the time of a busy machine."""
    site = open_site()
    counting = CountingHasher()
    app = make_app(site.context)
    app.state.sign_ins.hasher = counting
    known = new_browser(site)
    with site.serve(app) as url:
        for name, password, number in (
            (known.person, "wrong horse battery", 1), ("nobody", PASSWORD, 2),
            (known.person, PASSWORD, 3),
        ):  # fmt: skip
            Browser(site, name, url).sign_in(password)
            assert counting.hashes == number


class CountingHasher(PasswordHasher):
    """Counts the hashes that are computed to verify a password."""

    def __init__(self) -> None:
        super().__init__(HashCost(memory_mb=19, passes=2))
        self.hashes = 0

    def is_right(self, password_hash: str | None, password: str) -> bool:
        self.hashes += 1
        return super().is_right(password_hash, password)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "li.wei"},
        {"name": "li wei", "password": "hunter2-hunter2"},
        {"name": "x" * 65, "password": "hunter2-hunter2"},
        {"name": "li.wei", "password": "hunter2" * 50},
        {"name": "li.wei", "password": ""},
        {"name": "li.wei", "password": ["hunter2-hunter2"]},
        {"name": "li.wei", "password": "hunter2-hunter2", "more": 1},
    ],
)
def test_a_malformed_sign_in_is_refused_without_its_password(site: Site, body: object) -> None:
    answer = Browser(site, "li.wei").change("POST", "/v1/session", body)
    assert answer.status_code == 400
    assert "hunter2" not in answer.text
    assert "hunter2" not in "".join(site.audit_lines())


def test_a_hash_of_a_weaker_cost_is_replaced_at_the_sign_in(
    open_site: OpenSite, site: Site
) -> None:
    settings = site.context.settings.model_copy(update={"password_passes": 3})
    stronger = open_site(settings=settings)
    browser = new_browser(stronger)
    people, secrets = (
        stronger.context.people,
        SignInSecrets(stronger.context.people, stronger.context.clock),
    )
    assert ",t=2," in str(secrets.password_hash(people.present(browser.person)))
    assert browser.sign_in().status_code == 200
    assert ",t=3," in str(secrets.password_hash(people.present(browser.person)))
    assert browser.get("/v1/session").status_code == 200, "no session ends"
    assert browser.sign_in().status_code == 200


def test_a_person_changes_the_password_and_all_other_sessions_end(site: Site) -> None:
    browser = new_browser(site)
    browser.sign_in()
    other = signed_in(site, name=browser.person)
    former = browser.cookie
    body = {"old_password": PASSWORD, "new_password": "seven green bottles"}
    answer = browser.adopt(browser.change("PUT", "/v1/session/password", body))
    assert answer.status_code == 200, answer.text
    assert browser.cookie != former
    assert browser.get("/v1/session").status_code == 200
    assert other.get("/v1/session").status_code == 401
    assert browser.get("/v1/session", Cookie=f"{COOKIE}={former}").status_code == 401
    assert browser.sign_in().json()["type"] == FAILED
    assert browser.sign_in("seven green bottles").status_code == 200
    lines = _lines(site, "session.password")
    assert [(line["phase"], line["status"]) for line in lines] == [
        ("intent", None), ("outcome", 200)
    ]  # fmt: skip
    assert "bottles" not in "".join(site.audit_lines())


def test_a_change_of_the_password_needs_the_old_one_and_a_good_new_one(site: Site) -> None:
    browser = new_browser(site)
    browser.sign_in()

    def changed(old: str, new: str) -> httpx.Response:
        body = {"old_password": old, "new_password": new}
        return browser.change("PUT", "/v1/session/password", body)

    assert changed("wrong horse battery", "seven green bottles").json()["type"] == FAILED
    for new, why in (
        ("short", "5 characters"),
        (f"{browser.person}1", "little more"),
        ("", "0 ch"),
    ):
        answer = changed(PASSWORD, new)
        assert (answer.status_code, answer.json()["field"]) == (400, "new_password")
        assert why in answer.json()["detail"]
    assert browser.get("/v1/session").status_code == 200, "nothing has ended"
    body = {"old_password": PASSWORD, "new_password": "seven green bottles"}
    answer = site.get("/v1/session/password", method="PUT", body=body)
    assert answer.status_code == 401, "a token is no browser"


def test_delays_grow_and_a_known_browser_is_not_delayed_by_others(open_site: OpenSite) -> None:
    clock = ManualClock(START_NS)
    plain = open_site()
    attempts = SignInAttempts(plain.redis, clock)
    site = open_site(attempts=attempts)
    owner, attacker = new_browser(site), Browser(site, "")
    assert owner.sign_in().status_code == 200
    attacker.person = owner.person
    answers = [attacker.sign_in(f"wrong horse {n}") for n in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "1"
    assert attacker.sign_in(PASSWORD).status_code == 429, "a right guess is not told apart"
    assert owner.sign_in().status_code == 200, "the known browser, at the same address"
    clock.advance(1)
    assert attacker.sign_in("wrong horse").status_code == 401
    assert attacker.sign_in("wrong horse").headers["Retry-After"] == "2"


def test_without_a_written_audit_line_nobody_signs_in(open_site: OpenSite) -> None:
    plain = open_site()
    browser = new_browser(plain)
    full = FullLog(plain.layout.audit, plain.context.clock)
    with plain.serve(make_app(replace(plain.context, audit=full))) as url:
        browser.url = url
        answer = browser.sign_in()
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:sightline:problem:audit_unavailable",
        )
        assert "Set-Cookie" not in answer.headers
        assert plain.context.sessions.list() == ()
        assert browser.sign_in("wrong horse battery").status_code == 401


class FullLog(AuditLog):
    """An audit log that accepts nothing."""

    def append(self, entry: AuditEntry, most_part: float = 1.0) -> None:
        raise AuditUnavailable("the disk is full")


class BlockedHasher(PasswordHasher):
    """Computes no hash until it is allowed to."""

    def __init__(self) -> None:
        super().__init__(HashCost(memory_mb=19, passes=2))
        self.let_go = threading.Event()
        self.waiting = 0

    def is_right(self, password_hash: str | None, password: str) -> bool:
        self.waiting += 1
        self.let_go.wait()
        return super().is_right(password_hash, password)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as pool:
        yield pool


def test_a_flood_of_sign_ins_is_refused_and_blocks_no_other_request(
    open_site: OpenSite, threads: ThreadPoolExecutor
) -> None:
    site = open_site()
    app = make_app(site.context)
    hasher = app.state.sign_ins.hasher = BlockedHasher()
    with site.serve(app) as url:
        asked: list[Future[httpx.Response]] = []

        def flood() -> bool:
            if len(asked) < 30:
                name = f"person-{len(asked)}"
                asked.append(threads.submit(Browser(site, name, url).sign_in))
            return any(one.done() for one in asked)

        try:
            site.eventually(flood)
            refused = next(one.result() for one in asked if one.done())
            assert (refused.status_code, refused.json()["type"]) == (
                503,
                "urn:sightline:problem:unavailable",
            )
            assert refused.headers["Retry-After"] == "2"
            assert hasher.waiting == 2
            browser = replace(signed_in(site), url=url)
            for path in ("/healthz", "/v1/session", "/v1/cameras"):
                assert browser.get(path).status_code == 200, path
        finally:
            hasher.let_go.set()
        assert {one.result().status_code for one in asked} <= {401, 429, 503}
