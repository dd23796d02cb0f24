"""What is in Redis after a test."""

from __future__ import annotations

from storage.clients.redis import Redis, texts


def stored_keys(redis: Redis) -> list[str]:
    """Return all keys. A test that expects none then names those that are left."""
    return sorted(texts(redis.do("KEYS", "*")))
