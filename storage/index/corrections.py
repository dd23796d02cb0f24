"""The corrections of events in Redis, stored separately from the events. A writer of an event finds
its correction here, however old its own version is.

{corrections}:by_event is a hash of event id to the correction as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.events.event import Correction
from storage.clients.lua import load_script
from storage.clients.redis import Redis, maybe_texts

_BY_EVENT = "{corrections}:by_event"
_PUT = load_script("index", "put_correction")


class IndexCorrections:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def put(self, event_id: str, correction: Correction) -> None:
        """Store a correction unless a later one is stored."""
        self._redis.do(
            "EVAL", _PUT, 1, _BY_EVENT, event_id, correction.version, correction.model_dump_json()
        )

    def of(self, event_ids: Sequence[str]) -> dict[str, Correction]:
        """Return the corrections of those events that have one."""
        if not event_ids:
            return {}
        found = zip(
            event_ids, maybe_texts(self._redis.do("HMGET", _BY_EVENT, *event_ids)), strict=True
        )
        return {
            event_id: Correction.model_validate_json(text)
            for event_id, text in found
            if text is not None
        }

    def forget(self, event_id: str) -> None:
        self._redis.do("HDEL", _BY_EVENT, event_id)
