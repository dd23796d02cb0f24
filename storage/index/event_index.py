"""The index of events in Redis. Event publishers write it, the API reads it, and it can always be
rebuilt from the object store.

Every call raises IndexUnavailable if Redis is unreachable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from domain.camera_scope import VisibleCameras
from domain.clock import MS_PER_HOUR, NS_PER_HOUR, NS_PER_MS
from domain.errors import IndexUnavailable
from domain.events.event import Correction, Event
from domain.events.misreadings import MatchKind
from domain.events.query import EventPage, EventQuery
from domain.ulid import id_parts, id_text, is_event_id
from storage.clients.redis import Redis
from storage.index.corrections import IndexCorrections
from storage.index.counts import Buckets, Histogram, histogram
from storage.index.fuzzy_search import search
from storage.index.impossible_legs import FoundLegs, ImpossibleLegs
from storage.index.plate_query import PlateQuery, is_likely
from storage.index.record import index_entry
from storage.index.search import Search, load
from storage.index.shards import Shards, shard_of

BATCH = 2048
_TRIES = 20


def _correction_of(event: Event) -> int:
    return 0 if event.corrected is None else event.corrected.version


class EventIndex:
    def __init__(self, redis: Redis) -> None:
        self._shards = Shards(redis)
        self._corrections = IndexCorrections(redis)
        self._impossible = ImpossibleLegs(redis, self._shards)

    def put(self, event: Event) -> None:
        """Store an event, or its newer version; an older version changes nothing.

        The call is idempotent, and complete when it returns.
        """
        self.put_all([event])

    def put_all(self, events: Sequence[Event]) -> None:
        """Store many events in few round trips; the part of each shard is written as a whole.

        Each event is written with its correction, however old the caller's version is. Corrections
        are read after the event is written, and a later correction finds the event in the index.
        """
        for start in range(0, len(events), BATCH):
            batch = sorted(events[start : start + BATCH], key=lambda event: event.version)
            latest = {event.id: event for event in batch}
            for event in batch:
                if event.corrected is not None:
                    self._corrections.put(event.id, event.corrected)
            waiting = list(latest.values())
            while waiting:
                self._write(waiting)
                waiting = self._corrected(waiting)

    def correct(self, event_id: str, correction: Correction) -> None:
        """Give the event this correction unless it has a later one. The event may arrive later."""
        self._corrections.put(event_id, correction)
        event = self.get(event_id)
        if event is not None:
            self.put(event)
            self._impossible.forget(event_id)

    def corrections(self, event_ids: Sequence[str]) -> dict[str, Correction]:
        """Return the corrections of these events, whether or not the index has the events."""
        return self._corrections.of(event_ids)

    def _corrected(self, events: Sequence[Event]) -> list[Event]:
        """Return the events that have a later correction than these versions, with it."""
        known = self._corrections.of([event.id for event in events])
        pairs = [(event, known[event.id]) for event in events if event.id in known]
        return [
            event.model_copy(update={"corrected": there})
            for event, there in pairs
            if there.version > _correction_of(event)
        ]

    def _write(self, events: Sequence[Event]) -> None:
        """Write the events, and remove older versions from other shards.

        A new reading may move an event to another shard. The new version is written first, and then
        the other shards remove theirs. Two concurrent writers may each remove the other's version,
        so a writer that removed something writes again.
        """
        waiting = [(shard_of(entry), entry) for entry in map(index_entry, events)]
        for _ in range(_TRIES):
            changed = self._shards.put(waiting)
            evicted = self._shards.evict(waiting)
            self._impossible.forget_hours(
                changed | {entry.hour for _, entry in evicted.removed_elsewhere}
            )
            self._shards.withdraw(evicted.superseded)
            waiting = evicted.removed_elsewhere
            if not waiting:
                return
        raise IndexUnavailable(
            "event {event} is being written by others all the time; try again",
            event=waiting[0][1].event.id,
        )

    def get(self, event_id: str) -> Event | None:
        return self.get_all([event_id])[0]

    def get_all(self, event_ids: Sequence[str]) -> list[Event | None]:
        """Return the events of these ids (few), and None for each unknown id."""
        known = [event_id for event_id in event_ids if is_event_id(event_id)]
        rows = self._shards.get([id_parts(event_id) for event_id in known]) if known else []
        events: dict[str, Event] = {}
        for event in load(self._shards, [row for found in rows for row in found]):
            if event is not None and (
                event.id not in events or event.version > events[event.id].version
            ):
                events[event.id] = event
        return [events.get(event_id) for event_id in event_ids]

    def query(self, query: EventQuery, limit: int, after: str | None = None) -> EventPage:
        """Return at most `limit` matching events after the id `after`, in the order of their ids.

        `min_confidence` refers to the detection. A plate finds events by their reading; an event
        whose plate was not read is found by alternatives of `ALTERNATIVE_MIN_CONFIDENCE` and more.
        """
        return search(self._shards, query, limit, after)

    def page_of_kind(
        self, query: EventQuery, kind: MatchKind, limit: int, after: str | None
    ) -> EventPage:
        """Return the events of a fuzzy query that match in this way, after the id `after`."""
        plate_query = PlateQuery.by_match_kind(query.plate or "", kind)
        return Search(self._shards, query, plate_query).page(limit, after)

    def histogram(self, query: EventQuery, buckets: Buckets) -> Histogram:
        """Return the number of matching events in each bucket. It is an estimate from a sample if
        an exact count would take long; the result says so.
        """
        return histogram(self._shards, query, buckets)

    def likely(
        self, plate: str, from_ns: int, to_ns: int, limit: int, visible: VisibleCameras
    ) -> EventPage:
        """Return events that may show this plate although they were read otherwise, oldest first.

        Events that a person corrected are left out.
        """
        plate_query = replace(
            PlateQuery.by_any_match(plate), accepts=lambda event: is_likely(event, plate)
        )
        query = EventQuery(from_ns=from_ns, to_ns=to_ns, order="oldest", visible=visible)
        return Search(self._shards, query, plate_query).page(limit, None)

    def impossible(self, first_hour: int, last_hour: int) -> FoundLegs:
        """Return the impossible legs that ended in these hours (since 1970, UTC), both included,
        the latest first.
        """
        return self._impossible.find(first_hour, last_hour)

    def remove(self, event_id: str) -> None:
        """Remove an event; an unknown id is no error."""
        if is_event_id(event_id):
            self._corrections.forget(event_id)
            self._shards.remove([id_parts(event_id)])
            self._impossible.forget(event_id)

    def ids(self, after: str | None, limit: int) -> list[str]:
        """Return the next `limit` ids after `after`, oldest first; this pages through the whole
        index.
        """
        found: list[str] = []
        for rows in Search(self._shards, EventQuery(order="oldest"), None).rows(after):
            found += [id_text(*row.order) for row in rows]
            if len(found) >= limit:
                break
        return found[:limit]

    def ids_between(self, least_ms: int, greatest_ms: int, most: int) -> list[str] | None:
        """Return the ids of events that began between these times, both included.

        Returns None if their hours have more than `most` events.
        """
        hours = self._shards.hour_counts(least_ms // MS_PER_HOUR, greatest_ms // MS_PER_HOUR)
        if sum(count.events for count in hours.values()) > most:
            return None
        query = EventQuery(
            from_ns=least_ms * NS_PER_MS, to_ns=(greatest_ms + 1) * NS_PER_MS, order="oldest"
        )
        return (
            [
                id_text(*row.order)
                for rows in Search(self._shards, query, None).rows(None)
                for row in rows
            ]
            if hours
            else []
        )

    def hours(self) -> list[int]:
        """Return the hours (since 1970, UTC) in which events began, oldest first."""
        return sorted(self._shards.hours())

    def hour(self, hour: int) -> Iterator[Event]:
        """Yield the events that began in this hour, oldest first.

        They are read piece by piece, so a concurrent change may or may not be included.
        """
        start_ns = hour * NS_PER_HOUR
        query = EventQuery(from_ns=start_ns, to_ns=start_ns + NS_PER_HOUR, order="oldest")
        for rows in Search(self._shards, query, None).rows(None):
            yield from (
                event for event in load(self._shards, rows, is_whole=True) if event is not None
            )

    def expire(self, before_ns: int, from_ns: int = 0) -> int:
        """Remove the events of whole hours that ended at or before `before_ns` and did not begin
        before `from_ns`, and return their number.

        The next call continues an interrupted one. Each script is of bounded length, so that other
        calls are served in between.
        """
        total, more, first, end = 0, True, -(-from_ns // NS_PER_HOUR), before_ns // NS_PER_HOUR
        hours = [hour for hour in self.hours() if first <= hour < end]
        while more:
            gone, more = self._shards.expire(first, end)
            total += gone
        self._impossible.forget_hours(hours)
        return total

    def count(self) -> int:
        return self._shards.count()
