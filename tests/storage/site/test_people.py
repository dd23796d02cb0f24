"""People and tokens: the record in the object store stands, Redis follows it."""

from __future__ import annotations

import pytest

from domain.clock import ManualClock
from domain.errors import BadInput, IndexUnavailable
from domain.paths.object_keys import PEOPLE_PREFIX, person_object
from domain.people import Person, Role
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.site.people import People


@pytest.fixture
def people(redis: Redis, objects: ObjectStore, clock: ManualClock) -> People:
    return People(redis, objects, clock)


def test_a_token_names_its_person(people: People) -> None:
    token = people.add("li.wei", Role.OPERATOR)
    assert token.startswith("sl_")
    assert len(token) > 40
    assert people.by_token(token) == Person("li.wei", Role.OPERATOR)
    assert people.by_token(token + "x") is None
    assert people.by_token("") is None


def test_a_token_is_stored_nowhere(people: People, redis: Redis, objects: ObjectStore) -> None:
    token = people.add("li.wei", Role.OPERATOR)
    stored = (
        b"".join(objects.get(found.key) for found in objects.list(""))
        + repr(redis.do("HGETALL", "{people}:by_token")).encode()
    )
    assert token.encode() not in stored
    assert b"token_sha256" in stored


def test_a_name_is_taken_once(people: People) -> None:
    token = people.add("li.wei", Role.OPERATOR)
    with pytest.raises(BadInput, match="taken"):
        people.add("li.wei", Role.ADMIN)
    assert people.by_token(token) == Person("li.wei", Role.OPERATOR)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", ".hidden", "x" * 65, "名"])
def test_a_name_that_is_none_is_refused(people: People, name: str) -> None:
    with pytest.raises(BadInput, match="not a name"):
        people.add(name, Role.OPERATOR)


def test_all_come_back_after_redis_was_emptied(people: People, redis: Redis) -> None:
    tokens = {role: people.add(f"p-{role}", role) for role in Role}
    redis.do("FLUSHALL")
    assert people.by_token(tokens[Role.ADMIN]) is None
    assert people.restore() == len(tokens)
    assert {
        role: person.role for role, token in tokens.items() if (person := people.by_token(token))
    } == {role: role for role in Role}
    assert [person.name for person in people.list()] == sorted(f"p-{role}" for role in Role)


def test_the_highest_version_stands(people: People, objects: ObjectStore) -> None:
    token = people.add("li.wei", Role.OPERATOR)
    first = objects.get(person_object("li.wei", 1))
    objects.put(
        person_object("li.wei", 2), first.replace(b"operator", b"auditor"), "application/json"
    )
    people.restore()
    assert people.by_token(token) == Person("li.wei", Role.AUDITOR)


def test_a_damaged_record_grants_nothing_and_affects_no_other_person(
    people: People, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even by its older version: that may grant what was taken back."""
    damaged, well = people.add("li.wei", Role.OPERATOR), people.add("wang.fang", Role.ADMIN)
    objects.put(person_object("li.wei", 2), b"{", "application/json")
    assert people.restore() == 1
    assert (people.by_token(damaged), people.by_token(well)) == (
        None,
        Person("wang.fang", Role.ADMIN),
    )
    assert person_object("li.wei", 2) in caplog.text


def test_without_redis_no_name_is_taken(objects: ObjectStore) -> None:
    client = connect("redis://127.0.0.1:1/0")
    with pytest.raises(IndexUnavailable):
        People(client, objects).add("li.wei", Role.OPERATOR)
    assert list(objects.list(PEOPLE_PREFIX)) == []
    client.close()
