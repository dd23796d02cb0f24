"""The tokens of a session are encrypted, belong to it alone, and are checked by one process."""

from __future__ import annotations

import pytest

from domain.clock import NS_PER_S, ManualClock
from storage.clients.redis import Redis, number, text
from storage.openid.provider_sessions import ProviderSession, ProviderSessions
from storage.site.sessions import SessionRecord, SignInMethod
from tests.people import PEOPLE_KEY

ID, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def held(redis: Redis, clock: ManualClock) -> ProviderSessions:
    return ProviderSessions(redis, PEOPLE_KEY, clock)


def _session(clock: ManualClock, session_id: str = ID, lasts_s: int = 60) -> SessionRecord:
    now_ns = clock.wall_ns()
    return SessionRecord(
        id=session_id,
        cookie_sha256="c" * 64,
        person="zhang.san-1",
        person_added_at=now_ns,
        generation=0,
        method=SignInMethod.OPENID,
        created_at=now_ns,
        used_at=now_ns,
        expires_at=now_ns + lasts_s * NS_PER_S,
        idle_s=lasts_s,
        address="",
        user_agent="",
    )


def _tokens(clock: ManualClock, refresh_token: str = "a refresh token") -> ProviderSession:
    return ProviderSession(
        subject="7",
        provider_session="s-1",
        id_token="an id token",
        refresh_token=refresh_token,
        checked_at=clock.wall_ns(),
    )


def test_tokens_are_read_as_they_were_written_and_stored_encrypted(
    held: ProviderSessions, clock: ManualClock, redis: Redis
) -> None:
    held.put(_session(clock), _tokens(clock))
    assert held.find(ID) == _tokens(clock)
    stored = text(redis.do("GET", f"{{sessions}}:openid:{ID}"))
    assert stored is not None
    assert "token" not in stored
    left_ms = number(redis.do("PTTL", f"{{sessions}}:openid:{ID}"))
    assert 0 < left_ms <= 60_000
    held.delete(ID)
    assert held.find(ID) is None


def test_tokens_of_another_session_or_another_key_are_not_used(
    held: ProviderSessions, clock: ManualClock, redis: Redis
) -> None:
    held.put(_session(clock), _tokens(clock))
    stored = text(redis.do("GET", f"{{sessions}}:openid:{ID}")) or ""
    redis.do("SET", f"{{sessions}}:openid:{OTHER}", stored)
    assert held.find(OTHER) is None
    assert ProviderSessions(redis, b"another people key" * 2, clock).find(ID) is None
    redis.do("SET", f"{{sessions}}:openid:{ID}", stored[:-4] + "AAAA")
    assert held.find(ID) is None


def test_one_process_checks_a_session_at_a_time(
    held: ProviderSessions, clock: ManualClock, redis: Redis
) -> None:
    assert held.begin_check(ID)
    assert not ProviderSessions(redis, PEOPLE_KEY, clock).begin_check(ID)
    assert held.begin_check(OTHER)
    held.end_check(ID)
    assert held.begin_check(ID)
