"""A session is checked at intervals by one request; only a refusal of the person ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from api.openid.authlib_client import TokenAnswer
from api.openid.openid import OpenId, make_openid
from api.openid.session_check import PAUSE_S
from api.openid.sign_in import FinishedSignIn, LoggedOut
from domain.camera_scope import UNLIMITED
from domain.clock import ManualClock
from domain.errors import (
    Forbidden,
    ObjectsUnavailable,
    ProviderError,
    ProviderUnavailable,
    SignInRefused,
)
from domain.openid import ClaimNames, OpenIdSettings, ProviderIdentity
from domain.people import Role
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditLog
from storage.site.people import People
from storage.site.sessions import NewSession, SessionLimits, Sessions, SignInMethod
from tests.people import people_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.openid.sign_in import OpenIdSignIn

ISSUER = "https://id.example.cn"
SETTINGS = OpenIdSettings(
    ISSUER, "site", "secret", "https://s.example.cn", "openid", None,
    ClaimNames("name", "roles"), {}, 30, 300.0,
)  # fmt: skip
ZHANG = ProviderIdentity(ISSUER, "7", "zhang.san", Role.INVESTIGATOR, (), UNLIMITED)
LI = ProviderIdentity(ISSUER, "8", "li.wei", Role.OPERATOR, (), UNLIMITED)
Refresh = Callable[[str, str], tuple[TokenAnswer, ProviderIdentity | None]]


@dataclass
class ScriptedProvider:
    """Answers refreshes as a test says. The real provider is in `test_flow.py`."""

    settings: OpenIdSettings = SETTINGS
    answer: Exception | ProviderIdentity | None = None
    answers: dict[str, Exception] = field(default_factory=dict)
    """The answers to some refresh tokens."""
    used: list[str] = field(default_factory=list)

    def refreshed(
        self, refresh_token: str, subject: str
    ) -> tuple[TokenAnswer, ProviderIdentity | None]:
        assert subject in (ZHANG.subject, LI.subject)
        self.used.append(refresh_token)
        if refresh_token in self.answers:
            raise self.answers[refresh_token]
        if isinstance(self.answer, Exception):
            raise self.answer
        return TokenAnswer("", "a", f"r{len(self.used)}"), self.answer


@dataclass
class Checked:
    """Sessions that are checked with a scripted provider."""

    provider: ScriptedProvider
    openid: OpenId
    sessions: Sessions
    people: People
    clock: ManualClock
    audit: AuditLog
    begun_at_ns: int = 0
    """When the sign-ins of a test began; 0: in the same moment."""

    def start(
        self, sid: str = "s-1", refresh_token: str = "r0", who: ProviderIdentity = ZHANG
    ) -> NewSession:
        tokens = TokenAnswer("an id token", "a", refresh_token)
        finished = FinishedSignIn(who, "/", tokens, sid, self.begun_at_ns or self.clock.wall_ns())
        return self.openid.start_session(self.sessions, finished, "10.1.2.3", "Firefox", "q1")

    def is_valid(self, session: NewSession) -> bool:
        return self.sessions.find(session.cookie) is not None

    def audit_text(self) -> str:
        return "".join(file.read_text("utf-8") for file in self.audit.folder.glob("*.jsonl"))


@pytest.fixture
def checked(valkey_server: str, bucket: ObjectStore, tmp_path: Path) -> Iterator[Checked]:
    redis: Redis = connect(valkey_server)
    redis.do("FLUSHALL")
    for found in list(bucket.list("state/people/")):
        bucket.delete(found.key)
    clock, provider = ManualClock(), ScriptedProvider()
    people, audit = people_of(redis, bucket, clock), AuditLog(tmp_path / "audit", clock)
    openid = make_openid(SETTINGS, redis, people, audit, clock)
    openid.check._sign_in = cast("OpenIdSignIn", provider)
    limits = SessionLimits(longest_s=36_000, idle_s=36_000)
    sessions = Sessions(redis, people, clock, limits, openid.check.is_confirmed)
    yield Checked(provider, openid, sessions, people, clock, audit)
    redis.close()


def test_a_session_is_checked_once_in_each_interval(checked: Checked) -> None:
    session = checked.start()
    checked.clock.advance(299)
    assert checked.is_valid(session)
    assert checked.provider.used == []
    checked.clock.advance(1)
    for _ in range(3):
        assert checked.is_valid(session)
    checked.clock.advance(300)
    assert checked.is_valid(session)
    assert checked.provider.used == ["r0", "r1"]  # each token once, in order


def test_a_refused_person_loses_all_sessions(checked: Checked) -> None:
    first, second = checked.start(), checked.start("s-2")
    checked.clock.advance(300)
    checked.provider.answer = SignInRefused("the account is disabled")
    assert not checked.is_valid(first)
    assert len(checked.provider.used) == 1
    assert not checked.is_valid(second)
    assert len(checked.provider.used) == 1  # the second session ended with the first
    assert "the account is disabled" in checked.audit_text()


def test_a_person_without_a_role_loses_all_sessions(checked: Checked) -> None:
    session = checked.start()
    checked.clock.advance(300)
    checked.provider.answer = Forbidden("no role")
    assert not checked.is_valid(session)


def test_a_check_brings_the_rights_up_to_date(checked: Checked) -> None:
    session = checked.start()
    checked.clock.advance(300)
    checked.provider.answer = replace(ZHANG, role=Role.OPERATOR)
    found = checked.sessions.find(session.cookie)
    assert found is not None
    assert found.person.role is Role.OPERATOR


def test_a_provider_that_is_down_ends_no_session_and_is_left_alone(checked: Checked) -> None:
    session = checked.start()
    checked.clock.advance(300)
    checked.provider.answer = ProviderUnavailable("it is down")
    for _ in range(5):
        assert checked.is_valid(session)
    assert len(checked.provider.used) == 1
    checked.clock.advance(PAUSE_S)
    assert checked.is_valid(session)
    assert len(checked.provider.used) == 2
    checked.provider.answer = SignInRefused("disabled meanwhile")
    checked.clock.advance(PAUSE_S)
    assert not checked.is_valid(session)


def test_one_person_cannot_keep_others_from_being_checked(checked: Checked) -> None:
    """A disabled account would stay signed in while another person's check fails in time."""
    odd = checked.start("s-1", "odd")
    disabled = checked.start("s-2", "disabled", LI)
    checked.provider.answers = {
        "odd": ProviderError("an error about this person alone"),
        "disabled": SignInRefused("the account is disabled"),
    }
    checked.clock.advance(300)
    assert checked.is_valid(odd)
    assert not checked.is_valid(disabled)
    assert checked.is_valid(odd)
    assert checked.provider.used == [
        "odd",
        "disabled",
    ]  # the odd one waits before it is asked again
    checked.clock.advance(PAUSE_S)
    assert checked.is_valid(odd)
    assert checked.provider.used.count("odd") == 2
    del checked.provider.answers["odd"]
    checked.clock.advance(PAUSE_S)
    assert checked.is_valid(odd)
    assert checked.is_valid(odd)
    assert checked.provider.used.count("odd") == 3


