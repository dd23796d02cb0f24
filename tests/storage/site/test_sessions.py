"""Sessions: only a genuine record with the right cookie identifies a person, and only in time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.clock import ManualClock
from domain.errors import IndexUnavailable
from domain.metrics import SESSION_RECORDS_REFUSED
from domain.people import Person, Right, Role
from storage.clients.redis import Redis, connect, number, text
from storage.clients.s3 import ObjectStore
from storage.site.people import People
from storage.site.sessions import (
    ALL,
    MOST_SESSIONS,
    NewSession,
    SessionLimits,
    Sessions,
    SignInMethod,
)
from tests.people import people_of

LIMITS = SessionLimits(longest_s=12 * 3600, idle_s=3600)


@pytest.fixture
def people(redis: Redis, objects: ObjectStore, clock: ManualClock) -> People:
    found = people_of(redis, objects, clock)
    found.add("li.wei", Role.OPERATOR)
    return found


@pytest.fixture
def sessions(redis: Redis, people: People, clock: ManualClock) -> Sessions:
    return Sessions(redis, people, clock, LIMITS)


def _start(sessions: Sessions, name: str = "li.wei") -> NewSession:
    person = sessions._people.get(name)
    started = sessions.start(person, SignInMethod.PASSWORD, "10.1.2.3", "Firefox")
    assert started is not None
    return started


def _place(started: NewSession) -> str:
    return f"{{sessions}}:record:{started.session.record.id}"


def _stored(redis: Redis, started: NewSession) -> str:
    found = text(redis.do("GET", _place(started)))
    assert found is not None
    return found


def test_a_cookie_identifies_its_person(sessions: Sessions) -> None:
    started = _start(sessions)
    found = sessions.find(started.cookie)
    assert found is not None
    assert found == started.session
    assert found.person == Person("li.wei", Role.OPERATOR)
    record = found.record
    assert (record.method, record.address, record.user_agent) == (
        SignInMethod.PASSWORD, "10.1.2.3", "Firefox"
    )  # fmt: skip
    for other in ("", "x", started.cookie[:-1] + "!", started.cookie + "A", record.id):
        assert sessions.find(other) is None


def test_neither_the_cookie_nor_the_csrf_token_is_stored(
    sessions: Sessions, redis: Redis, objects: ObjectStore
) -> None:
    started = _start(sessions)
    stored = _stored(redis, started) + repr(redis.do("ZRANGE", ALL, 0, -1))
    stored += repr([objects.get(found.key) for found in objects.list("")])
    assert started.cookie not in stored
    assert sessions.csrf_token(started.session.record) not in stored
    assert started.session.record.id in stored


def test_a_csrf_token_belongs_to_one_session(sessions: Sessions) -> None:
    first, second = _start(sessions).session.record, _start(sessions).session.record
    assert sessions.csrf_token(first) == sessions.csrf_token(first)
    assert sessions.csrf_token(first) != sessions.csrf_token(second)


def test_rights_are_those_of_the_person_now(sessions: Sessions, people: People) -> None:
    started = _start(sessions)
    people.change("li.wei", grants=[Right.UNMASKED_VIEW])
    found = sessions.find(started.cookie)
    assert found is not None
    assert found.person == Person("li.wei", Role.OPERATOR, frozenset({Right.UNMASKED_VIEW}))
    assert sessions.holder("li.wei", found.record.id) == found.person
    assert sessions.holder("wang.fang", found.record.id) is None
    assert sessions.holder("li.wei", "0" * 32) is None
    assert sessions.holder("li.wei", "") is None


def test_a_session_ends_without_use_and_a_use_extends_it(
    sessions: Sessions, clock: ManualClock, redis: Redis
) -> None:
    started = _start(sessions)
    clock.advance(3599)
    assert sessions.find(started.cookie) is not None
    clock.advance(3599)
    found = sessions.find(started.cookie)
    assert found is not None
    assert found.record.used_at == clock.wall_ns()
    assert 3_590_000 < number(redis.do("PTTL", _place(started))) <= 3_600_000
    assert sessions.holder("li.wei", found.record.id) is not None
    clock.advance(3600)
    assert sessions.holder("li.wei", found.record.id) is None
    assert sessions.find(started.cookie) is None


def test_an_open_feed_does_not_extend_a_session(sessions: Sessions, clock: ManualClock) -> None:
    record = _start(sessions).session.record
    clock.advance(3000)
    assert sessions.holder("li.wei", record.id) is not None
    clock.advance(600)
    assert sessions.holder("li.wei", record.id) is None


def test_a_session_ends_at_last_however_often_it_is_used(
    sessions: Sessions, clock: ManualClock
) -> None:
    started = _start(sessions)
    for _ in range(23):
        clock.advance(1800)
        assert sessions.find(started.cookie) is not None
    clock.advance(1800)
    assert sessions.find(started.cookie) is None
    assert sessions.list() == ()


def test_an_ended_session_stays_ended(sessions: Sessions, redis: Redis) -> None:
    started, other = _start(sessions), _start(sessions)
    record = _stored(redis, started)
    sessions.end(started.session.record)
    assert sessions.find(started.cookie) is None
    assert sessions.bind(started.session.record.id, "a", "") is None
    redis.do("SET", _place(started), record)
    assert sessions.find(started.cookie) is None, "a record that was written back"
    assert sessions.find(other.cookie) is not None
    assert sessions.list() == (other.session.record,)


@pytest.mark.parametrize("change", ["revoke", "end_sessions", "remove", "replace"])
def test_a_change_of_the_person_ends_all_sessions(
    sessions: Sessions, people: People, redis: Redis, clock: ManualClock, change: str
) -> None:
    started = _start(sessions)
    record = _stored(redis, started)
    if change == "replace":
        people.remove("li.wei")
        clock.advance(1)
        people.add("li.wei", Role.OPERATOR)
    else:
        getattr(people, change)("li.wei")
    other_process = Sessions(redis, people, clock, LIMITS)
    redis.do("SET", _place(started), record)
    for process in (sessions, other_process):
        assert process.find(started.cookie) is None
        assert process.list() == ()


def test_a_revoked_token_ends_no_session(sessions: Sessions, people: People) -> None:
    started = _start(sessions)
    people.revoke("li.wei", "first")
    assert sessions.find(started.cookie) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"person": "chief"},
        {"expires_at": "2099-01-01T00:00:00.000Z"},
        {"used_at": "2099-01-01T00:00:00.000Z"},
        {"reason": "another"},
        {"generation": 1},
        {"mac": ""},
        {"mac": "00" * 32},
        {"more": "a field"},
    ],
)
def test_a_forged_record_grants_nothing(
    sessions: Sessions, people: People, redis: Redis, change: dict[str, object]
) -> None:
    people.add("chief", Role.ADMIN)
    started = _start(sessions)
    forged = json.loads(_stored(redis, started)) | change
    redis.do("SET", _place(started), json.dumps(forged))
    before = SESSION_RECORDS_REFUSED._value.get()
    assert sessions.find(started.cookie) is None
    assert sessions.holder("li.wei", started.session.record.id) is None
    assert SESSION_RECORDS_REFUSED._value.get() == before + 2


def test_a_record_of_another_session_grants_nothing(
    sessions: Sessions, people: People, redis: Redis
) -> None:
    """With write access to Redis, the record of an administrator is copied to the own cookie."""
    people.add("chief", Role.ADMIN)
    own, chief = _start(sessions), _start(sessions, "chief")
    redis.do("SET", _place(own), _stored(redis, chief))
    assert sessions.find(own.cookie) is None
    forged = json.loads(_stored(redis, chief)) | {"id": own.session.record.id}
    redis.do("SET", _place(own), json.dumps(forged))
    assert sessions.find(own.cookie) is None
    assert sessions.find(chief.cookie) is not None


def test_a_record_of_another_people_key_grants_nothing(
    sessions: Sessions, redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    other = People(redis, objects, b"another key of at least 32 bytes.", clock)
    other.add("wang.fang", Role.ADMIN)
    foreign = Sessions(redis, other, clock, LIMITS)
    started = _start(foreign, "wang.fang")
    assert foreign.find(started.cookie) is not None
    assert sessions.find(started.cookie) is None


def test_a_bound_purpose_is_kept_and_can_be_taken_back(
    sessions: Sessions, clock: ManualClock
) -> None:
    started = _start(sessions)
    bound = sessions.bind(started.session.record.id, "盗窃案", "2026-118")
    assert bound is not None
    clock.advance(120)
    found = sessions.find(started.cookie)
    assert found is not None
    assert (found.record.reason, found.record.case) == ("盗窃案", "2026-118")
    sessions.bind(found.record.id, "", "")
    found = sessions.find(started.cookie)
    assert found is not None
    assert (found.record.reason, found.record.case) == ("", "")


def test_a_field_of_a_newer_version_is_kept(
    sessions: Sessions, redis: Redis, clock: ManualClock
) -> None:
    started = _start(sessions)
    newer = started.session.record.model_copy(update={"tint": "blue"})
    redis.do("SET", _place(started), sessions._signed(newer).model_dump_json(by_alias=True))
    clock.advance(120)
    found = sessions.find(started.cookie)
    assert found is not None
    assert found.record.used_at == clock.wall_ns()
    assert json.loads(_stored(redis, started))["tint"] == "blue"


def test_the_number_of_sessions_of_a_person_is_limited(
    sessions: Sessions, people: People, clock: ManualClock
) -> None:
    people.add("wang.fang", Role.OPERATOR)
    first, other = _start(sessions), _start(sessions, "wang.fang")
    for _ in range(MOST_SESSIONS):
        clock.advance(1)
        _start(sessions)
    assert sessions.find(first.cookie) is None
    assert sessions.find(other.cookie) is not None
    assert len(sessions.list("li.wei")) == MOST_SESSIONS
    assert len(sessions.list()) == MOST_SESSIONS + 1


def test_the_list_forgets_ended_sessions(
    sessions: Sessions, redis: Redis, clock: ManualClock
) -> None:
    _start(sessions)
    clock.advance(13 * 3600)
    later = _start(sessions)
    assert redis.do("ZCARD", ALL) == 1
    assert sessions.list() == (later.session.record,)


def test_an_emptied_redis_ends_all_sessions(
    sessions: Sessions, people: People, redis: Redis
) -> None:
    started = _start(sessions)
    redis.do("FLUSHALL")
    people.index.restore()
    assert sessions.find(started.cookie) is None


@pytest.mark.parametrize(
    "end",
    [
        lambda people: people.end_sessions("li.wei"),
        lambda people: people.revoke("li.wei"),
        lambda people: people.remove("li.wei"),
        lambda people: (people.remove("li.wei"), people.add("li.wei", Role.ADMIN)),
    ],
)
def test_a_sign_in_that_began_before_all_sessions_ended_starts_none(
    sessions: Sessions, people: People, clock: ManualClock, end: Callable[[People], object]
) -> None:
    verified = people.get("li.wei")
    assert sessions.start(verified, SignInMethod.PASSWORD, "", "") is not None
    people.add_token("li.wei", "phone")
    assert sessions.start(verified, SignInMethod.PASSWORD, "", "") is not None, "another change"
    clock.advance(1)
    end(people)
    assert sessions.start(verified, SignInMethod.PASSWORD, "", "") is None
    assert sessions.list() == ()


def test_long_texts_of_a_browser_are_cut(sessions: Sessions) -> None:
    person = sessions._people.get("li.wei")
    started = sessions.start(person, SignInMethod.PASSWORD, "a" * 5000, "b" * 5000)
    assert started is not None
    assert len(started.session.record.address) == len(started.session.record.user_agent) == 200


def test_without_redis_a_session_is_not_known_as_ended(people: People, clock: ManualClock) -> None:
    away = connect("redis://127.0.0.1:1/0")
    sessions = Sessions(away, people, clock, replace(LIMITS, idle_s=60))
    with pytest.raises(IndexUnavailable):
        sessions.find("A" * 43)
    away.close()
