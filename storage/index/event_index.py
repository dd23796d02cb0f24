"""The index of events in Redis: written by keepers, asked by the API. It can always be rebuilt from
the object store.

Every call raises IndexUnavailable where Redis is away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from domain.clock import MS_PER_HOUR, NS_PER_HOUR, NS_PER_MS
from domain.errors import IndexUnavailable
from domain.events.event import Correction, Event
from domain.events.misreadings import Tie
from domain.events.query import EventPage, EventQuery
from domain.ulid import id_parts, id_text, is_event_id
from storage.clients.redis import Redis
from storage.index.corrections import IndexCorrections
from storage.index.counts import Buckets, Histogram, histogram
from storage.index.fuzzy_search import search
from storage.index.impossible_legs import FoundLegs, ImpossibleLegs
from storage.index.plate_query import PlateQuery, is_likely
from storage.index.record import entry_of
from storage.index.search import Search, load
from storage.index.shards import Shards, shard_of

BATCH = 2048
_TRIES = 20


def standing(event: Event) -> tuple[int, int]:
    """What decides between two versions: the passing went on, or its keeping did. A replay of
    an earlier state replaces nothing.
    """
    return event.ended_at, 2 if event.clip_ready else 1 if event.clip_missing else 0


def _correction_of(event: Event) -> int:
    return 0 if event.corrected is None else event.corrected.version


class EventIndex:
    def __init__(self, redis: Redis) -> None:
        self._shards = Shards(redis)
        self._corrections = IndexCorrections(redis)
        self._impossible = ImpossibleLegs(redis, self._shards)

    def put(self, event: Event) -> None:
        """Enter an event, or its newer version; an older one changes nothing. Idempotent; done
        when it returns, and not before.
        """
        self.put_all([event])

    def put_all(self, events: Sequence[Event]) -> None:
        """`put` for many, in few round trips. Each shard's part is written whole.

        Whoever writes an event, however old what they know of it, writes its correction with it:
        corrections are looked up after the event is written, and one that comes later finds the
        event there.
        """
        for start in range(0, len(events), BATCH):
            latest = {
                event.id: event for event in sorted(events[start : start + BATCH], key=standing)
            }
            for event in latest.values():
                if event.corrected is not None:
                    self._corrections.put(event.id, event.corrected)
            waiting = list(latest.values())
            while waiting:
                self._write(waiting)
                waiting = self._corrected(waiting)

    def correct(self, event_id: str, correction: Correction) -> None:
        """Let an event have this correction unless it has a later one, also where the event
        comes only later.
        """
        self._corrections.put(event_id, correction)
        event = self.get(event_id)
        if event is not None:
            self.put(event)
            self._impossible.forget(event_id)

    def corrections(self, event_ids: Sequence[str]) -> dict[str, Correction]:
        """The corrections of those that have one, whether the index has the events or not."""
        return self._corrections.of(event_ids)

    def _corrected(self, events: Sequence[Event]) -> list[Event]:
        """Those that have a later correction than these say, with it."""
        known = self._corrections.of([event.id for event in events])
        pairs = [(event, known[event.id]) for event in events if event.id in known]
        return [
            event.model_copy(update={"corrected": there})
            for event, there in pairs
            if there.version > _correction_of(event)
        ]

    def _write(self, events: Sequence[Event]) -> None:
        """An event's new reading may belong in another shard than its old one: it is written first,
        then others give up what they have. Where two writers do so at once to one event, each may
        take the other's away; so whoever took something away writes again.
        """
        waiting = [(shard_of(entry), entry) for entry in map(entry_of, events)]
        for _ in range(_TRIES):
            changed = self._shards.put(waiting)
            evicted = self._shards.evict(waiting)
            self._impossible.forget_hours(changed | {entry.hour for _, entry in evicted.alone_now})
            for shard, entry in evicted.beaten:
                self._shards.remove([id_parts(entry.event.id)], [shard])
            waiting = evicted.alone_now
            if not waiting:
                return
        raise IndexUnavailable(
            f"event {waiting[0][1].event.id} is being written by others all the time; try again"
        )

    def get(self, event_id: str) -> Event | None:
        return self.get_all([event_id])[0]

    def get_all(self, event_ids: Sequence[str]) -> list[Event | None]:
        """The events of these ids (few), None where there is none."""
        known = [event_id for event_id in event_ids if is_event_id(event_id)]
        rows = self._shards.get([id_parts(event_id) for event_id in known]) if known else []
        events: dict[str, Event] = {}
        for event in load(self._shards, [row for found in rows for row in found]):
            if event is not None and (
                event.id not in events or standing(event) > standing(events[event.id])
            ):
                events[event.id] = event
        return [events.get(event_id) for event_id in event_ids]

    def query(self, query: EventQuery, limit: int, after: str | None = None) -> EventPage:
        """A page of at most `limit` events that match, in the order of their ids, going on after
        the id `after`.

        `min_confidence` is that of the detection. A plate finds events read so; those that could
        not be read are found by their alternatives of `ALTERNATIVE_MIN_CONFIDENCE` and more.
        """
        return search(self._shards, query, limit, after)

    def tied(self, query: EventQuery, tie: Tie, limit: int, after: str | None) -> EventPage:
        """As `query`, of a fuzzy one, but only what is tied in this way; a place to go on is an
        id.
        """
        return Search(self._shards, query, PlateQuery.by_tie(query.plate or "", tie)).page(
            limit, after
        )

    def histogram(self, query: EventQuery, buckets: Buckets) -> Histogram:
        """How many events match in each bucket: counted, or from a sample where that would take
        long, which it says.
        """
        return histogram(self._shards, query, buckets)

    def likely(self, plate: str, from_ns: int, to_ns: int, limit: int) -> EventPage:
        """Events that may be of this plate though they were not read so (`misreadings.Tie`),
        oldest first; none that a person corrected.
        """
        sought = replace(PlateQuery.by_any_tie(plate), takes=lambda event: is_likely(event, plate))
        query = EventQuery(from_ns=from_ns, to_ns=to_ns, order="oldest")
        return Search(self._shards, query, sought).page(limit, None)

    def impossible(self, first_hour: int, last_hour: int) -> FoundLegs:
        """The legs that no vehicle could drive and that ended in these hours (since 1970, UTC),
        both included, the latest first.
        """
        return self._impossible.find(first_hour, last_hour)

    def remove(self, event_id: str) -> None:
        """Forget an event; one that is not there is no fault."""
        if is_event_id(event_id):
            self._corrections.forget(event_id)
            self._shards.remove([id_parts(event_id)])
            self._impossible.forget(event_id)

    def ids(self, after: str | None, limit: int) -> list[str]:
        """The next `limit` ids after `after`, oldest first: a walk through everything, a page
        at a time.
        """
        found: list[str] = []
        for rows in Search(self._shards, EventQuery(order="oldest"), None).rows(after):
            found += [id_text(*row.order) for row in rows]
            if len(found) >= limit:
                break
        return found[:limit]

    def ids_between(self, least_ms: int, greatest_ms: int, most: int) -> list[str] | None:
        """The ids of the events that began between these moments, both included; None where
        their hours have more than `most`.
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
        """The hours (since 1970, UTC) in which events began, oldest first."""
        return sorted(self._shards.hours())

    def hour(self, hour: int) -> Iterator[Event]:
        """The events that began in this hour, oldest first; read piece by piece, so that what
        changes meanwhile may be met or not.
        """
        start_ns = hour * NS_PER_HOUR
        query = EventQuery(from_ns=start_ns, to_ns=start_ns + NS_PER_HOUR, order="oldest")
        for rows in Search(self._shards, query, None).rows(None):
            yield from (
                event for event in load(self._shards, rows, is_whole=True) if event is not None
            )

    def expire(self, before_ns: int) -> int:
        """Forget the events of whole hours that ended at this moment or before: how many were
        forgotten.

        A call that was stopped half way is finished by the next. Each script is of a bounded
        length, and others are served in between.
        """
        total, more, end = 0, True, before_ns // NS_PER_HOUR
        hours = [hour for hour in self.hours() if hour < end]
        while more:
            gone, more = self._shards.expire(end)
            total += gone
        self._impossible.forget_hours(hours)
        return total

    def count(self) -> int:
        return self._shards.count()
