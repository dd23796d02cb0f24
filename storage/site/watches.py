"""Vehicle watches: versioned records in the object store. The active ones are also in Redis, for
the process that matches them.
"""

from __future__ import annotations

import logging
import secrets

from domain.clock import Clock
from domain.errors import BadInput, NotFound, RecordChanged, RecordConflict, RecordEnded
from domain.events.watches import Ended, Watch
from domain.paths.object_keys import WATCHES_PREFIX, watches_prefix
from storage.clients.readable_records import read_or_skip
from storage.clients.redis import Redis, number, text, texts
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing, Versioned, VersionedRecords

_log = logging.getLogger(__name__)
_ACTIVE, _VERSION, _POSITION = "{watches}:active", "{watches}:version", "{watches}:position"
MOST_WATCHES = 10_000
NO_WATCH = "there is no watch {watch}; GET /v1/watches lists those that stand"


class Watches:
    """The watches of a site. It is thread-safe, and raises StoreError if a store is unreachable."""

    def __init__(self, redis: Redis, objects: ObjectStore, clock: Clock) -> None:
        self._redis = redis
        self._records = VersionedRecords(objects, Watch)
        self._clock = clock

    def place(self, watch: Watch, is_repeated: bool = False) -> Watch:
        """Store a new watch and return it: every passing that is indexed from now on is compared
        with it.

        With `is_repeated`, an earlier try of the same request may have stored it under this id.
        """
        if number(self._redis.do("HLEN", _ACTIVE)) >= MOST_WATCHES:
            raise BadInput(
                "{most_watches} watches stand already; end some that are not needed",
                most_watches=MOST_WATCHES,
            )
        try:
            self._records.add(watches_prefix(watch.id), 1, watch)
        except RecordConflict:
            if not is_repeated:
                raise
            watch = self._newest(watch.id).record
        if watch.ended is Ended.NO:
            self._redis.do_all([("HSET", _ACTIVE, watch.id, _json(watch)), _changed()], atomic=True)
        return watch

    def end(
        self, watch_id: str, ended: Ended, person: str, expected_version: int | None = None
    ) -> Watch:
        """End a watch; the record says why, by whom and when. An ended watch stays as it is. Raises
        NotFound, RecordConflict, and RecordChanged if its version is not the expected one.

        An expiry ends only a watch whose time has passed: it may have been extended meanwhile.
        """
        newest = self._expected(watch_id, expected_version)
        if ended is Ended.EXPIRED and newest.record.is_active_at(self._clock.wall_ns()):
            return newest.record
        if newest.record.ended is Ended.NO:
            end = {"ended": ended, "ended_by": person, "ended_at": self._clock.wall_ns()}
            newest = self._write(newest, newest.record.model_copy(update=end))
        self.deactivate(watch_id)
        return newest.record

    def extend(
        self, watch_id: str, until: int, expected_version: int | None = None
    ) -> Versioned[Watch]:
        """Let an active watch end at another time. Raises NotFound, RecordConflict, RecordEnded,
        and RecordChanged if its version is not the expected one.
        """
        newest = self._expected(watch_id, expected_version)
        if not newest.record.is_active_at(self._clock.wall_ns()):
            raise RecordEnded("the watch {watch} has ended, so place a new one", watch=watch_id)
        if newest.record.until == until:
            return newest
        extended = self._write(newest, newest.record.model_copy(update={"until": until}))
        record = _json(extended.record)
        self._redis.do_all([("HSET", _ACTIVE, watch_id, record), _changed()], atomic=True)
        # It may have been ended since it was written, and would then be active again in Redis.
        if self._newest(watch_id).record.ended is not Ended.NO:
            self.deactivate(watch_id)
        return extended

    def _expected(self, watch_id: str, expected_version: int | None) -> Versioned[Watch]:
        newest = self._newest(watch_id)
        if expected_version not in (None, newest.version):
            raise RecordChanged(
                "the watch {watch} has version {version}, not {expected_version}; read it again",
                watch=watch_id,
                version=newest.version,
                expected_version=expected_version,
            )
        return newest

    def _write(self, newest: Versioned[Watch], changed: Watch) -> Versioned[Watch]:
        version = newest.version + 1
        self._records.add(watches_prefix(changed.id), version, changed)
        return Versioned(changed, version)

    def deactivate(self, watch_id: str) -> None:
        """Remove a watch from Redis, so that it is no longer matched; its record stays as it is."""
        self._redis.do_all([("HDEL", _ACTIVE, watch_id), _changed()], atomic=True)

    def get(self, watch_id: str) -> Watch:
        """Return a watch, active or ended. Raises NotFound."""
        return self._newest(watch_id).record

    def versioned(self, watch_id: str) -> Versioned[Watch]:
        """Return a watch with the number of its version. Raises NotFound."""
        return self._newest(watch_id)

    def active(self) -> tuple[Watch, ...]:
        """Return the watches that were not ended, the newest first; some may have expired. They are
        at most `MOST_WATCHES`.
        """
        found = (
            read_or_skip(Watch, one, "watches") for one in texts(self._redis.do("HVALS", _ACTIVE))
        )
        watches = (watch for watch in found if watch is not None)
        return tuple(sorted(watches, key=lambda watch: watch.placed_at, reverse=True))

    def ended(self) -> tuple[Watch, ...]:
        """Return the ended watches, the newest first."""
        watches = (watch for watch in self.records().records if watch.ended is not Ended.NO)
        return tuple(sorted(watches, key=lambda watch: watch.placed_at, reverse=True))

    def version(self) -> str | None:
        """Return a value that changes with every change; None if Redis has no watches, which
        `restore` repairs.
        """
        return text(self._redis.do("GET", _VERSION))

    def restore(self) -> int:
        """Write the watches of the object store to Redis; return how many are active. Events
        indexed since are matched again, by time.
        """
        listing = self.records()
        for damaged in listing.damaged:
            _log.error("%s; this watch finds nothing: place it again", damaged.why)
        active = [watch for watch in listing.records if watch.ended is Ended.NO]
        entered = [("HSET", _ACTIVE, watch.id, _json(watch)) for watch in active]
        self._redis.do_all([("DEL", _ACTIVE, _POSITION), *entered, _changed()], atomic=True)
        return len(active)

    def records(self) -> Listing[Watch]:
        """Return the newest record of each watch, and the unreadable ones."""
        return self._records.all(WATCHES_PREFIX)

    def _newest(self, watch_id: str) -> Versioned[Watch]:
        newest = self._records.newest(watches_prefix(watch_id))
        if newest is None:
            raise NotFound(NO_WATCH, watch=repr(watch_id))
        return newest


def _changed() -> tuple[str, str, str]:
    # Drawn, not counted: a count would begin again over an emptied Redis, and could be one that was
    # seen before.
    return ("SET", _VERSION, secrets.token_hex(8))


def _json(watch: Watch) -> str:
    return watch.model_dump_json(by_alias=True)
