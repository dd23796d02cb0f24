"""Searches of the archive: the same queries as the index answers, over the Parquet files of some
days at a time.

SQL finds the rows that may match; `matches` and the plate query, which the index uses too, decide.
A page that runs out of time ends where it is. Its cursor is then an id that need not be an event's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from domain.clock import MS_PER_DAY, NS_PER_MS, Clock
from domain.errors import DataLoss, NotFound
from domain.events.event import Event
from domain.events.misreadings import MatchKind
from domain.events.query import EventPage, EventQuery
from domain.paths.object_keys import day_of, day_start_ns
from domain.ulid import id_parts, id_text
from storage.archive.cache import ArchiveCache
from storage.archive.catalogue import Catalogue
from storage.archive.day import ArchiveFile, Day
from storage.archive.rows import TYPES, event_from_row, table
from storage.archive.sql_terms import Terms, Where
from storage.clients.duckdb import DuckDb, Value

_log = logging.getLogger(__name__)
T = TypeVar("T")
FILES_A_GROUP = 12
"""Whole days are read together until they have this number of files."""
DAYS_FIRST, DAYS_MOST = 8, 64
"""The first and the greatest number of days whose filters are fetched together."""
ROWS_LEAST = 64
_COLUMNS = ", ".join(TYPES)
_ID = list(TYPES).index("id")
_BY_IDS = "id IN (SELECT unnest(?::VARCHAR[]))"
_LEAST_TAIL, _GREATEST_TAIL = bytes(10), b"\xff" * 10
_END_MS = 253_402_300_799_999


class ArchiveSearch:
    def __init__(
        self, catalogue: Catalogue, cache: ArchiveCache, duck: DuckDb, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._cache = cache
        self._duck = duck
        self._clock = clock

    def page(
        self,
        query: EventQuery,
        kind: MatchKind | None,
        limit: int,
        after: str | None,
        until_s: float | None,
    ) -> EventPage:
        """Return at most `limit` events after the id `after`. One group of files is always read,
        and no other one after `until_s` (monotonic).
        """
        terms = Terms.of(query, kind)
        if terms is None:
            return EventPage((), None)
        return of_current_files(lambda: self._page_of_files(query, terms, limit, after, until_s))

    def _page_of_files(
        self,
        query: EventQuery,
        terms: Terms,
        limit: int,
        after: str | None,
        until_s: float | None,
    ) -> EventPage:
        least_ms, greatest_ms = span_of(query, after)
        found: list[Event] = []
        reached = after
        file_groups = self.file_groups(query, terms, least_ms, greatest_ms)
        for number, (files, bound) in enumerate(file_groups):
            if number and until_s is not None and self._clock.monotonic_s() >= until_s:
                return EventPage(tuple(found), reached)
            found += (
                self._matching(files, query, terms, limit + 1 - len(found), after) if files else []
            )
            if len(found) > limit:
                return EventPage(tuple(found[:limit]), found[limit - 1].id)
            reached = bound
        return EventPage(tuple(found), None)

    def file_groups(
        self, query: EventQuery, terms: Terms, least_ms: int, greatest_ms: int
    ) -> Iterator[tuple[list[ArchiveFile], str]]:
        """Yield groups of files in the order of the search, each with the id that is after all
        their events.

        A group is empty if filters had to be fetched, so that a caller with a time limit can stop
        there.
        """
        newest = query.order == "newest"
        files: list[ArchiveFile] = []
        for days in _growing_groups(self._days(least_ms, greatest_ms, newest)):
            if terms.texts is not None and any(
                self._catalogue.lacks(day, terms.texts) for day in days
            ):
                self._catalogue.fetch(days, terms.texts)
                yield files, _bound_before(days[0].day, newest)
                files = []
            for day in days:
                files += self._catalogue.candidates(day, query, terms.texts, least_ms, greatest_ms)
                if len(files) >= FILES_A_GROUP:
                    yield files, _bound(day.day, newest)
                    files = []
        if files:
            yield files, _bound(files[-1].day, newest)

    def _days(self, least_ms: int, greatest_ms: int, newest: bool) -> list[Day]:
        first, last = day_of_ms(least_ms), day_of_ms(greatest_ms)
        days = self._catalogue.days()
        for name, why in self._catalogue.damaged.items():
            if first <= name <= last:
                raise DataLoss(why)
        return [days[name] for name in sorted(days, reverse=newest) if first <= name <= last]

    def _matching(
        self,
        files: Sequence[ArchiveFile],
        query: EventQuery,
        terms: Terms,
        want: int,
        after: str | None,
    ) -> list[Event]:
        """Return the first `want` matching events of these files, after the id `after`."""

        def read(paths: Sequence[Path]) -> list[Event]:
            found: list[Event] = []
            most, last = max(ROWS_LEAST, want), after
            while len(found) < want:
                rows = self._duck.rows(*_page(files, paths, query, terms, last, most))
                found += [event for row in rows if terms.accepts(event := event_from_row(row))]
                if len(rows) < most:
                    break
                last = str(rows[-1][_ID])
                most *= 4
            return found[:want]

        return self._cache.read(files, terms.plate, read)

    def _events(self, files: Sequence[ArchiveFile], where: Where) -> list[Event]:
        """Return the events of these files that meet a condition."""
        if not files:
            return []
        with self._cache.held(files) as paths:
            return [
                event_from_row(row)
                for row in self._duck.rows(*selected(_COLUMNS, files, paths, [where]))
            ]

    def of_file(self, file: ArchiveFile, ids: Sequence[str]) -> list[Event]:
        """Return the events of a file that have one of these ids."""
        return self._events([file], (_BY_IDS, (list(ids),)))

    def get_all(self, ids: Sequence[str]) -> dict[str, Event]:
        """Return the events of these ids that are archived."""
        by_day: dict[str, list[str]] = {}
        for event_id in ids:
            by_day.setdefault(day_of_ms(id_parts(event_id)[0]), []).append(event_id)
        found: dict[str, Event] = {}
        for day, day_ids in by_day.items():
            start_ms = day_start_ms(day)
            for file in (
                file
                for known in self._days(start_ms, start_ms, newest=True)
                for file in known.files
            ):
                found |= {event.id: event for event in self.of_file(file, day_ids)}
        return found

    def of_camera(self, day: str, camera: str) -> list[Event]:
        """Return the events of a camera on a day."""
        start_ms = day_start_ms(day)
        files = [
            file
            for found in self._days(start_ms, start_ms, newest=True)
            for file in found.files
            if camera in file.cameras
        ]
        return self._events(files, ("camera = ?", (camera,)))

    def get(self, event_id: str) -> Event | None:
        """Return one event; files on this disk are read first."""
        return of_current_files(lambda: self._get(event_id))

    def _get(self, event_id: str) -> Event | None:
        ms = id_parts(event_id)[0]
        files = [
            self._catalogue.candidates(day, EventQuery(), None, ms, ms)
            for day in self._days(ms, ms, newest=True)
        ]
        ordered = sorted(
            (file for some in files for file in some), key=lambda file: not self._cache.has(file)
        )
        for start in range(0, len(ordered), FILES_A_GROUP):
            for event in self._events(
                ordered[start : start + FILES_A_GROUP], ("id = ?", (event_id,))
            ):
                return event
        return None


def of_current_files(read: Callable[[], T]) -> T:
    """Return the result of `read`. It is repeated if a file is missing, because a run of the
    archiver may have replaced it after its catalogue was read. Raises DataLoss if one is lost.
    """
    try:
        return read()
    except NotFound as error:
        _log.info("%s; the catalogue is read again", error)
    try:
        return read()
    except NotFound as error:
        raise DataLoss("{error}; run `sightline storage check`", error=error) from error


def _page(
    files: Sequence[ArchiveFile],
    paths: Sequence[Path],
    query: EventQuery,
    terms: Terms,
    after: str | None,
    most: int,
) -> tuple[str, list[Value]]:
    sign, order = ("<", "DESC") if query.order == "newest" else (">", "ASC")
    more, bounds = (
        "start_ms BETWEEN ? AND ?",
        (*span_of(query, after), *(() if after is None else (after,))),
    )
    more += "" if after is None else f" AND id {sign} ?"
    sql, values = selected(
        _COLUMNS,
        files,
        paths,
        [(f"{where} AND {more}", (*asked, *bounds)) for where, asked in terms.wheres],
    )
    return f"SELECT * FROM ({sql}) ORDER BY id {order} LIMIT {most}", values


def selected(
    columns: str, files: Sequence[ArchiveFile], paths: Sequence[Path], wheres: Sequence[Where]
) -> tuple[str, list[Value]]:
    """Return the SQL, and its values, for the rows of files that meet one of some conditions;
    `paths` are the places of the files.
    """
    parts: list[str] = []
    values: list[Value] = []
    for version in sorted({file.version for file in files}):
        of_version: Value = [
            str(path) for file, path in zip(files, paths, strict=True) if file.version == version
        ]
        for where, asked in wheres:
            parts.append(f"SELECT {columns} FROM {table(version)} WHERE {where}")
            values += [of_version, *asked]
    return " UNION ALL ".join(parts), values


def span_of(query: EventQuery, after: str | None) -> tuple[int, int]:
    """Return the starts (UTC ms) that are still to be read, both ends included."""
    least = 0 if query.from_ns is None else max(0, -(-query.from_ns // NS_PER_MS))
    greatest = _END_MS if query.to_ns is None else min(_END_MS, -(-query.to_ns // NS_PER_MS) - 1)
    if after is not None:
        at = id_parts(after)[0]
        least, greatest = (
            (least, min(greatest, at)) if query.order == "newest" else (max(least, at), greatest)
        )
    return least, greatest


def day_of_ms(wall_ms: int) -> str:
    return day_of(wall_ms * NS_PER_MS)


def day_start_ms(day: str) -> int:
    return day_start_ns(day) // NS_PER_MS


def _growing_groups(days: Sequence[Day]) -> Iterator[Sequence[Day]]:
    """Yield the days in groups, a few first, then more."""
    start, size = 0, DAYS_FIRST
    while start < len(days):
        yield days[start : start + size]
        start, size = start + size, min(2 * size, DAYS_MOST)


def _bound_before(day: str, newest: bool) -> str:
    """Return an id that no id of a day precedes, in the order of the search."""
    start_ms = day_start_ms(day)
    return id_text(start_ms + MS_PER_DAY if newest else start_ms, _LEAST_TAIL)


def _bound(day: str, newest: bool) -> str:
    """Return an id after all ids of a day, in the order of the search."""
    start_ms = day_start_ms(day)
    return (
        id_text(start_ms, _LEAST_TAIL)
        if newest
        else id_text(start_ms + MS_PER_DAY - 1, _GREATEST_TAIL)
    )
