"""The result of a run of the archiver, and the time up to which events are archived."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from domain.clock import MS_PER_DAY
from domain.errors import DataLoss, NotFound
from domain.events.event import Event
from domain.paths.object_keys import ARCHIVE_MOVED
from storage.clients.memory_limit import set_small
from storage.clients.redis import Redis, text
from storage.clients.s3 import ObjectStore

_log = logging.getLogger(__name__)
MOVED_KEY = "{archive}:moved"


@dataclass(slots=True)
class Moved:
    """What a run did."""

    events: int = 0
    """Events that were moved from the index to the archive."""
    files: int = 0
    """Files that were written."""
    removed: int = 0
    """Events that were deleted from the archive because they were too old."""
    stray: int = 0
    """Files that were deleted because no catalogue named them."""


def moved_until_ms(objects: ObjectStore) -> int:
    """Return the time (UTC ms) before which every event that the index had is archived; 0 if it is
    unknown.
    """
    try:
        return int(json.loads(objects.get(ARCHIVE_MOVED))["until_ms"])
    except NotFound:
        return 0
    except (ValueError, KeyError, TypeError) as error:
        raise DataLoss(
            "{archive_moved} cannot be read; delete it, and run `sightline index rebuild`: {error}",
            archive_moved=ARCHIVE_MOVED,
            error=error,
        ) from error


def record_moved_until(objects: ObjectStore, redis: Redis, before_ms: int) -> None:
    """Record up to when a rebuild need not read journals.

    Nothing is recorded if Redis was emptied: until a rebuild, the index may lack events that
    should have been moved.
    """
    stored, known = moved_until_ms(objects), text(redis.do("GET", MOVED_KEY))
    if stored and known != str(stored):
        _log.warning(
            "the index was emptied and is not rebuilt, so what the archive lacks is not known; "
            "run `sightline index rebuild`"
        )
        return
    until_ms = max(stored, before_ms - before_ms % MS_PER_DAY)
    objects.put(ARCHIVE_MOVED, json.dumps({"until_ms": until_ms}).encode(), "application/json")
    set_small(redis, MOVED_KEY, until_ms)


def latest_of(events: Iterable[Event]) -> dict[str, Event]:
    """Return the latest version of each event, by id."""
    return {event.id: event for event in sorted(events, key=lambda event: event.version)}


def is_current(there: Event, fresh: Event) -> bool:
    """Return whether the archived version is the same or later, so that it stays."""
    return there == fresh or there.version > fresh.version


def fingerprint_of(events: Iterable[Event]) -> int:
    """Return a fingerprint of a set of events in any order; it is valid within this process."""
    found = 0
    for event in events:
        found ^= hash((event.id, event.to_json()))
    return found
