"""Objects whose content differs from their SHA-256, for an alarm that lasts until they are whole
again.

`{damaged}:objects` is a sorted set of keys in the object store, each with the last time at which it
was found damaged (UTC ms).
"""

from __future__ import annotations

from domain.clock import MS_PER_DAY, NS_PER_MS, Clock
from storage.clients.redis import Redis, number, texts

_KEY = "{damaged}:objects"
STANDS_FOR_MS = 7 * MS_PER_DAY
"""After this time without a read, an object is no longer in the alarm: its event may be deleted."""
MOST = 1000


class DamagedObjects:
    """The damaged objects of the whole site. It is thread-safe, and raises IndexUnavailable if
    Redis is unreachable.
    """

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    def add(self, key: str) -> bool:
        """Record that an object is damaged; return whether that was unknown."""
        added = number(self._redis.do("ZADD", _KEY, self._clock.wall_ns() // NS_PER_MS, key)) == 1
        self._redis.do("ZREMRANGEBYRANK", _KEY, 0, -MOST - 1)
        return added

    def remove(self, key: str) -> None:
        """Record that an object was read and is whole."""
        self._redis.do("ZREM", _KEY, key)

    def all(self) -> list[str]:
        """Return the objects that were found damaged within the last week, the last found first."""
        least_ms = self._clock.wall_ns() // NS_PER_MS - STANDS_FOR_MS
        self._redis.do("ZREMRANGEBYSCORE", _KEY, "-inf", least_ms)
        return texts(self._redis.do("ZREVRANGE", _KEY, 0, -1))
