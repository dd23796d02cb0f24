"""Reads audit lines, newest first: those in the object store, and those of this data folder that
are not there yet.

A page reads whole hours (UTC), one after the other, and keeps only the lines that it may answer
with.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from domain.clock import NS_PER_HOUR, Clock
from domain.errors import DataLoss, NotFound
from domain.paths.object_keys import day_of, day_start_ns
from domain.plates import is_searched_by
from storage.audit.line_kinds import LineKind, kind_of
from storage.audit.shipping import AuditShipper
from storage.audit.stored_lines import AuditWriter, LineFault, StoredAudit, parsed
from storage.clients.s3 import ObjectStore
from storage.site.audit import LIST_SEPARATOR, AuditLine

MOST_OBJECTS = 2000
"""A page that read this many objects ends with the hour, also if it is not full."""
_FIRST_HTTP, _FIRST_REFUSED, _FIRST_FAILED = 100, 400, 500


class LineOutcome(StrEnum):
    """How a recorded call or command ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    INTENDED = "intended"  # the line of an intent, or a change that a crash ended

    @classmethod
    def from_line(cls, line: AuditLine) -> LineOutcome:
        if line.status is None:
            return cls.INTENDED
        if line.status == 0 or _FIRST_HTTP <= line.status < _FIRST_REFUSED:
            return cls.DONE
        # The exit codes of commands are below those of HTTP.
        is_refused = _FIRST_REFUSED <= line.status < _FIRST_FAILED
        return cls.REFUSED if is_refused else cls.FAILED


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """The lines to return; None is any."""

    person: str | None = None
    call: str | None = None
    camera: str | None = None
    event: str | None = None
    case: str | None = None
    outcome: LineOutcome | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    plate: str | None = None
    """A whole plate: the lines whose plate is this one, or a pattern that finds it."""
    kind: LineKind | None = None

    def includes(self, line: AuditLine) -> bool:
        return (
            (self.from_ns is None or line.at >= self.from_ns)
            and (self.to_ns is None or line.at < self.to_ns)
            and self.person in (None, line.person)
            and self.call in (None, line.route)
            and (self.kind is None or kind_of(line.route, line.terms) is self.kind)
            and self.case in (None, line.case)
            and self.camera in (None, *_subjects(line, "camera"))
            and self.event in (None, *_subjects(line, "event"))
            and self.outcome in (None, LineOutcome.from_line(line))
            and (self.plate is None or _has_searched(line, self.plate))
        )


def _has_searched(line: AuditLine, plate: str) -> bool:
    """Return whether a line is of a search for a plate, for a pattern that finds it, or for its
    start.
    """
    typed = [line.terms["plate"]] if "plate" in line.terms else []
    typed += [line.terms["start"] + "*"] if "start" in line.terms else []
    return any(is_searched_by(plate, one) for one in typed)


