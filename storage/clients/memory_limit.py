"""Writes of a few bytes that Redis accepts although its memory is full (`maxmemory`). The jobs that
free memory need them.

Redis then refuses each command that may need memory, except in a script that has already deleted
something.
"""

from __future__ import annotations

from storage.clients.lua import load_script
from storage.clients.redis import Redis

_SET = load_script("clients", "set_small")
_SET_NEW = load_script("clients", "set_new_small")


def set_small(redis: Redis, key: str, value: str | int, seconds: int = 0) -> None:
    """Set a key. It expires after `seconds` if that is not 0. Raises IndexUnavailable."""
    redis.do("EVAL", _SET, 1, key, value, *(("EX", seconds) if seconds else ()))


def set_new_small(redis: Redis, key: str, value: str, seconds: int) -> bool:
    """Set a key for `seconds` unless it exists; return whether it was set. Raises
    IndexUnavailable.
    """
    return redis.do("EVAL", _SET_NEW, 1, key, value, seconds) == 1
