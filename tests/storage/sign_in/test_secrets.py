"""Passwords in the records of people: encrypted, authentic, and unknown to older versions."""

from __future__ import annotations

import json

import pytest

from domain.clock import ManualClock
from domain.errors import DataLoss, NotFound
from domain.paths.object_keys import person_object
from domain.people import Person, Role
from storage.clients.redis import Redis, text
from storage.clients.s3 import ObjectStore
from storage.sign_in.secrets import SignInSecrets
from storage.site.people import People
from storage.site.person_records import PersonRecord, signed
from storage.site.record_macs import record_mac
from tests.people import PEOPLE_KEY, people_of

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA"
RECORDS = "{people}:records"


@pytest.fixture
def people(redis: Redis, objects: ObjectStore, clock: ManualClock) -> People:
    return people_of(redis, objects, clock)


@pytest.fixture
def secrets(people: People, clock: ManualClock) -> SignInSecrets:
    people.add("li.wei", Role.OPERATOR)
    return SignInSecrets(people, clock)


def test_a_password_is_stored_and_replaced(people: People, secrets: SignInSecrets) -> None:
    assert secrets.password_hash(people.present("li.wei")) is None
    assert secrets.password_hash(None) is None
    written = secrets.set_password("li.wei", HASH)
    assert secrets.password_hash(people.present("li.wei")) == HASH
    assert written.session_generation == 1
    again = secrets.set_password("li.wei", HASH + "x")
    assert (secrets.password_hash(again), again.session_generation) == (HASH + "x", 2)
    with pytest.raises(NotFound):
        secrets.set_password("nobody", HASH)


def test_neither_store_shows_the_hash(
    secrets: SignInSecrets, redis: Redis, objects: ObjectStore
) -> None:
    secrets.set_password("li.wei", HASH)
    stored = str(redis.do("HGETALL", RECORDS))
    stored += repr([objects.get(found.key) for found in objects.list("")])
    assert "encrypted_hash" in stored
    assert "argon2" not in stored


def test_a_hash_of_another_person_is_no_password(
    people: People, secrets: SignInSecrets, objects: ObjectStore, clock: ManualClock
) -> None:
    """Also when the record is authentic: the encryption names the person."""
    own = secrets.set_password("li.wei", HASH)
    chief = people.add("chief", Role.ADMIN).record
    copied = signed(chief.model_copy(update={"password": own.password}), PEOPLE_KEY)
    with pytest.raises(DataLoss, match="chief cannot be decrypted"):
        secrets.password_hash(copied)
    forged = json.loads(copied.text()) | {"version": 2}
    objects.put(person_object("chief", 2), json.dumps(forged).encode(), "application/json")
    with pytest.raises(DataLoss, match="not signed by this site"):
        secrets.set_password("chief", HASH)


def test_a_rehash_keeps_sessions_and_gives_way_to_a_new_password(
    people: People, secrets: SignInSecrets
) -> None:
    older = secrets.set_password("li.wei", HASH)
    secrets.rehash_password(older, HASH + "stronger")
    newest = people.get("li.wei")
    assert secrets.password_hash(newest) == HASH + "stronger"
    assert newest.session_generation == older.session_generation
    secrets.rehash_password(older, HASH + "late")
    assert secrets.password_hash(people.get("li.wei")) == HASH + "stronger"


def test_a_removed_person_has_no_password_under_the_same_name(
    people: People, secrets: SignInSecrets
) -> None:
    secrets.set_password("li.wei", HASH)
    people.remove("li.wei")
    assert secrets.password_hash(people.present("li.wei")) is None
    people.add("li.wei", Role.OPERATOR)
    assert secrets.password_hash(people.present("li.wei")) is None


def test_a_record_without_the_new_fields_is_read_with_its_hmac(
    people: People, secrets: SignInSecrets, redis: Redis, clock: ManualClock
) -> None:
    """An older version wrote it; its HMAC covers the fields that it had."""
    record = people.get("li.wei")
    older = {
        name: value
        for name, value in json.loads(record.text()).items()
        if name not in ("password", "session_generation", "mac")
    }
    mac = record_mac(PersonRecord.model_validate(older), PEOPLE_KEY, b"sightline person\n")
    redis.do("HSET", RECORDS, "li.wei", json.dumps({**older, "mac": mac}))
    assert people.present("li.wei") is not None
    assert secrets.set_password("li.wei", HASH).session_generation == 1


def test_a_token_still_works_after_a_password_was_set(
    people: People, secrets: SignInSecrets, redis: Redis
) -> None:
    token = people.add("wang.fang", Role.AUDITOR).token
    secrets.set_password("wang.fang", HASH)
    assert people.by_token(token) == Person("wang.fang", Role.AUDITOR)
    assert text(redis.do("HGET", RECORDS, "wang.fang")) == people.get("wang.fang").text()
