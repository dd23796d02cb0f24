"""People and tokens: the signed record in the object store is in force, and Redis follows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.errors import (
    BadInput,
    DataLoss,
    IndexUnavailable,
    NotFound,
    RecordChanged,
    RecordExists,
)
from domain.metrics import PERSON_RECORDS_REFUSED
from domain.paths.object_keys import PEOPLE_PREFIX, person_object
from domain.people import Person, Right, Role
from storage.clients.redis import Command, Redis, Reply, connect, text
from storage.clients.s3 import ObjectStore
from storage.site.people import MOST_TOKENS, People, _hash
from storage.site.people_index import PeopleIndex
from storage.site.person_records import PersonRecord, signed
from storage.site.verified_people import VerifiedPeople
from tests.people import PEOPLE_KEY, people_of

RECORDS, TOKENS = "{people}:records", "{people}:tokens"


@pytest.fixture
def people(redis: Redis, objects: ObjectStore, clock: ManualClock) -> People:
    return people_of(redis, objects, clock)


def _stored(redis: Redis, name: str) -> str:
    found = text(redis.do("HGET", RECORDS, name))
    assert found is not None
    return found


def test_a_token_identifies_its_person(people: People) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    assert token.startswith("sl_")
    assert len(token) > 40
    person = people.by_token(token)
    assert person == Person("li.wei", Role.OPERATOR)
    assert people.holder("li.wei", person.token) == person
    assert people.holder("li.wei", "0" * 16) is None
    assert people.by_token(token + "x") is None
    assert people.by_token("") is None


def test_a_token_is_stored_nowhere(people: People, redis: Redis, objects: ObjectStore) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    stored = b"".join(objects.get(found.key) for found in objects.list(""))
    stored += repr([redis.do("HGETALL", RECORDS), redis.do("HGETALL", TOKENS)]).encode()
    assert token.encode() not in stored
    assert b"token_sha256" in stored


def test_a_name_is_used_once(people: People) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    with pytest.raises(RecordExists, match="in use"):
        people.add("li.wei", Role.ADMIN)
    assert people.by_token(token) == Person("li.wei", Role.OPERATOR)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", ".hidden", "x" * 65, "名"])
def test_an_invalid_name_is_refused(people: People, name: str) -> None:
    with pytest.raises(BadInput, match="not a valid name"):
        people.add(name, Role.OPERATOR)
    with pytest.raises(BadInput, match="not a valid name"):
        people.get(name)


def test_a_person_has_several_tokens_and_each_can_be_revoked(people: People) -> None:
    first = people.add("li.wei", Role.OPERATOR).token
    phone = people.add_token("li.wei", "phone").token
    assert people.by_token(first) is not None
    people.revoke("li.wei", "phone")
    assert people.by_token(phone) is None
    assert people.by_token(first) is not None
    people.revoke("li.wei")
    assert people.by_token(first) is None
    with pytest.raises(NotFound, match="no token 'phone'"):
        people.revoke("li.wei", "phone")


def test_a_token_of_the_same_name_replaces_the_former(people: People) -> None:
    former = people.add("li.wei", Role.OPERATOR)
    token = people.add_token("li.wei", "first").token
    assert people.by_token(former.token) is None
    assert people.by_token(token) is not None
    assert people.holder("li.wei", former.record.tokens[0].id) is None, "a ticket of the former"


def test_a_revoked_token_stays_revoked_in_a_process_that_knew_it(
    people: People, redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    api = people_of(redis, objects, clock)
    assert api.by_token(token) is not None
    people.revoke("li.wei")
    assert api.by_token(token) is None


def test_a_token_expires(people: People, clock: ManualClock) -> None:
    ends_ns = clock.wall_ns() + 60 * NS_PER_S
    token = people.add("li.wei", Role.OPERATOR, expires_ns=ends_ns).token
    person = people.by_token(token)
    assert person is not None
    clock.advance(60)
    assert people.by_token(token) is None
    assert people.holder("li.wei", person.token) is None
    with pytest.raises(BadInput, match="future"):
        people.add_token("li.wei", "late", expires_ns=clock.wall_ns())


def test_the_number_of_tokens_is_limited(people: People) -> None:
    people.add("li.wei", Role.OPERATOR)
    for number in range(MOST_TOKENS - 1):
        people.add_token("li.wei", f"t{number}")
    with pytest.raises(BadInput, match="revoke one first"):
        people.add_token("li.wei", "more")


def test_a_change_of_role_and_rights_is_in_force_at_the_next_look_up(people: People) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    people.change("li.wei", grants=[Right.UNMASKED_VIEW])
    assert people.by_token(token) == Person(
        "li.wei", Role.OPERATOR, frozenset({Right.UNMASKED_VIEW})
    )
    people.change("li.wei", role=Role.AUDITOR, grants=[])
    assert people.by_token(token) == Person("li.wei", Role.AUDITOR)


def test_a_change_of_an_older_version_is_refused(people: People) -> None:
    version = people.add("li.wei", Role.OPERATOR).record.version
    people.change("li.wei", role=Role.AUDITOR)
    with pytest.raises(RecordChanged, match="changed in the meantime"):
        people.change("li.wei", role=Role.ADMIN, version=version)


def test_a_removed_person_has_no_token_and_the_name_can_be_used_again(people: People) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    people.remove("li.wei")
    assert people.by_token(token) is None
    assert people.list() == ()
    with pytest.raises(NotFound, match="no person"):
        people.get("li.wei")
    again = people.add("li.wei", Role.AUDITOR).token
    assert people.by_token(token) is None
    assert people.by_token(again) == Person("li.wei", Role.AUDITOR)


def test_all_are_restored_after_redis_was_emptied(people: People, redis: Redis) -> None:
    tokens = {role: people.add(f"p-{role}", role).token for role in Role}
    people.add("removed", Role.ADMIN)
    people.remove("removed")
    redis.do("FLUSHALL")
    assert people.by_token(tokens[Role.ADMIN]) is None
    assert people.index.restore() == len(tokens)
    assert {
        role: person.role for role, token in tokens.items() if (person := people.by_token(token))
    } == {role: role for role in Role}
    assert [record.name for record in people.list()] == sorted(f"p-{role}" for role in Role)
    assert all(people.index.is_restored(record) for record in people.index.records().records)


@pytest.mark.parametrize(
    "change", [{"role": "admin"}, {"grants": ["people_admin"]}, {"mac": ""}, {"mac": "00" * 32}]
)
def test_a_record_in_redis_with_a_wrong_hmac_grants_nothing(
    people: People,
    redis: Redis,
    objects: ObjectStore,
    clock: ManualClock,
    change: dict[str, object],
) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    forged = json.loads(_stored(redis, "li.wei")) | change
    redis.do("HSET", RECORDS, "li.wei", json.dumps(forged))
    before = PERSON_RECORDS_REFUSED._value.get()
    for process in (people, people_of(redis, objects, clock)):
        assert process.by_token(token) is None
        assert process.refused() == ("li.wei",)
        assert process.list() == ()
    assert PERSON_RECORDS_REFUSED._value.get() == before + 2


def test_a_record_in_the_object_store_with_a_wrong_hmac_grants_nothing(
    people: People, objects: ObjectStore
) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    forged = json.loads(objects.get(person_object("li.wei", 1)))
    forged |= {"role": "admin", "version": 2}
    objects.put(person_object("li.wei", 2), json.dumps(forged).encode(), "application/json")
    people.index.restore()
    assert people.by_token(token) is None
    assert people.refused() == ("li.wei",)
    with pytest.raises(DataLoss, match="not signed by this site"):
        people.add_token("li.wei", "more")


def test_a_token_of_another_person_in_redis_grants_nothing(people: People, redis: Redis) -> None:
    people.add("chief", Role.ADMIN)
    own = people.add("li.wei", Role.OPERATOR).token
    redis.do("HSET", TOKENS, _hash(own), "chief")
    assert people.by_token(own) is None
    redis.do("HSET", RECORDS, "li.wei", _stored(redis, "chief"))
    assert people.by_token(own) is None


def test_an_old_record_that_is_written_back_to_redis_grants_nothing(
    people: People, redis: Redis
) -> None:
    token = people.add("li.wei", Role.ADMIN).token
    assert people.by_token(token) is not None
    old = _stored(redis, "li.wei")
    people.revoke("li.wei")
    assert people.by_token(token) is None
    redis.do("HSET", RECORDS, "li.wei", old)
    assert people.by_token(token) is None
    assert people.refused() == ("li.wei",)


def test_an_old_record_under_a_higher_version_is_damaged(
    people: People, objects: ObjectStore
) -> None:
    token = people.add("li.wei", Role.ADMIN).token
    old = objects.get(person_object("li.wei", 1))
    people.revoke("li.wei")
    objects.put(person_object("li.wei", 3), old, "application/json")
    objects.put(person_object("wang.fang", 1), old, "application/json")
    assert people.index.restore() == 0
    assert people.by_token(token) is None
    damaged = people.index.records().damaged
    assert all("another person or version" in one.why for one in damaged)
    assert len(damaged) == 2


def test_a_record_of_version_1_is_read_and_valid_once_it_is_signed(
    people: People, objects: ObjectStore
) -> None:
    older = {
        "name": "li.wei",
        "role": "operator",
        "token_sha256": _hash("sl_older"),
        "added_at": "2026-11-24T13:55:04.000Z",
        "schema": 1,
    }
    objects.put(person_object("li.wei", 1), json.dumps(older).encode(), "application/json")
    assert people.index.restore() == 1
    assert people.by_token("sl_older") is None
    assert people.sign_older() == ("li.wei",)
    assert people.by_token("sl_older") == Person("li.wei", Role.OPERATOR)
    assert people.sign_older() == ()


def test_a_record_with_another_key_is_refused(people: People, objects: ObjectStore) -> None:
    record = people.add("li.wei", Role.OPERATOR).record
    foreign = signed(record.model_copy(update={"version": 2}), b"another key")
    assert not people.is_authentic(foreign)
    assert people.is_authentic(signed(foreign, PEOPLE_KEY))
    assert people.is_authentic(PersonRecord.model_validate_json(record.text()))


def test_a_damaged_record_grants_nothing_and_harms_no_other_person(
    people: People, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even by its older version: that may grant what was revoked."""
    damaged = people.add("li.wei", Role.OPERATOR).token
    well = people.add("wang.fang", Role.ADMIN).token
    objects.put(person_object("li.wei", 2), b"{", "application/json")
    assert people.index.restore() == 1
    assert people.by_token(damaged) is None
    assert people.by_token(well) == Person("wang.fang", Role.ADMIN)
    assert person_object("li.wei", 2) in caplog.text


