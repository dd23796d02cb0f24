"""Vehicle watches: versioned records in the object store; those that stand are in Redis too, for who matches them."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from pydantic import ValidationError

from domain.clock import Clock
from domain.errors import BadInput, DataLoss, NotFound
from domain.keys import WATCHES_PREFIX, watch_object
from domain.watches import Ended, Watch
from storage.redis_door import Redis, number, text, texts
from storage.s3 import ObjectStore

_log = logging.getLogger(__name__)
_ACTIVE, _VERSION, _POSITION = "{watches}:active", "{watches}:version", "{watches}:position"
MOST_WATCHES = 10_000


class Watches:
    """Thread-safe. Raises StoreError where a store is away."""

    def __init__(self, redis: Redis, objects: ObjectStore, clock: Clock) -> None:
        self._redis = redis
        self._objects = objects
        self._clock = clock

    def place(self, watch: Watch) -> None:
        """Keep a new watch: every passing that is indexed from now on is asked of it."""
        if number(self._redis.do("HLEN", _ACTIVE)) >= MOST_WATCHES:
            raise BadInput(f"{MOST_WATCHES} watches stand already; end some that nobody needs")
        self._put(watch, 1)
        self._redis.do_all([("HSET", _ACTIVE, watch.id, _json(watch)), _changed()], atomic=True)

    def end(self, watch_id: str, ended: Ended, person: str) -> Watch:
        """End a watch; the record says why, by whom and when. One that has ended stays as it is. Raises NotFound."""
        key = self._newest_key(watch_id)
        watch = self._read(key)
        if watch.ended is Ended.NO:
            watch = watch.model_copy(update={"ended": ended, "ended_by": person, "ended_at": self._clock.wall_ns()})
            self._put(watch, int(Path(key).stem) + 1)
        self._redis.do_all([("HDEL", _ACTIVE, watch_id), _changed()], atomic=True)
        return watch

    def get(self, watch_id: str) -> Watch:
        """A watch, ended ones too. Raises NotFound."""
        return self._read(self._newest_key(watch_id))

    def standing(self) -> tuple[Watch, ...]:
        """Those that were not ended, the newest first; of some the time may be over. At most `MOST_WATCHES`."""
        watches = (Watch.model_validate_json(found) for found in texts(self._redis.do("HVALS", _ACTIVE)))
        return tuple(sorted(watches, key=lambda watch: watch.placed_at, reverse=True))

    def ended(self) -> tuple[Watch, ...]:
        """Those that ended, the newest first."""
        watches = (watch for watch in self.records()[0] if watch.ended is not Ended.NO)
        return tuple(sorted(watches, key=lambda watch: watch.placed_at, reverse=True))

    def version(self) -> str | None:
        """It changes with every change; None where Redis knows nothing of watches: then `restore`."""
        return text(self._redis.do("GET", _VERSION))

    def restore(self) -> int:
        """Make Redis what the object store says; how many stand. What was indexed meanwhile is matched again, by time."""
        records, damaged = self.records()
        for key in damaged:
            _log.error("%s is not the record of a watch; it finds nothing", key)
        standing = [watch for watch in records if watch.ended is Ended.NO]
        entered = [("HSET", _ACTIVE, watch.id, _json(watch)) for watch in standing]
        self._redis.do_all([("DEL", _ACTIVE, _POSITION), *entered, _changed()], atomic=True)
        return len(standing)

    def records(self) -> tuple[tuple[Watch, ...], tuple[str, ...]]:
        """The newest record of each watch, and the keys of those that cannot be read."""
        newest: dict[str, str] = {}
        for found in self._objects.list(WATCHES_PREFIX):
            folder = found.key.rpartition("/")[0]
            newest[folder] = max(found.key, newest.get(folder, ""))
        watches: list[Watch] = []
        damaged: list[str] = []
        for key in newest.values():
            try:
                watches.append(self._read(key))
            except DataLoss:
                damaged.append(key)
        return tuple(watches), tuple(damaged)

    def _newest_key(self, watch_id: str) -> str:
        keys = [found.key for found in self._objects.list(f"{WATCHES_PREFIX}{watch_id}/")]
        if not keys:
            raise NotFound(f"there is no watch {watch_id!r}; GET /v1/watches lists those that stand")
        return max(keys)

    def _read(self, key: str) -> Watch:
        try:
            return Watch.model_validate_json(self._objects.get(key))
        except ValidationError as error:
            raise DataLoss(f"{key} is no watch: {error.error_count()} faults") from error

    def _put(self, watch: Watch, version: int) -> None:
        self._objects.put(watch_object(watch.id, version), _json(watch).encode(), "application/json")


def _changed() -> tuple[str, str, str]:
    # Drawn, not counted: a count would begin again over an emptied Redis, and could be one that was seen before.
    return ("SET", _VERSION, secrets.token_hex(8))


def _json(watch: Watch) -> str:
    return watch.model_dump_json(by_alias=True)
