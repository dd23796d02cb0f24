"""A job of the whole site that one node does in so long, whichever comes first. Two at once
must do no harm: a turn is no lock.
"""

from __future__ import annotations

from storage.clients.redis import Redis


class IntervalLock:
    """`{<job>}:turn` in Redis, which forgets it when it is over. Every call raises
    IndexUnavailable where Redis is away.
    """

    def __init__(self, redis: Redis, job: str, node: str, every_s: int) -> None:
        self._redis = redis
        self._key = f"{{{job}}}:turn"
        self._node = node
        self._every_s = every_s

    def take(self) -> bool:
        """Whether it is ours now; then nobody's again for `every_s`."""
        return self._redis.do("SET", self._key, self._node, "NX", "EX", self._every_s) is not None

    def give_back(self) -> None:
        """The job was not done: whoever asks next does it."""
        self._redis.do("DEL", self._key)
