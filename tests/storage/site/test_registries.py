"""Applied registries: numbered without a double, announced, and restored from the object store."""

from __future__ import annotations

import pytest

from domain.errors import DataLoss, IndexUnavailable, NewerRecord
from domain.paths.object_keys import registry_object
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.site.registries import Registries


def test_versions_rise_and_are_announced(redis: Redis, objects: ObjectStore) -> None:
    registries = Registries(redis, objects)
    assert registries.newest() is None
    assert registries.announced() == 0
    assert [registries.add(text).version for text in ("a", "b", "b")] == [1, 2, 3]
    assert registries.adopt("b").version == 3
    assert registries.adopt("c").version == 4
    assert registries.announced() == 4
    newest = registries.newest()
    assert newest is not None
    assert (newest.version, newest.text) == (4, "c")


def test_numbers_rise_over_an_emptied_redis_and_are_announced_again(
    redis: Redis, objects: ObjectStore
) -> None:
    registries = Registries(redis, objects)
    registries.add("a")
    redis.do("FLUSHALL")
    assert registries.announced() == 0
    assert registries.restore() == 1
    assert registries.announced() == 1
    redis.do("FLUSHALL")
    assert registries.add("b").version == 2


def test_two_who_apply_at_once_get_two_numbers(redis: Redis, objects: ObjectStore) -> None:
    first, second = Registries(redis, objects), Registries(redis, _Late(objects))
    assert first.add("a").version == 1
    assert second.add("b").version == 2


class _Late(ObjectStore):
    """A store as one sees it who looked before the other wrote."""

    def __init__(self, other: ObjectStore) -> None:
        self.__dict__ |= other.__dict__

    def list(self, prefix: str):  # type: ignore[no-untyped-def]
        return iter(())


def test_what_is_damaged_or_not_announced_is_reported(redis: Redis, objects: ObjectStore) -> None:
    objects.put(registry_object(7), b"{", "application/json")
    with pytest.raises(DataLoss, match=r"0000000007.*sightline cameras apply"):
        Registries(redis, objects).newest()
    objects.delete(registry_object(7))
    dead = connect("redis://127.0.0.1:1/0")
    with pytest.raises(IndexUnavailable):
        Registries(dead, objects).add("a")
    assert Registries(redis, objects).newest() is None
    dead.close()


@pytest.mark.parametrize(
    "key", ["state/registry/zzz", "state/registry/a/b.json", "state/registry/7.json"]
)
def test_an_object_that_is_no_registry_is_in_nobodys_way(
    redis: Redis, objects: ObjectStore, key: str
) -> None:
    registries = Registries(redis, objects)
    registries.add("a")
    objects.put(key, b"junk", "text/plain")
    newest = registries.newest()
    assert newest is not None
    assert newest.text == "a"
    assert registries.add("b").version == 2
    assert registries.restore() == 2
    assert [one.key for one in registries.foreign()] == [key]


def test_a_damaged_registry_is_replaced_by_the_next(redis: Redis, objects: ObjectStore) -> None:
    registries = Registries(redis, objects)
    registries.add("a")
    objects.put(registry_object(2), b"{", "application/json")
    assert registries.adopt("c").version == 3
    newest = registries.newest()
    assert newest is not None
    assert newest.text == "c"


def test_a_registry_of_a_newer_version_is_not_replaced_at_start(
    redis: Redis, objects: ObjectStore
) -> None:
    registries = Registries(redis, objects)
    registries.add("a")
    record = objects.get(registry_object(1)).replace(b'"schema":1', b'"schema":2')
    objects.put(registry_object(2), record, "application/json")
    with pytest.raises(NewerRecord, match="upgrade"):
        registries.adopt("c")
    assert registries.newest_key() == registry_object(2)
