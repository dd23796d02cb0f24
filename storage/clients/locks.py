"""A key in Redis that one holds at a time, by a token of his own. It lapses by itself where he
died; only he renews it or gives it back.
"""

from __future__ import annotations

import secrets

from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script

_RENEW = load_script("clients", "lock_renew")
_GIVE_BACK = load_script("clients", "lock_release")


class Lock:
    """Every call raises IndexUnavailable where Redis is away."""

    def __init__(self, redis: Redis, key: str, seconds: int) -> None:
        """`seconds`: how long it is held without being renewed."""
        self._redis = redis
        self._key = key
        self._seconds = seconds
        self._token = secrets.token_hex(8)

    def take(self) -> bool:
        """Whether it is ours now; not where anybody holds it, ourselves included."""
        return self._redis.do("SET", self._key, self._token, "NX", "EX", self._seconds) is not None

    def renew(self) -> bool:
        """Whether it is ours still, and for as long again."""
        return self._redis.run_all([Script(_RENEW, self._key, (self._token, self._seconds))]) == [1]

    def give_back(self) -> None:
        """Let others have it; nothing where it is theirs already."""
        self._redis.run_all([Script(_GIVE_BACK, self._key, (self._token,))])
