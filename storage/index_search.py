"""One search of the event index: the sets to walk, the sets to be in, the plate to match, and a page of what matches.

Ids come from the sources in order and in chunks: the postings of the plates that match where those are few, else the smallest set among
the filters. Each chunk is narrowed in Redis' sorted sets, then by the plate, then by the event itself. All of it is plain commands, none
of them long, so that a wide search slows no keeper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.clock import NS_PER_MS
from domain.events import Event
from domain.plates import is_wildcard
from domain.query import EventPage, EventQuery
from domain.ulid import first_id_at
from storage.index_layout import ALL, PLATES, PLATES_REVERSED, READ, area_key, camera_key, class_key, found_by, kind_key, plate_key
from storage.redis_door import Command, Redis, maybe_texts, number, texts

CHUNK = 256
CHUNK_LEAST = 16
LOAD = 64
SCAN_MOST = 20_000
DICTIONARY_MOST = 10_000
PLATES_MOST = 500
_LONGEST_PLATE = 16

Load = Callable[[Sequence[str]], list[Event | None]]


def plate_expression(pattern: str) -> re.Pattern[str] | None:
    """What `pattern` (`?` one character, `*` any) matches in whole; None where it is longer than any plate."""
    if sum(character != "*" for character in pattern) > _LONGEST_PLATE:
        return None
    # Each run of wildcards becomes its count of `?` and at most one `*`: no pattern then takes long, whatever was typed.
    parts = re.split(r"([?*]+)", pattern)
    return re.compile("".join(_run(part) if part[:1] in ("?", "*") else re.escape(part) for part in parts), re.DOTALL)


def _run(wildcards: str) -> str:
    return "." * wildcards.count("?") + (".*" if "*" in wildcards else "")


def matches(event: Event, query: EventQuery, expression: re.Pattern[str] | None = None) -> bool:
    """Whether an event is what a query asks for: the meaning of a query, in one place. Sets only make it quick."""
    return (
        (query.kind is None or event.kind == query.kind)
        and (query.from_ns is None or event.started_at >= query.from_ns)
        and (query.to_ns is None or event.started_at < query.to_ns)
        and (query.camera is None or event.camera == query.camera)
        and (query.area is None or event.area == query.area or event.area.startswith(query.area + "/"))
        and (query.class_ is None or event.class_ == query.class_)
        and (query.min_confidence is None or event.confidence >= query.min_confidence)
        and (query.color is None or (event.plate is not None and event.plate.color == query.color))
        and (query.plate is None or _plate_matches(found_by(event), expression or plate_expression(query.plate)))
    )


def _plate_matches(readings: Sequence[str], expression: re.Pattern[str] | None) -> bool:
    return expression is not None and any(expression.fullmatch(reading) for reading in readings)


@dataclass(frozen=True, slots=True)
class _Range:
    """Ids from `low` to `high` as ZRANGE BYLEX writes them, in the order asked for."""

    low: str
    high: str
    newest_first: bool

    def command(self, key: str, limit: int) -> Command:
        ends = (self.high, self.low, "BYLEX", "REV") if self.newest_first else (self.low, self.high, "BYLEX")
        return ("ZRANGE", key, *ends, "LIMIT", 0, limit)

    def after(self, event_id: str) -> _Range:
        if self.newest_first:
            return _Range(self.low, f"({event_id}", True)
        return _Range(f"({event_id}", self.high, False)


class Search:
    """One page's worth of work; made for each call."""

    def __init__(self, redis: Redis, query: EventQuery, load: Load) -> None:
        self._redis = redis
        self._query = query
        self._load = load
        self._expression = None if query.plate is None else plate_expression(query.plate)

    def page(self, limit: int, after: str | None) -> EventPage:
        """At most `limit` events after the id `after`; `next` is the last id looked at, or None once all were."""
        if self._is_empty():
            return EventPage((), None)
        span = _span(self._query)
        if after is not None:
            span = span.after(after)
        plan = self._plan(span)
        return EventPage((), None) if plan is None else self._walk(plan, span, limit)

    def _is_empty(self) -> bool:
        return self._query.plate is not None and self._expression is None

    def _plan(self, span: _Range) -> _Plan | None:
        filters = self._filter_keys()
        plates = self._plates()
        if plates is not None:
            return _Plan([plate_key(plate) for plate in plates], filters, by_plate=False) if plates else None
        candidates = filters or [ALL]
        counts = [number(n) for n in self._redis.do_all([("ZLEXCOUNT", key, span.low, span.high) for key in candidates])]
        source = candidates[counts.index(min(counts))]
        return _Plan([source], [key for key in filters if key != source], by_plate=self._expression is not None)

    def _filter_keys(self) -> list[str]:
        query = self._query
        keys = [
            query.kind and kind_key(query.kind),
            query.camera and camera_key(query.camera),
            query.area and area_key(query.area),
            query.class_ and class_key(query.class_),
        ]
        return [key for key in keys if key]

    def _plates(self) -> list[str] | None:
        """All posted plates that the pattern matches; None where they are too many, or not to be found by beginning or end."""
        pattern, expression = self._query.plate, self._expression
        if pattern is None or expression is None:
            return None
        if not is_wildcard(pattern):
            return [pattern]
        named = self._dictionary_range(pattern)
        if named is None:
            return None
        key, low, high = named
        found = texts(self._redis.do("ZRANGE", key, low, high, "BYLEX", "LIMIT", 0, DICTIONARY_MOST))
        plates = [plate[::-1] if key == PLATES_REVERSED else plate for plate in found]
        matching = [plate for plate in plates if expression.fullmatch(plate)]
        return None if len(found) == DICTIONARY_MOST or len(matching) > PLATES_MOST else matching

    def _dictionary_range(self, pattern: str) -> tuple[str, str, str] | None:
        """Where the plates with the pattern's known beginning, or its known end, stand: the fewer of the two, None where both are many."""
        parts = re.split(r"[?*]", pattern)
        known = [(PLATES, parts[0]), (PLATES_REVERSED, parts[-1][::-1])]
        # U+10FFFF is the last character there is, so such a range is what begins with the text.
        ranges = [(key, f"[{text}", f"({text}\U0010ffff") for key, text in known if text]
        counts = [number(count) for count in self._redis.do_all([("ZLEXCOUNT", *where) for where in ranges])]
        fewest = min(counts, default=DICTIONARY_MOST)
        return ranges[counts.index(fewest)] if fewest < DICTIONARY_MOST else None

    def _walk(self, plan: _Plan, span: _Range, limit: int) -> EventPage:
        chunk = max(CHUNK // len(plan.sources), CHUNK_LEAST)
        found: list[Event] = []
        scanned = 0
        while True:
            ids = self._next_ids(plan.sources, span, chunk)
            scanned += chunk * len(plan.sources)
            found += self._matching(plan, ids, limit + 1 - len(found))
            if len(found) > limit:
                return EventPage(tuple(found[:limit]), found[limit - 1].id)
            if len(ids) < chunk:
                return EventPage(tuple(found), None)
            if scanned >= SCAN_MOST:
                return EventPage(tuple(found), ids[-1])
            span = span.after(ids[-1])

    def _next_ids(self, sources: list[str], span: _Range, chunk: int) -> list[str]:
        """The next ids of the union of the sources: the first `chunk` of each hold the first `chunk` of all."""
        answers = self._redis.do_all([span.command(key, chunk) for key in sources])
        ids = {event_id for answer in answers for event_id in texts(answer)}
        return sorted(ids, reverse=span.newest_first)[:chunk]

    def _matching(self, plan: _Plan, ids: list[str], most: int) -> list[Event]:
        """The first `most` events of `ids` that match."""
        kept = self._narrowed(plan, ids)
        found: list[Event] = []
        for start in range(0, len(kept), LOAD):
            loaded = self._load(kept[start : start + LOAD])
            found += [event for event in loaded if event is not None and matches(event, self._query, self._expression)]
            if len(found) >= most:
                break
        return found[:most]

    def _narrowed(self, plan: _Plan, ids: list[str]) -> list[str]:
        """Those of `ids` that every other set holds, and whose readings match where the sources do not see to that."""
        if not ids:
            return []
        commands: list[Command] = [("ZMSCORE", key, *ids) for key in plan.others]
        if plan.by_plate:
            commands.append(("HMGET", READ, *ids))
        columns = [maybe_texts(answer) for answer in self._redis.do_all(commands)]
        readings = columns.pop() if plan.by_plate else [None] * len(ids)
        return [
            event_id
            for i, event_id in enumerate(ids)
            if all(column[i] is not None for column in columns)
            and (not plan.by_plate or _plate_matches((readings[i] or "").split("\n"), self._expression))
        ]


@dataclass(frozen=True, slots=True)
class _Plan:
    sources: list[str]
    others: list[str]
    by_plate: bool


def _span(query: EventQuery) -> _Range:
    low = "-" if query.from_ns is None else f"[{first_id_at(_ceil_ms(query.from_ns))}"
    high = "+" if query.to_ns is None else f"({first_id_at(_ceil_ms(query.to_ns))}"
    return _Range(low, high, query.order == "newest")


def _ceil_ms(wall_ns: int) -> int:
    """Events start at whole milliseconds: the first that can be at or after `wall_ns`."""
    return -(-wall_ns // NS_PER_MS) * NS_PER_MS
