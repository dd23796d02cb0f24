"""Which passings of a camera are known already, and whether a passing found in the recording is one
of them.

Live analysis may have found it in other frames, so neither its id nor its times need be the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from analytics.passings.vehicles import CLEARLY_APART, SAME_PASSING_NS, characters_apart, same_plate
from domain.camera_scope import ALL_CAMERAS
from domain.clock import NS_PER_MS
from domain.events.event import Event
from domain.events.query import EventQuery
from storage.events.spool import Spool
from storage.events.store import EventStore

SLACK_NS = 500 * NS_PER_MS
"""Two parts of one passing that are at most this far apart overlap."""
SAME_MOMENT_NS = 300 * NS_PER_MS
LONGEST_NS = 90_000 * NS_PER_MS
"""No event is longer: a stay is published after a minute."""
PAGE = 500


class KnownPassings:
    """The events of a node's cameras: in its spool, in the index and in the archive."""

    def __init__(self, spool: Spool, events: EventStore) -> None:
        self._spool = spool
        self._events = events

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> list[Event]:
        """Return the events that may overlap the range. Raises StoreError."""
        # An event is in the index before it leaves the spool, so the spool is read first.
        entries = self._spool.pending([camera_id])
        found = [event for entry in entries if (event := self._spool.event(entry)) is not None]
        found += self._spool_drafts(camera_id)
        query = EventQuery(
            camera=camera_id, from_ns=from_ns - LONGEST_NS, to_ns=to_ns + 1, order="oldest"
        )
        after: str | None = None
        while True:
            page = self._events.query(query, ALL_CAMERAS, PAGE, after, None)
            found += page.events
            after = page.next
            if after is None:
                return found

    def _spool_drafts(self, camera_id: str) -> list[Event]:
        return [passing.event for passing in self._spool.drafts(camera_id)]


def is_known(event: Event, known: Sequence[Event]) -> bool:
    """Return whether `event` shows a passing that is one of `known`."""
    return any(is_same_passing(event, other) for other in known)


def is_same_passing(event: Event, other: Event) -> bool:
    """Return whether two events of one camera may show one passing. In doubt they do: no passing is
    published twice.
    """
    if event.kind != other.kind:
        return False
    apart_ns = max(event.started_at, other.started_at) - min(event.ended_at, other.ended_at)
    if apart_ns > SLACK_NS:
        return (
            apart_ns <= SAME_PASSING_NS
            and event.plate is not None
            and other.plate is not None
            and same_plate(event.plate, other.plate)
        )
    texts = [one.plate.text for one in (event, other) if one.plate is not None and one.plate.text]
    if len(texts) == 2:
        return characters_apart(*texts) < CLEARLY_APART
    return not _are_elsewhere(event, other)


def _are_elsewhere(event: Event, other: Event) -> bool:
    """Return whether both were in different places at about the same moment."""
    if abs(event.best_at - other.best_at) > SAME_MOMENT_NS:
        return False
    a, b = event.box, other.box
    apart = math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
    return apart > max(a[2] - a[0], b[2] - b[0])
