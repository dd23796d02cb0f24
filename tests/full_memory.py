"""A Redis whose memory is full, as its own limit says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storage.clients.redis import Redis


@contextmanager
def full_memory(redis: Redis) -> Iterator[None]:
    """Redis meanwhile refuses whatever may need more memory."""
    redis.do("CONFIG", "SET", "maxmemory", 1)
    try:
        yield
    finally:
        redis.do("CONFIG", "SET", "maxmemory", 0)
