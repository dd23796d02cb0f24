"""What a run of the archiver did, and how far the archive reaches."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from domain.errors import DataLoss, NotFound
from domain.events.event import Event
from domain.paths.object_keys import ARCHIVE_MOVED
from storage.clients.s3 import ObjectStore


@dataclass(slots=True)
class Moved:
    """What a run did."""

    events: int = 0
    """Moved from the index to the archive."""
    files: int = 0
    """Written."""
    removed: int = 0
    """Events taken from the archive, since they were too old."""
    stray: int = 0
    """Files deleted that no catalogue named."""


def moved_until_ms(objects: ObjectStore) -> int:
    """What began before this (UTC ms), and was in the index then, is in the archive; 0: not
    known.
    """
    try:
        return int(json.loads(objects.get(ARCHIVE_MOVED))["until_ms"])
    except NotFound:
        return 0
    except (ValueError, KeyError, TypeError) as error:
        raise DataLoss(
            f"{ARCHIVE_MOVED} cannot be read; delete it, and run `sightline index rebuild`: {error}"
        ) from error


def latest_of(events: Iterable[Event]) -> dict[str, Event]:
    """The latest version of each event, by id."""
    return {event.id: event for event in sorted(events, key=lambda event: event.version)}


def stands(there: Event, fresh: Event) -> bool:
    """Whether what the archive has need not be replaced: it is the same, or later."""
    return there == fresh or there.version > fresh.version


def fingerprint_of(events: Iterable[Event]) -> int:
    """Of a set of events, whatever their order; within this process."""
    found = 0
    for event in events:
        found ^= hash((event.id, event.to_json()))
    return found
