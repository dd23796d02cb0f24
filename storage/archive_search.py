"""Searches of the archive: the same queries as the index answers, over Parquet files, a stretch of days at a time.

SQL finds what may match; `matches` and the plate's own rule, which the index uses too, decide. A page that took its time ends where it came
to, with the place to go on after, which is then an id that no event need have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain.clock import NS_PER_MS, Clock
from domain.errors import DataLoss
from domain.events import Event
from domain.misreadings import Tie, misread, other_provinces
from domain.plates import is_wildcard
from domain.query import EventPage, EventQuery
from domain.ulid import id_parts, id_text
from storage.archive_catalogue import ArchiveFile, Catalogue, Day
from storage.archive_files import ArchiveCache
from storage.archive_rows import TYPES, event_of
from storage.duck_door import Duck, Value
from storage.index_search import Sought, matches

DAY_MS = 86_400_000
FILES_AT_ONCE = 12
"""Whole days are looked at together until they have so many files."""
ROWS_LEAST = 64
_COLUMNS = ", ".join(TYPES)
_ID = list(TYPES).index("id")
_BY_ID = f"SELECT {_COLUMNS} FROM read_parquet(?) WHERE id = ?"  # noqa: S608
_BY_IDS = f"SELECT {_COLUMNS} FROM read_parquet(?) WHERE id IN (SELECT unnest(?::VARCHAR[]))"  # noqa: S608
_BY_CAMERA = f"SELECT {_COLUMNS} FROM read_parquet(?) WHERE camera = ?"  # noqa: S608
_LEAST_TAIL, _GREATEST_TAIL = bytes(10), b"\xff" * 10
_END_MS = 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Terms:
    """What a search asks for: the condition that a row may match, the texts one of which a file must hold, and who decides."""

    where: str
    values: tuple[Value, ...]
    texts: tuple[str, ...] | None
    takes: Callable[[Event], bool]

    @classmethod
    def of(cls, query: EventQuery, tie: Tie | None) -> Terms | None:
        """None where nothing can match."""
        if query.plate is None:
            return cls(*_restricted(query), None, lambda event: matches(event, query))
        sought = Sought.by_pattern(query.plate) if tie is None else Sought.by_tie(query.plate, tie)
        if sought is None:
            return None
        takes = sought.takes
        where, values = _restricted(query)
        if is_wildcard(query.plate):
            return cls(
                f"{where} AND (plate LIKE ? OR regexp_matches(others, ?))", (*values, like(query.plate), _among(query.plate)), None,
                lambda event: matches(event, query) and takes(event),
            )  # fmt: skip
        texts = _texts(query.plate, tie)
        plates = "(list_contains(?::VARCHAR[], plate) OR (others IS NOT NULL AND list_has_any(string_split(others, ' '), ?::VARCHAR[])))"
        return cls(
            f"{where} AND {plates}", (*values, list(texts), list(texts)), texts, lambda event: matches(event, query) and takes(event)
        )


def like(pattern: str) -> str:
    """A pattern of ours as SQL's LIKE has it."""
    return pattern.replace("?", "_").replace("*", "%")


def _among(pattern: str) -> str:
    """An expression that finds a text that matches a pattern among texts with spaces between."""
    return f"(^| ){re.escape(pattern).replace(re.escape('?'), '[^ ]').replace(re.escape('*'), '[^ ]*')}( |$)"


def _texts(plate: str, tie: Tie | None) -> tuple[str, ...]:
    return misread(plate) if tie is Tie.MISREADING else other_provinces(plate) if tie is Tie.PROVINCE else (plate,)


def _restricted(query: EventQuery) -> tuple[str, tuple[Value, ...]]:
    """Conditions on columns, each as strict as the query's own or less so."""
    parts: list[tuple[str, Value]] = []
    for column, value in (("kind", query.kind), ("camera", query.camera), ("class", query.class_), ("color", query.color)):
        if value is not None:
            parts.append((f"{column} = ?", str(value)))
    if query.min_confidence is not None:
        parts.append(("confidence >= ?", query.min_confidence))
    return " AND ".join(["TRUE", *(part for part, _ in parts)]), tuple(value for _, value in parts)