def _subjects(line: AuditLine, kind: str) -> Iterator[str]:
    """Yield the cameras or the events that a line names."""
    if kind in line.terms:
        yield line.terms[kind]
    yield from line.terms.get(f"{kind}s", "").split(LIST_SEPARATOR)
    if line.route.startswith(f"{kind}.") and "id" in line.terms:
        yield line.terms["id"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order of lines."""

    at_ns: int
    line_id: str = ""

    @property
    def end_ns(self) -> int:
        """The end of the time in which earlier positions are."""
        return self.at_ns + 1 if self.line_id else self.at_ns


@dataclass(frozen=True, slots=True)
class AuditPage:
    lines: tuple[AuditLine, ...]
    next: Position | None
    """Where the next page continues; None on the last page."""
    faults: tuple[LineFault, ...]
    """The damaged lines in the hours that were read; none of them is in `lines`."""
    writers: tuple[AuditWriter, ...]
    """Until when the lines of each data folder are complete."""

    def without_lines(self) -> AuditPage:
        return replace(self, lines=())


@dataclass(slots=True)
class _Newest:
    """The newest lines before a position, each once."""

    query: AuditQuery
    before: Position | None
    size: int
    faults: list[LineFault] = field(default_factory=list)
    _heap: list[Position] = field(default_factory=list)
    _lines: dict[str, AuditLine] = field(default_factory=dict)

    def add(self, lines: Iterable[AuditLine | LineFault]) -> None:
        for line in lines:
            if isinstance(line, LineFault):
                self.faults.append(line)
                continue
            position = Position(line.at, line.id)
            if self.before is not None and position >= self.before:
                continue
            if line.id in self._lines or not self.query.includes(line):
                continue
            self._lines[line.id] = line
            heapq.heappush(self._heap, position)
            if len(self._heap) > self.size:
                del self._lines[heapq.heappop(self._heap).line_id]

    def is_full_before(self, hour_end_ns: int) -> bool:
        """Return whether no line from before this time can be among them."""
        return len(self._heap) == self.size and self._heap[0].at_ns >= hour_end_ns

    def newest_first(self) -> list[AuditLine]:
        return [self._lines[position.line_id] for position in sorted(self._heap, reverse=True)]


class AuditReader:
    """The lines of all data folders of a site, as one of them can read them."""

    def __init__(self, objects: ObjectStore, shipper: AuditShipper, clock: Clock) -> None:
        self._stored = StoredAudit(objects)
        self._shipper = shipper
        self._clock = clock

    def page(self, query: AuditQuery, limit: int, before: Position | None = None) -> AuditPage:
        """Return at most `limit` lines before a position. A page may have fewer lines although
        there is a next one. Raises StoreError if the object store is not reachable.
        """
        writers = self.writers()
        newest = _Newest(query, before, limit + 1)
        # Before the store is listed, so that a line that is shipped meanwhile is not missed.
        for name, data in self._shipper.unshipped():
            newest.add(parsed(data, name))
        read_until_ns = self._add_stored(newest, query, before)
        lines = newest.newest_first()
        if read_until_ns is not None:
            lines = [line for line in lines if line.at >= read_until_ns]
        following: Position | None = None
        if len(lines) > limit:
            following = Position(lines[limit - 1].at, lines[limit - 1].id)
        elif read_until_ns is not None:
            following = Position(read_until_ns)
        return AuditPage(tuple(lines[:limit]), following, tuple(newest.faults), writers)

    def writers(self) -> tuple[AuditWriter, ...]:
        """Return the data folders that have shipped lines; the lines of this one are complete until
        now, since it reads its own files.
        """
        own = self._shipper.state()
        now_ns = self._clock.wall_ns()
        return tuple(
            writer.model_copy(update={"complete_until": now_ns})
            if own is not None and own.writer == writer.writer
            else writer
            for writer in self._stored.writers()
        )

    def _add_stored(
        self, newest: _Newest, query: AuditQuery, before: Position | None
    ) -> int | None:
        """Add lines until no older hour can have any; return the start of the last hour that was
        read if there may be more.
        """
        ends_ns = [] if query.to_ns is None else [query.to_ns]
        ends_ns += [] if before is None else [before.end_ns]
        end_ns = min(ends_ns, default=None)
        objects = 0
        for hour_ns, keys in self._hours(query.from_ns, end_ns):
            if newest.is_full_before(hour_ns + NS_PER_HOUR):
                return None  # the surplus line says that there is a next page
            if objects >= MOST_OBJECTS:
                return hour_ns + NS_PER_HOUR
            for key in keys:
                objects += 1
                newest.add(self._lines(key))
        return None

    def _lines(self, key: str) -> Iterator[AuditLine | LineFault]:
        try:
            yield from parsed(self._stored.read(key), key)
        except DataLoss as error:
            yield LineFault(key, 0, str(error))
        except NotFound:
            return  # deleted by retention since it was listed

    def _hours(self, from_ns: int | None, to_ns: int | None) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield each hour that has objects, newest first, with their keys."""
        names = self._stored.names()
        days = {name: set(self._stored.days(name)) for name in names}
        for day in sorted(set[str]().union(*days.values()), reverse=True):
            if from_ns is not None and day < day_of(from_ns):
                return
            if to_ns is not None and day > day_of(to_ns):
                continue
            holding = [name for name in names if day in days[name]]
            hours = {name: set(self._stored.hours(name, day)) for name in holding}
            for hour in sorted(set[str]().union(*hours.values()), reverse=True):
                hour_ns = day_start_ns(day) + int(hour) * NS_PER_HOUR
                is_before = from_ns is not None and hour_ns + NS_PER_HOUR <= from_ns
                if is_before or (to_ns is not None and hour_ns >= to_ns):
                    continue
                of_hour = [name for name in holding if hour in hours[name]]
                keys = [key for name in of_hour for key in self._stored.keys(name, day, hour)]
                yield hour_ns, keys


def all_pages(reader: AuditReader, query: AuditQuery, size: int) -> Iterator[AuditPage]:
    """Yield all lines of a query as of now, newest first."""
    before: Position | None = None
    while True:
        page = reader.page(query, size, before)
        yield page
        if page.next is None:
            return
        before = page.next
