"""A site-wide job that one node does once in an interval. Two concurrent runs must do no harm: this
is not a mutual exclusion.
"""

from __future__ import annotations

from storage.clients.memory_limit import set_new_small
from storage.clients.redis import Redis


class IntervalLock:
    """The key `{<job>}:turn` in Redis, which expires after the interval. Every call raises
    IndexUnavailable if Redis is unreachable.
    """

    def __init__(self, redis: Redis, job: str, node: str, every_s: int) -> None:
        self._redis = redis
        self._key = f"{{{job}}}:turn"
        self._node = node
        self._every_s = every_s

    def acquire(self) -> bool:
        """Return whether this node acquired the lock; then no node acquires it for `every_s`."""
        return set_new_small(self._redis, self._key, self._node, self._every_s)

    def release(self) -> None:
        """Release the lock because the job was not done; the next caller acquires it."""
        self._redis.do("DEL", self._key)
