"""A person of the provider is found by issuer and subject alone, and never takes a local record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.camera_scope import CameraScope
from domain.clock import ManualClock
from domain.errors import BadInput, DataLoss, Forbidden, NotFound
from domain.openid import ProviderIdentity
from domain.paths.object_keys import PEOPLE_PREFIX, person_object
from domain.people import Right, Role
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.openid.provider_people import ProviderPeople, new_name
from storage.site.people import People
from storage.site.people_index import IDENTITIES
from storage.site.person_records import identity_hash
from tests.people import people_of

ZHANG = ProviderIdentity(
    "https://id.example.cn",
    "7",
    "zhang.san",
    Role.INVESTIGATOR,
    (Right.AUDIT_READ,),
    CameraScope(areas=("b", "a")),
)


@pytest.fixture
def people(redis: Redis, objects: ObjectStore, clock: ManualClock) -> People:
    return people_of(redis, objects, clock)


@pytest.fixture
def provider_people(people: People, redis: Redis, clock: ManualClock) -> ProviderPeople:
    return ProviderPeople(people, redis, clock)


def test_the_first_sign_in_adds_a_record(people: People, provider_people: ProviderPeople) -> None:
    record = provider_people.admit(ZHANG)
    assert record.name == f"zhang.san-{identity_hash(ZHANG.issuer, '7')[:16]}"
    assert (record.role, record.grants) == (Role.INVESTIGATOR, (Right.AUDIT_READ,))
    assert (record.areas, record.tokens, record.version) == (("a", "b"), (), 1)
    assert record.identity is not None
    assert (record.identity.issuer, record.identity.subject) == (ZHANG.issuer, "7")
    assert people.is_authentic(people.get(record.name))


def test_the_same_claims_write_nothing(provider_people: ProviderPeople) -> None:
    first = provider_people.admit(ZHANG)
    assert provider_people.admit(ZHANG).version == first.version
    changed = provider_people.admit(replace(ZHANG, role=Role.OPERATOR, grants=()))
    assert (changed.name, changed.version) == (first.name, 2)
    assert (changed.role, changed.grants) == (Role.OPERATOR, ())


@pytest.mark.parametrize(
    "other",
    [replace(ZHANG, subject="8"), replace(ZHANG, issuer="https://id.example.org")],
)
def test_another_subject_or_issuer_is_another_person(
    provider_people: ProviderPeople, other: ProviderIdentity
) -> None:
    assert provider_people.admit(other).name != provider_people.admit(ZHANG).name


def test_issuer_and_subject_cannot_be_shifted_into_each_other() -> None:
    assert identity_hash("https://a", "bc") != identity_hash("https://ab", "c")


def test_a_local_person_is_never_taken_over(
    people: People, provider_people: ProviderPeople
) -> None:
    people.add("zhang.san", Role.ADMIN)
    assert provider_people.admit(ZHANG).name != "zhang.san"
    assert people.get("zhang.san").role is Role.ADMIN


def test_a_local_person_with_the_very_name_is_not_taken_over_either(
    people: People, provider_people: ProviderPeople
) -> None:
    people.add(new_name(ZHANG), Role.ADMIN)
    with pytest.raises(Forbidden, match="another person"):
        provider_people.admit(ZHANG)
    assert people.get(new_name(ZHANG)).role is Role.ADMIN


def test_a_removed_person_stays_out_until_restored(
    people: People, provider_people: ProviderPeople, redis: Redis
) -> None:
    name = provider_people.admit(ZHANG).name
    people.remove(name)
    for lost in (False, True):
        if lost:
            redis.do("DEL", IDENTITIES)
        with pytest.raises(Forbidden, match="sightline user restore"):
            provider_people.admit(replace(ZHANG, name="another name"))
    provider_people.restore(name)
    assert provider_people.admit(ZHANG).name == name
    with pytest.raises(NotFound):
        provider_people.restore(name)


def test_only_people_of_the_provider_are_restored(
    people: People, provider_people: ProviderPeople
) -> None:
    people.add("li.wei", Role.OPERATOR)
    people.remove("li.wei")
    with pytest.raises(BadInput, match="sightline user add"):
        provider_people.restore("li.wei")


def test_a_forged_index_leads_to_no_other_record(
    people: People, provider_people: ProviderPeople, redis: Redis
) -> None:
    people.add("chief", Role.ADMIN)
    own = provider_people.admit(ZHANG).name
    redis.do("HSET", IDENTITIES, identity_hash(ZHANG.issuer, "7"), "chief")
    assert provider_people.admit(ZHANG).name == own


def test_a_forged_record_is_not_used(
    people: People, provider_people: ProviderPeople, objects: ObjectStore
) -> None:
    record = provider_people.admit(ZHANG)
    forged = record.model_copy(update={"role": Role.ADMIN, "version": 2})
    objects.put(person_object(record.name, 2), forged.text().encode(), "application/json")
    with pytest.raises(DataLoss, match="not signed"):
        provider_people.admit(ZHANG)


def test_a_person_of_the_provider_gets_no_token(
    people: People, provider_people: ProviderPeople
) -> None:
    with pytest.raises(BadInput, match="signs in with the identity provider"):
        people.add_token(provider_people.admit(ZHANG).name, "script")


def test_the_index_of_identities_is_restored(
    people: People, provider_people: ProviderPeople, redis: Redis, objects: ObjectStore
) -> None:
    record = provider_people.admit(ZHANG)
    redis.do("FLUSHALL")
    people.index.restore()
    assert people.index.is_restored(record)
    listed = [found.key for found in objects.list(PEOPLE_PREFIX)]
    assert provider_people.name_of(ZHANG.issuer, "7") == record.name
    assert len(listed) == 1
    redis.do("DEL", IDENTITIES)
    assert not people.index.is_restored(record)


@pytest.mark.parametrize(
    ("name", "readable"),
    [("张三", "person"), ("", "person"), ("../x y", "x-y"), ("a" * 99, "a" * 40), ("-.", "person")],
)
def test_the_name_of_a_record_is_readable_where_possible(name: str, readable: str) -> None:
    ending = identity_hash(ZHANG.issuer, "7")[:16]
    assert new_name(replace(ZHANG, name=name)) == f"{readable}-{ending}"
