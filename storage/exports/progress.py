"""The exports that wait to be read, in Redis: which there are, how far they are, which process
reads one.

`{recording_exports}:waiting` is a hash: an export's id, and the part of its time that was read,
from 0 to 1. `{recording_exports}:claim:<export>` is the lock of the process that reads it. Both are
derived: the records in the object store say what waits, so nothing is lost with Redis.
"""

from __future__ import annotations

from collections.abc import Sequence

from storage.clients.locks import Lock
from storage.clients.redis import Redis, text, texts

_WAITING = "{recording_exports}:waiting"
CLAIM_S = 120
"""A process that has died has lost its claim after this time."""


class ExportProgress:
    """The progress of all exports. Every call raises IndexUnavailable if Redis is unreachable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, export_ids: Sequence[str]) -> None:
        """Let exports be read. The progress of one that is there already stays."""
        self._redis.do_all([("HSETNX", _WAITING, one, "0") for one in export_ids])

    def waiting(self) -> list[str]:
        """Return the ids of the exports that wait, the oldest first."""
        return sorted(texts(self._redis.do("HKEYS", _WAITING)))

    def of(self, export_id: str) -> float | None:
        """Return the part that was read, from 0 to 1; None if the export does not wait."""
        found = text(self._redis.do("HGET", _WAITING, export_id))
        return None if found is None else float(found)

    def update(self, export_id: str, part: float) -> None:
        """Set the part that was read, from 0 to 1."""
        self._redis.do("HSET", _WAITING, export_id, f"{part:.4f}")

    def remove(self, export_id: str) -> None:
        """End the reading of an export."""
        self._redis.do("HDEL", _WAITING, export_id)

    def claim(self, export_id: str) -> Lock:
        """Return the lock under which one process reads an export."""
        return Lock(self._redis, f"{{recording_exports}}:claim:{export_id}", CLAIM_S)
