"""Only its owner renews or releases a lock."""

from __future__ import annotations

from storage.clients.locks import Lock
from storage.clients.redis import Redis

KEY = "{job}:lock"


def test_only_its_holder_renews_it_or_gives_it_back(redis: Redis) -> None:
    ours, theirs = Lock(redis, KEY, 60), Lock(redis, KEY, 60)
    assert ours.acquire()
    assert (theirs.acquire(), ours.acquire(), theirs.renew()) == (False, False, False)
    theirs.release()
    assert ours.renew()
    ours.release()
    assert (ours.renew(), theirs.acquire()) == (False, True)


def test_it_lapses_and_is_held_longer_when_renewed(redis: Redis) -> None:
    lock = Lock(redis, KEY, 60)
    lock.acquire()
    redis.do("EXPIRE", KEY, 5)
    assert redis.do("TTL", KEY) == 5
    lock.renew()
    assert redis.do("TTL", KEY) in (59, 60)
