"""Objects that were found not to be what their SHA-256 says, for the alarm that stands until they
are.

{damaged}:objects      sorted set of keys in the object store, each with when it was last found so
(UTC ms)
"""

from __future__ import annotations

from domain.clock import MS_PER_DAY, NS_PER_MS, Clock
from storage.clients.redis import Redis, number, texts

_KEY = "{damaged}:objects"
STANDS_FOR_MS = 7 * MS_PER_DAY
"""An object that nobody has read for so long is no longer in the alarm: its event may be
deleted.
"""
MOST = 1000


class DamagedObjects:
    """Of the whole site; thread-safe. Every call raises IndexUnavailable where Redis is away."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    def add(self, key: str) -> bool:
        """Note that an object is damaged; whether that was not known."""
        added = number(self._redis.do("ZADD", _KEY, self._clock.wall_ns() // NS_PER_MS, key)) == 1
        self._redis.do("ZREMRANGEBYRANK", _KEY, 0, -MOST - 1)
        return added

    def remove(self, key: str) -> None:
        """An object was read and is whole."""
        self._redis.do("ZREM", _KEY, key)

    def all(self) -> list[str]:
        """Those found within the last week, the last found first."""
        least_ms = self._clock.wall_ns() // NS_PER_MS - STANDS_FOR_MS
        self._redis.do("ZREMRANGEBYSCORE", _KEY, "-inf", least_ms)
        return texts(self._redis.do("ZREVRANGE", _KEY, 0, -1))