def test_an_object_store_that_is_down_ends_no_session(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = checked.start()
    checked.clock.advance(300)
    checked.provider.answer = replace(ZHANG, role=Role.OPERATOR)

    def unavailable(prefix: str) -> None:
        raise ObjectsUnavailable("it is down")

    with monkeypatch.context() as patched:
        patched.setattr(checked.people._records, "newest", unavailable)
        assert checked.is_valid(session)
    checked.clock.advance(PAUSE_S)
    found = checked.sessions.find(session.cookie)
    assert found is not None
    assert found.person.role is Role.OPERATOR
    assert checked.provider.used == ["r0", "r1"]  # the token of the first check was kept


def test_a_session_without_a_refresh_token_lasts_until_it_expires(checked: Checked) -> None:
    session = checked.start(refresh_token="")
    checked.clock.advance(35_000)
    assert checked.is_valid(session)
    assert checked.provider.used == []


def test_a_session_whose_tokens_are_lost_is_not_valid(checked: Checked) -> None:
    session = checked.start()
    checked.openid.held.delete(session.session.record.id)
    assert not checked.is_valid(session)


def test_without_a_provider_no_session_of_one_is_valid(checked: Checked) -> None:
    """A site whose settings no longer name a provider."""
    session = checked.start()
    checked.sessions._confirm = None
    assert not checked.is_valid(session)
    local = checked.people.add("li.wei", Role.OPERATOR).record
    other = checked.sessions.start(local, SignInMethod.PASSWORD, "", "")
    assert other is not None
    assert checked.is_valid(other)


def test_another_process_that_checks_is_not_waited_for(checked: Checked) -> None:
    session = checked.start()
    checked.clock.advance(300)
    assert checked.openid.held.begin_check(session.session.record.id)
    assert checked.is_valid(session)
    assert checked.provider.used == []


@pytest.mark.parametrize(
    ("named", "ended"),
    [
        (LoggedOut("7", "s-1"), [True, False]),
        (LoggedOut("", "s-1"), [True, False]),
        (LoggedOut("7", ""), [True, True]),
        (LoggedOut("7", "s-9"), [False, False]),
        (LoggedOut("8", ""), [False, False]),
    ],
)
def test_a_logout_ends_the_sessions_that_it_names(
    checked: Checked, named: LoggedOut, ended: list[bool]
) -> None:
    local = checked.people.add("li.wei", Role.OPERATOR).record
    own = checked.sessions.start(local, SignInMethod.PASSWORD, "", "")
    assert own is not None
    both = [checked.start("s-1"), checked.start("s-2")]
    assert checked.openid.end_by_provider(checked.sessions, named) == sum(ended)
    assert [not checked.is_valid(session) for session in both] == ended
    assert checked.is_valid(own)


def test_a_logout_ends_a_session_whose_own_session_of_the_provider_is_unknown(
    checked: Checked,
) -> None:
    """Not every provider has a `sid` in its id tokens."""
    unknown, other = checked.start(""), checked.start("", who=LI)
    assert checked.openid.end_by_provider(checked.sessions, LoggedOut("7", "s-1")) == 1
    assert not checked.is_valid(unknown)
    assert checked.is_valid(other)


@pytest.mark.parametrize("named", [LoggedOut("7", "s-1"), LoggedOut("", "s-1"), LoggedOut("7", "")])
def test_a_logout_before_the_session_began_ends_it_too(checked: Checked, named: LoggedOut) -> None:
    """It arrives after the provider has answered and before the session has started."""
    checked.begun_at_ns = checked.clock.wall_ns()
    checked.clock.advance(1)
    assert checked.openid.end_by_provider(checked.sessions, named) == 0
    with pytest.raises(SignInRefused, match="has ended this sign-in"):
        checked.start("s-1")
    assert checked.sessions.list() == ()
    assert checked.is_valid(checked.start("s-2", who=LI))
    checked.begun_at_ns = 0
    checked.clock.advance(1)
    assert checked.is_valid(checked.start("s-2")), "a sign-in that began after the logout"


def test_a_session_that_ends_while_it_is_checked_is_not_used(checked: Checked) -> None:
    session = checked.start()
    checked.clock.advance(300)
    refreshed = checked.provider.refreshed

    def ended_meanwhile(
        refresh_token: str, subject: str
    ) -> tuple[TokenAnswer, ProviderIdentity | None]:
        # The other process does not share what this one remembers of ended sessions.
        checked.openid.end_by_provider(other, LoggedOut("7", ""))
        return refreshed(refresh_token, subject)

    other = Sessions(
        checked.sessions._redis,
        checked.people,
        checked.clock,
        SessionLimits(longest_s=36_000, idle_s=36_000),
        lambda record: True,
    )
    checked.provider.refreshed = ended_meanwhile  # type: ignore[method-assign]
    assert not checked.is_valid(session)
    assert checked.openid.held.find(session.session.record.id) is None
