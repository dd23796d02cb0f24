"""A lock in Redis with an owner token. It expires if its owner died; only the owner renews or
releases it.
"""

from __future__ import annotations

import secrets

from storage.clients.lua import load_script
from storage.clients.memory_limit import set_new_small
from storage.clients.redis import Redis, Script

_RENEW = load_script("clients", "lock_renew")
_RELEASE = load_script("clients", "lock_release")


class Lock:
    """One lock. Every call raises IndexUnavailable if Redis is unreachable."""

    def __init__(self, redis: Redis, key: str, seconds: int) -> None:
        """Create the lock; it expires `seconds` after it was acquired or renewed."""
        self._redis = redis
        self._key = key
        self._seconds = seconds
        self._token = secrets.token_hex(8)

    def acquire(self) -> bool:
        """Return whether the lock was acquired; it is not if any owner holds it, this one
        included.
        """
        return set_new_small(self._redis, self._key, self._token, self._seconds)

    def renew(self) -> bool:
        """Renew the lock; return whether this owner still holds it."""
        return self._redis.run_all([Script(_RENEW, self._key, (self._token, self._seconds))]) == [1]

    def release(self) -> None:
        """Release the lock; nothing happens if another owner holds it."""
        self._redis.run_all([Script(_RELEASE, self._key, (self._token,))])
