"""A value is accepted once, whichever process sees it first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from storage.clients.redis import Redis, number, texts
from storage.openid.single_use import SingleUse


def test_exactly_one_of_many_uses_is_the_first(redis: Redis) -> None:
    used = SingleUse(redis)
    with ThreadPoolExecutor(16) as threads:
        firsts = list(threads.map(lambda _: used.first("a state", "x", 60), range(64)))
    assert firsts.count(True) == 1


def test_purposes_and_values_are_apart_and_are_forgotten(redis: Redis) -> None:
    used = SingleUse(redis)
    assert used.first("a state", "x", 60)
    assert used.first("a state", "y", 60)
    assert used.first("a logout", "x", 60)
    assert not used.first("a state", "x", 60)
    keys = texts(redis.do("KEYS", "{sign_in}:used:*"))
    assert len(keys) == 3
    assert all(0 < number(redis.do("TTL", key)) <= 60 for key in keys)
    assert not any(key.endswith((":x", ":y")) for key in keys)