class _WithoutWrites(Redis):
    """Redis that stops to respond between the record of a change and its own part of it."""

    def __init__(self, redis: Redis) -> None:
        self.__dict__.update(redis.__dict__)

    def do_all(self, commands: list[Command], atomic: bool = False) -> list[Reply]:  # type: ignore[override]
        if any(command[0] == "HSET" for command in commands):
            raise IndexUnavailable("Redis does not respond")
        return super().do_all(commands, atomic)


@pytest.mark.parametrize(
    "repeated",
    [
        lambda people: people.revoke("li.wei", "first"),
        lambda people: people.remove("li.wei"),
        lambda people: people.get("li.wei"),
    ],
)
def test_a_removal_that_redis_missed_is_in_force_once_it_is_repeated(
    people: People,
    redis: Redis,
    objects: ObjectStore,
    clock: ManualClock,
    repeated: Callable[[People], object],
) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    with pytest.raises(IndexUnavailable):
        people_of(_WithoutWrites(redis), objects, clock).remove("li.wei")
    with pytest.raises(NotFound):
        repeated(people)
    assert people.by_token(token) is None


def test_a_revocation_that_redis_missed_is_in_force_once_it_is_repeated(
    people: People, redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    with pytest.raises(IndexUnavailable):
        people_of(_WithoutWrites(redis), objects, clock).revoke("li.wei", "first")
    with pytest.raises(NotFound, match="no token"):
        people.revoke("li.wei", "first")
    assert people.by_token(token) is None


def test_a_forged_record_in_the_object_store_is_not_copied_to_redis(
    people: People, redis: Redis, objects: ObjectStore
) -> None:
    people.add("li.wei", Role.OPERATOR)
    valid = _stored(redis, "li.wei")
    forged = json.loads(objects.get(person_object("li.wei", 1))) | {"role": "admin", "version": 2}
    objects.put(person_object("li.wei", 2), json.dumps(forged).encode(), "application/json")
    assert people.get("li.wei").role is Role.ADMIN
    assert _stored(redis, "li.wei") == valid


class _Meanwhile(ObjectStore):
    """Lets something happen after the first object was read."""

    def __init__(self, objects: ObjectStore, action: Callable[[], object]) -> None:
        self.__dict__.update(objects.__dict__)
        self._actions = [action]

    def get(self, key: str, *limits: int) -> bytes:
        found = super().get(key, *limits)
        while self._actions:
            self._actions.pop()()
        return found

    def __del__(self) -> None:
        """The connections are those of the other store."""


def test_a_token_that_is_revoked_during_a_rebuild_stays_revoked(
    people: People, redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    token = people.add("li.wei", Role.OPERATOR).token
    meanwhile = _Meanwhile(objects, lambda: people.revoke("li.wei"))
    assert PeopleIndex(redis, meanwhile).restore() == 1
    assert people_of(redis, objects, clock).by_token(token) is None


def test_a_thread_that_read_an_older_record_does_not_make_it_valid_again(
    people: People, redis: Redis
) -> None:
    people.add("li.wei", Role.ADMIN)
    old = _stored(redis, "li.wei")
    people.revoke("li.wei")
    newer = _stored(redis, "li.wei")
    cache = VerifiedPeople(people.key)
    lock = cache._lock

    @contextmanager
    def after_another_thread() -> Iterator[None]:
        cache._lock = lock
        cache.read("li.wei", newer)
        yield

    cache._lock = after_another_thread()  # type: ignore[assignment]
    assert cache.read("li.wei", old) is not None, "it was in force when this thread read it"
    assert cache.read("li.wei", old) is None
    assert cache.read("li.wei", newer) is not None


def test_without_redis_no_name_is_used(objects: ObjectStore) -> None:
    away = connect("redis://127.0.0.1:1/0")
    with pytest.raises(IndexUnavailable):
        people_of(away, objects).add("li.wei", Role.OPERATOR)
    assert list(objects.list(PEOPLE_PREFIX)) == []
    away.close()
