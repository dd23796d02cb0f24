"""An emptied index and a replaced object store are recognised, and a new site is not taken for
one.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from domain.clock import ManualClock
from domain.errors import StoreError
from domain.messages.message import Message
from domain.paths.data_layout import Layout
from domain.paths.object_keys import PEOPLE_PREFIX, SITE_OBJECT
from domain.people import Person, Role
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.rebuild import rebuild
from storage.site.site_identity import FRESH_S, RecentSiteFaults, SiteFaults, SiteIdentity
from tests.buckets import remove_objects
from tests.people import people_of


@pytest.fixture
def identity(
    redis: Redis, objects: ObjectStore, layout: Layout, clock: ManualClock
) -> SiteIdentity:
    return SiteIdentity(redis, objects, layout.site, clock)


def _take_away(objects: ObjectStore) -> dict[str, bytes]:
    """Empty the store, as a folder that was taken away leaves it; what it held."""
    held = {found.key: objects.get(found.key) for found in list(objects.list(""))}
    for key in held:
        objects.delete(key)
    return held


def _put_back(objects: ObjectStore, held: dict[str, bytes]) -> None:
    for key in [found.key for found in list(objects.list("")) if found.key not in held]:
        objects.delete(key)
    for key, data in held.items():
        objects.put(key, data, "application/octet-stream")


def test_a_new_site_has_lost_nothing(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore
) -> None:
    for _ in range(2):
        assert identity.check() == SiteFaults()
        assert identity.settle() == SiteFaults()
    people_of(redis, objects).add("li.wei", Role.OPERATOR)
    assert identity.settle() == SiteFaults()


@pytest.mark.parametrize("is_settled", [True, False])
def test_an_index_that_was_emptied_without_anything_to_lose(
    identity: SiteIdentity, redis: Redis, is_settled: bool
) -> None:
    if is_settled:
        identity.settle()
    redis.do("FLUSHALL")
    assert identity.settle() == SiteFaults()


def test_a_site_of_an_older_version_gets_its_id(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore
) -> None:
    people_of(redis, objects).add("li.wei", Role.OPERATOR)
    assert identity.settle() == SiteFaults()
    redis.do("FLUSHALL")
    assert identity.settle().index is not None


def test_an_emptied_index_is_named_until_it_is_rebuilt(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore, layout: Layout
) -> None:
    people = people_of(redis, objects)
    token = people.add("li.wei", Role.OPERATOR).token
    identity.settle()
    redis.do("FLUSHALL")
    people.add("zhang.min", Role.ADMIN)
    faults = identity.settle()
    assert "sightline index rebuild" in (faults.index or "")
    assert faults.objects is None
    rebuild(objects, redis, layout)
    assert identity.check() == SiteFaults()
    assert people.by_token(token) == Person("li.wei", Role.OPERATOR)


def test_a_store_that_was_taken_away_is_named_until_it_is_back(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore, layout: Layout
) -> None:
    people = people_of(redis, objects)
    token = people.add("li.wei", Role.OPERATOR).token
    identity.settle()
    held = _take_away(objects)
    faults = identity.settle()
    assert SITE_OBJECT in (faults.objects or "")
    assert people.index.lost() == ("li.wei",)
    assert list(objects.list("")) == [], "nothing claims the new store"
    with pytest.raises(StoreError, match=r"nothing was changed.*--force"):
        rebuild(objects, redis, layout)
    assert people.by_token(token) is not None
    redis.do("FLUSHALL")
    assert identity.settle().objects is not None, "the data folder knows the id too"
    _put_back(objects, held)
    assert identity.check().objects is None
    rebuild(objects, redis, layout)
    assert identity.settle() == SiteFaults()
    assert people.by_token(token) is not None


def test_the_loss_of_a_store_can_be_accepted(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore, layout: Layout
) -> None:
    people = people_of(redis, objects)
    people.add("li.wei", Role.OPERATOR)
    identity.settle()
    _take_away(objects)
    assert rebuild(objects, redis, layout, force=True).people == 0
    assert identity.settle() == SiteFaults()
    assert people.list() == ()


def test_a_store_that_lost_all_people_removes_none_from_redis(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore, layout: Layout
) -> None:
    people = people_of(redis, objects)
    people.add("li.wei", Role.OPERATOR)
    identity.settle()
    remove_objects(objects, PEOPLE_PREFIX)
    with pytest.raises(StoreError, match="would remove them all"):
        rebuild(objects, redis, layout)
    assert [person.name for person in people.list()] == ["li.wei"]


@pytest.mark.parametrize("content", [b"{", b'{"id": "of another", "created_at": 1, "schema": 1}'])
def test_the_store_of_another_site(
    identity: SiteIdentity, objects: ObjectStore, content: bytes
) -> None:
    identity.settle()
    objects.put(SITE_OBJECT, content, "application/json")
    assert identity.settle().objects is not None


def test_redis_of_another_site(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore, layout: Layout
) -> None:
    identity.settle()
    redis.do("SET", "{site}:id", "of another")
    assert "another" in (identity.settle().index or "")
    rebuild(objects, redis, layout)
    assert identity.settle() == SiteFaults()


def test_a_second_node_adopts_the_id(
    identity: SiteIdentity, redis: Redis, objects: ObjectStore, layout: Layout, clock: ManualClock
) -> None:
    identity.settle()
    other_file = layout.root / "other" / "site.json"
    other = SiteIdentity(redis, objects, other_file, clock)
    assert other.settle() == SiteFaults()
    redis.do("FLUSHALL")
    _take_away(objects)
    assert other.settle().objects is not None


class CountedCommands:
    """Redis that counts what it is sent, by the command's name."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.sent: list[str] = []

    def do(self, *words: str | int | bytes) -> object:
        self.sent.append(str(words[0]))
        return self._redis.do(*words)


def test_what_is_asked_often_costs_one_look_in_five_seconds(
    redis: Redis, objects: ObjectStore, layout: Layout, clock: ManualClock
) -> None:
    people_of(redis, objects).add("li.wei", Role.OPERATOR)
    SiteIdentity(redis, objects, layout.site, clock).settle()
    counted = CountedCommands(redis)
    recent = RecentSiteFaults(
        SiteIdentity(counted, objects, layout.site, clock),  # type: ignore[arg-type]
        clock,
    )
    assert recent() == recent() == SiteFaults()
    redis.do("FLUSHALL")
    assert recent() == SiteFaults()
    assert counted.sent == ["GET"]
    clock.advance(FRESH_S)
    assert recent().index is not None
    assert set(counted.sent) == {"GET"}


def _names(faults: Iterable[str]) -> list[str]:
    return [sentence.split(":")[0] for sentence in faults]


def test_the_sentences_come_with_the_store_first() -> None:
    assert _names(SiteFaults(Message("index: b"), Message("objects: a")).sentences()) == [
        "objects",
        "index",
    ]
    assert SiteFaults().sentences() == ()
