from __future__ import annotations

from storage.clients.interval_lock import IntervalLock
from storage.clients.redis import Redis


def test_one_node_has_the_turn_until_it_gives_it_back(redis: Redis) -> None:
    one, two = (
        IntervalLock(redis, "retention", "node-1", 3600),
        IntervalLock(redis, "retention", "node-2", 3600),
    )
    assert [one.acquire(), one.acquire(), two.acquire()] == [True, False, False]
    one.release()
    assert [two.acquire(), one.acquire()] == [True, False]
    assert IntervalLock(redis, "another", "node-1", 3600).acquire()


def test_a_turn_is_over_by_itself(redis: Redis) -> None:
    turn = IntervalLock(redis, "retention", "node-1", 3600)
    assert turn.acquire()
    seconds_left = redis.do("TTL", "{retention}:turn")
    assert isinstance(seconds_left, int)
    assert 3590 < seconds_left <= 3600