class ArchiveSearch:
    def __init__(self, catalogue: Catalogue, cache: ArchiveCache, duck: Duck, clock: Clock) -> None:
        self._catalogue = catalogue
        self._cache = cache
        self._duck = duck
        self._clock = clock

    def page(self, query: EventQuery, tie: Tie | None, limit: int, after: str | None, until_s: float | None) -> EventPage:
        """At most `limit` events after the id `after`; one look is made at least, and none begins after `until_s` (monotonic)."""
        terms = Terms.of(query, tie)
        if terms is None:
            return EventPage((), None)
        least_ms, greatest_ms = span_of(query, after)
        found: list[Event] = []
        reached = after
        looks = self.looks(query, terms, least_ms, greatest_ms)
        for number, (files, bound) in enumerate(looks):
            if number and until_s is not None and self._clock.monotonic_s() >= until_s:
                return EventPage(tuple(found), reached)
            found += self._look(files, query, terms, limit + 1 - len(found), after)
            if len(found) > limit:
                return EventPage(tuple(found[:limit]), found[limit - 1].id)
            reached = bound
        return EventPage(tuple(found), None)

    def looks(self, query: EventQuery, terms: Terms, least_ms: int, greatest_ms: int) -> Iterator[tuple[list[ArchiveFile], str]]:
        """Files to look at together, in the order asked for, and the id that all of theirs come before."""
        newest = query.order == "newest"
        files: list[ArchiveFile] = []
        for day in self._days(least_ms, greatest_ms, newest):
            more = day.candidates(query, terms.texts, least_ms, greatest_ms)
            if not more:
                continue
            files += more
            if len(files) >= FILES_AT_ONCE:
                yield files, _bound(day.day, newest)
                files = []
        if files:
            yield files, _bound(files[-1].day, newest)

    def _days(self, least_ms: int, greatest_ms: int, newest: bool) -> list[Day]:
        first, last = day_of_ms(least_ms), day_of_ms(greatest_ms)
        days = self._catalogue.days()
        for name, why in self._catalogue.damaged.items():
            if first <= name <= last:
                raise DataLoss(f"{why}; run `sightline index rebuild`")
        return [days[name] for name in sorted(days, reverse=newest) if first <= name <= last]

    def _look(self, files: Sequence[ArchiveFile], query: EventQuery, terms: Terms, want: int, after: str | None) -> list[Event]:
        """The first `want` events of these files that match, after the id `after`."""
        found: list[Event] = []
        most = max(ROWS_LEAST, want)
        with self._cache.held(files) as paths:
            while len(found) < want:
                rows = self._rows(paths, query, terms, after, most)
                found += [event for row in rows if terms.takes(event := event_of(row))]
                if len(rows) < most:
                    break
                after = str(rows[-1][_ID])
                most *= 4
        return found[:want]

    def _rows(self, paths: Sequence[Path], query: EventQuery, terms: Terms, after: str | None, most: int) -> list[tuple[object, ...]]:
        sign, order = ("<", "DESC") if query.order == "newest" else (">", "ASC")
        sql = f"SELECT {_COLUMNS} FROM read_parquet(?) WHERE {terms.where} AND start_ms BETWEEN ? AND ?"  # noqa: S608
        values: list[Value] = [[str(path) for path in paths], *terms.values, *span_of(query, after)]
        if after is not None:
            sql, values = f"{sql} AND id {sign} ?", [*values, after]
        return self._duck.rows(f"{sql} ORDER BY id {order} LIMIT {most}", values)

    def of_file(self, file: ArchiveFile, ids: Sequence[str]) -> list[Event]:
        """The events of a file that have one of these ids."""
        with self._cache.held([file]) as (path,):
            return [event_of(row) for row in self._duck.rows(_BY_IDS, [[str(path)], list(ids)])]

    def get_all(self, ids: Sequence[str]) -> dict[str, Event]:
        """The events of these ids that are there."""
        by_day: dict[str, list[str]] = {}
        for event_id in ids:
            by_day.setdefault(day_of_ms(id_parts(event_id)[0]), []).append(event_id)
        found: dict[str, Event] = {}
        for day, wanted in by_day.items():
            start_ms = day_start_ms(day)
            for file in (file for known in self._days(start_ms, start_ms, newest=True) for file in known.files):
                found |= {event.id: event for event in self.of_file(file, wanted)}
        return found

    def of_camera(self, day: str, camera: str) -> list[Event]:
        """The events of a camera on a day."""
        start_ms = day_start_ms(day)
        files = [file for found in self._days(start_ms, start_ms, newest=True) for file in found.files if camera in file.cameras]
        if not files:
            return []
        with self._cache.held(files) as paths:
            return [event_of(row) for row in self._duck.rows(_BY_CAMERA, [[str(path) for path in paths], camera])]

    def get(self, event_id: str) -> Event | None:
        """One event: files that are here are looked at first."""
        ms = id_parts(event_id)[0]
        files = [day.candidates(EventQuery(), None, ms, ms) for day in self._days(ms, ms, newest=True)]
        ordered = sorted((file for some in files for file in some), key=lambda file: not self._cache.has(file))
        for start in range(0, len(ordered), FILES_AT_ONCE):
            with self._cache.held(ordered[start : start + FILES_AT_ONCE]) as paths:
                rows = self._duck.rows(_BY_ID, [[str(path) for path in paths], event_id])
            if rows:
                return event_of(rows[0])
        return None


def span_of(query: EventQuery, after: str | None) -> tuple[int, int]:
    """Starts (UTC ms) that are still to be looked at, both ends included."""
    least = 0 if query.from_ns is None else max(0, -(-query.from_ns // NS_PER_MS))
    greatest = _END_MS if query.to_ns is None else min(_END_MS, -(-query.to_ns // NS_PER_MS) - 1)
    if after is not None:
        at = id_parts(after)[0]
        least, greatest = (least, min(greatest, at)) if query.order == "newest" else (max(least, at), greatest)
    return least, greatest


def day_of_ms(wall_ms: int) -> str:
    return f"{datetime.fromtimestamp(max(0, wall_ms) / 1000, UTC):%Y%m%d}"


def day_start_ms(day: str) -> int:
    return round(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1000)


def _bound(day: str, newest: bool) -> str:
    """The id beyond all ids of a day, in the order asked for."""
    start_ms = day_start_ms(day)
    return id_text(start_ms, _LEAST_TAIL) if newest else id_text(start_ms + DAY_MS - 1, _GREATEST_TAIL)
