"""The index of events in Redis: written by keepers, asked by the API. It can always be rebuilt from the object store.

Every call raises IndexUnavailable where Redis is away. No answer needs an unbounded read: a search looks at no more than `SCAN_MOST` ids
a call, and where it had to stop, its page is short and says where to go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.errors import IndexUnavailable
from domain.events import Event
from domain.query import EventPage, EventQuery
from storage.index_layout import ALL, event_key, write_command
from storage.index_search import Search
from storage.redis_door import Redis, maybe_texts, number, texts

BATCH = 200
_TRIES = 20


def newer(new: Event, old: Event) -> bool:
    """Whether `new` may take the place of `old`: the passing went on, or its keeping did. A replay of an earlier state may not."""
    return _standing(new) >= _standing(old)


def _standing(event: Event) -> tuple[int, int]:
    return event.ended_at, 2 if event.clip_ready else 1 if event.clip_missing else 0


class EventIndex:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def put(self, event: Event) -> None:
        """Enter an event, or its newer version; an older one changes nothing. Atomic, idempotent."""
        self.put_all([event])

    def put_all(self, events: Sequence[Event]) -> None:
        """`put` for many, in few round trips. Each is atomic, all are not."""
        for start in range(0, len(events), BATCH):
            waiting = list({event.id: event for event in _oldest_version_first(events[start : start + BATCH])}.values())
            for _ in range(_TRIES):
                waiting = self._try_put(waiting)
                if not waiting:
                    break
            else:
                raise IndexUnavailable(f"event {waiting[0].id} is being written by others all the time; try again")

    def get(self, event_id: str) -> Event | None:
        return self._load([event_id])[0]

    def get_all(self, event_ids: Sequence[str]) -> list[Event | None]:
        """The events of these ids (few), None where there is none."""
        return self._load(event_ids)

    def query(self, query: EventQuery, limit: int, after: str | None = None) -> EventPage:
        """A page of at most `limit` events that match, in the order of their ids, going on after the id `after`.

        A page may be short, even empty, and have a `next`: the search stopped to stay bounded; ask on. `min_confidence` is
        that of the detection. A plate finds events read so; those that could not be read are found by their alternatives
        of `ALTERNATIVE_MIN_CONFIDENCE` and more.
        """
        return Search(self._redis, query, self._load).page(limit, after)

    def sightings(self, plate: str, from_ns: int | None, to_ns: int | None, limit: int) -> tuple[Event, ...]:
        """The events read as exactly this plate, oldest first, at most `limit`."""
        query = EventQuery(plate=plate, from_ns=from_ns, to_ns=to_ns, order="oldest")
        found: list[Event] = []
        after: str | None = None
        while len(found) < limit:
            page = self.query(query, limit, after)
            found += [event for event in page.events if event.plate is not None and event.plate.text == plate]
            after = page.next
            if after is None:
                break
        return tuple(found[:limit])

    def remove(self, event_id: str) -> None:
        """Forget an event; one that is not there is no fault."""
        for _ in range(_TRIES):
            seen = self._redis.do("GET", event_key(event_id))
            if seen is None:
                return
            old = Event.model_validate_json(str(seen))
            if number(self._redis.do(*write_command(event_id, str(seen), old, None))):
                return
        raise IndexUnavailable(f"event {event_id} is being written by others all the time; try again")

    def ids(self, after: str | None, limit: int) -> list[str]:
        """The next `limit` ids after `after`, oldest first: a walk through everything, a page at a time."""
        return texts(self._redis.do("ZRANGE", ALL, "-" if after is None else f"({after}", "+", "BYLEX", "LIMIT", 0, limit))

    def count(self) -> int:
        return number(self._redis.do("ZCARD", ALL))

    def _load(self, event_ids: Sequence[str]) -> list[Event | None]:
        if not event_ids:
            return []
        stored = maybe_texts(self._redis.do("MGET", *(event_key(event_id) for event_id in event_ids)))
        return [None if text is None else Event.model_validate_json(text) for text in stored]

    def _try_put(self, events: list[Event]) -> list[Event]:
        """Write each unless older than what is there; those that somebody else wrote meanwhile come back."""
        stored = maybe_texts(self._redis.do("MGET", *(event_key(event.id) for event in events)))
        writes = [(event, *_seen(text)) for event, text in zip(events, stored, strict=True)]
        writes = [(event, text, old) for event, text, old in writes if old is None or (newer(event, old) and event != old)]
        answers = self._redis.do_all([write_command(event.id, text, old, event) for event, text, old in writes])
        return [event for (event, _, _), done in zip(writes, answers, strict=True) if not done]


def _seen(text: str | None) -> tuple[str, Event | None]:
    return ("", None) if text is None else (text, Event.model_validate_json(text))


def _oldest_version_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=_standing)
