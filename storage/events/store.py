"""All searchable events, however old: pages that join the index and the archive.

If both know an event, the index's version is valid: it arrived later, and will be moved to the
archive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.camera_scope import VisibleCameras
from domain.clock import MS_PER_DAY, NS_PER_MS, Clock
from domain.errors import ObjectsUnavailable
from domain.events.event import Event
from domain.events.misreadings import MATCH_KINDS, MatchKind
from domain.events.query import EventPage, EventQuery
from domain.ulid import id_text, is_event_id
from storage.archive.archive import Archive
from storage.archive.search import day_of_ms, day_start_ms
from storage.events.journey_legs import EventLegs
from storage.index.counts import Buckets
from storage.index.event_index import EventIndex
from storage.index.fuzzy_search import FuzzyCursor, page_by_kind
from storage.index.plate_query import is_likely
from storage.index.search import Span

PAGE_S = 1.5
"""A page starts no further read of the archive after this time."""
KNOWN_MOST = 50_000
"""The most events of archived days that the index may have so that a count can exclude them from
the archive's.
"""


@dataclass(frozen=True, slots=True)
class StorePage:
    """A page of events. `archived` says that the archive was read, which takes longer; the page may
    then be short although `next` is set.
    """

    events: tuple[Event, ...]
    next: str | None
    archived: bool


@dataclass(frozen=True, slots=True)
class StoreHistogram:
    counts: tuple[int, ...]
    exact: bool
    """Whether the counts are exact; otherwise some are estimates."""
    whole_from_ns: int | None
    """The time before which some events were not counted, because the archive was slow or
    unreachable. None if all were counted.
    """


class EventStore:
    def __init__(self, index: EventIndex, archive: Archive, clock: Clock, index_days: int) -> None:
        self._index = index
        self.archive = archive
        self._clock = clock
        self._index_days = index_days

    def get(self, event_id: str, visible: VisibleCameras) -> Event | None:
        """Return the event of this id if its camera is visible. Raises StoreError.

        An event that is not visible costs the same work as one that does not exist.
        """
        found = _seen(self._index.get(event_id), visible)
        if found is not None or not is_event_id(event_id):
            return found
        return _seen(self.archive.search.get(event_id), visible)

    def get_all(self, event_ids: Sequence[str], visible: VisibleCameras) -> list[Event | None]:
        return [
            _seen(event, visible) or self.get(event_id, visible)
            for event, event_id in zip(self._index.get_all(event_ids), event_ids, strict=True)
        ]

    def query(
        self,
        query: EventQuery,
        visible: VisibleCameras,
        limit: int,
        after: str | None = None,
        seconds: float | None = PAGE_S,
    ) -> StorePage:
        """Return a page of matching events of visible cameras, as `EventIndex.query` does.
        `seconds` limits the time that reading the archive takes.
        """
        query = replace(query, visible=visible)
        until_s = None if seconds is None else self._clock.monotonic_s() + seconds
        search = self._search(query, until_s)
        return (
            search.fuzzy_page(limit, after)
            if query.plate is not None and query.fuzzy
            else search.page(None, limit, after)
        )

    def histogram(
        self,
        query: EventQuery,
        visible: VisibleCameras,
        buckets: Buckets,
        seconds: float = PAGE_S,
    ) -> StoreHistogram:
        """Return how many events of visible cameras match in each bucket. The time range of `query`
        must lie within the buckets.
        """
        query = replace(query, visible=visible)
        until_s = self._clock.monotonic_s() + seconds
        hot = self._index.histogram(query, buckets)
        span = Span.of_query(query, None)
        until_ms = self._search(query, None).archived_until_ms()
        if span.is_empty or span.least_ms >= until_ms:
            return StoreHistogram(hot.counts, hot.exact, None)
        last_ms = min(span.greatest_ms, until_ms - 1)
        # Events that the index has are counted there. If they are very many, which happens while
        # days are moved, some are counted twice.
        known = self._index.ids_between(span.least_ms, last_ms, KNOWN_MOST)
        try:
            cold = self.archive.counts.count(query, buckets, known or [], until_s)
        except ObjectsUnavailable:
            return StoreHistogram(hot.counts, hot.exact, (last_ms + 1) * NS_PER_MS)
        counts = tuple(int(count) for count in cold.counts + np.array(hot.counts, np.int64))
        whole_ns = None if cold.whole_from_ms is None else cold.whole_from_ms * NS_PER_MS
        return StoreHistogram(counts, hot.exact and known is not None, whole_ns)

    def sightings(
        self,
        plate: str,
        visible: VisibleCameras,
        span: tuple[int | None, int | None],
        limit: int,
        after: str | None = None,
    ) -> tuple[Event, ...]:
        """Return at most `limit` events of visible cameras whose valid reading is this plate,
        oldest first, after the id `after`. `span` is from and to in UTC nanoseconds.
        """
        from_ns, to_ns = span
        query = EventQuery(plate=plate, from_ns=from_ns, to_ns=to_ns, order="oldest")
        found: list[Event] = []
        while len(found) < limit:
            page = self.query(query, visible, limit, after, None)
            found += [event for event in page.events if event.reading == plate]
            after = page.next
            if after is None:
                break
        return tuple(found[:limit])

    def likely(
        self, plate: str, visible: VisibleCameras, span: tuple[int, int], limit: int
    ) -> EventPage:
        """Return events of visible cameras that may show this plate although they were read
        otherwise, oldest first, as `EventIndex.likely` does. Archived events are included if some
        plate was read.
        """
        from_ns, to_ns = span
        hot = self._index.likely(plate, from_ns, to_ns, limit, visible)
        if not self.reaches_archive(from_ns):
            return hot
        query = EventQuery(plate=plate, from_ns=from_ns, to_ns=to_ns, order="oldest", fuzzy=True)
        first = str(FuzzyCursor(MATCH_KINDS.index(MatchKind.ALTERNATIVE)))
        page = self.query(query, visible, limit, first)
        matches = {
            event.id: event for event in (*page.events, *hot.events) if is_likely(event, plate)
        }
        events = tuple(matches[event_id] for event_id in sorted(matches))[:limit]
        return EventPage(
            events, hot.next or page.next or (events[-1].id if len(matches) > limit else None)
        )

    def impossible(self, first_hour: int, last_hour: int) -> EventLegs:
        """Return the impossible legs that ended in these hours (since 1970, UTC), both included.
        Raises StoreError.
        """
        return EventLegs.find(self._index, self.archive, first_hour, last_hour)

    def ends(
        self, legs: EventLegs, visible: VisibleCameras, pairs: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[Event | None, Event | None]]:
        """Yield both events of some of these legs; None for one that was deleted or is not
        visible.
        """
        return (
            (_seen(a, visible), _seen(b, visible))
            for a, b in legs.events(self._index, self.archive, pairs)
        )

    def reaches_archive(self, from_ns: int) -> bool:
        """Return whether the archive may have an event that began at this time or later."""
        return from_ns // NS_PER_MS < self._search(EventQuery(), None).archived_until_ms()

    def _search(self, query: EventQuery, until_s: float | None) -> _Search:
        never_archived = day_of_ms(
            self._clock.wall_ns() // NS_PER_MS - self._index_days * MS_PER_DAY
        )
        return _Search(self._index, self.archive, query, until_s, never_archived)


def _seen(event: Event | None, visible: VisibleCameras) -> Event | None:
    return event if event is not None and event.camera in visible else None


@dataclass(slots=True)
class _Search:
    """The work for one page."""

    index: EventIndex
    archive: Archive
    query: EventQuery
    until_s: float | None
    never_archived: str
    archived: bool = False

    def page(self, kind: MatchKind | None, limit: int, after: str | None) -> StorePage:
        """Return at most `limit` events after the id `after`. The page may be shorter if the
        archive is slow.
        """
        hot = self._hot(kind, limit, after)
        until_ms = self.archived_until_ms()
        bound = id_text(until_ms, bytes(10))
        recent = (
            [event for event in hot.events if event.id >= bound]
            if self.query.order == "newest"
            else []
        )
        if self._is_after(until_ms) or (
            hot.next is not None and len(recent) == len(hot.events) > 0
        ):
            return StorePage(hot.events, hot.next, self.archived)
        self.archived = True
        try:
            cold = self.archive.search.page(self.query, kind, limit, after, self.until_s)
        except ObjectsUnavailable:
            if not recent:
                raise
            return StorePage(tuple(recent), recent[-1].id, True)
        return self._joined(hot, cold, limit)

    def fuzzy_page(self, limit: int, after: str | None) -> StorePage:
        """Return the most certain matches first; `after` is a `FuzzyCursor`.

        Each match kind is read separately if the archive may have some of the events.
        """
        if self._is_after(self.archived_until_ms()):
            hot = self.index.query(self.query, limit, after)
            if self._is_after(self.archived_until_ms()):
                return StorePage(hot.events, hot.next, self.archived)
        page = page_by_kind(self._page_of_kind, limit, after)
        return StorePage(page.events, page.next, self.archived)

    def _page_of_kind(self, kind: MatchKind, limit: int, after: str | None) -> EventPage:
        page = self.page(kind, limit, after)
        return EventPage(page.events, page.next)

    def _hot(self, kind: MatchKind | None, limit: int, after: str | None) -> EventPage:
        if kind is None:
            return self.index.query(self.query, limit, after)
        return self.index.page_of_kind(self.query, kind, limit, after)

    def archived_until_ms(self) -> int:
        """Return the time (UTC ms) before which all archived events began; 0 if there are none.
        While the object store is unreachable, this is the latest possible time.

        Called after a read of the index, it covers every event that the read may have missed.
        """
        try:
            day = self.archive.catalogue.last_day()
        except ObjectsUnavailable:
            day = self.never_archived
        return day_start_ms(day) + MS_PER_DAY if day else 0

    def _is_after(self, until_ms: int) -> bool:
        """Return whether the query excludes everything that began before this time."""
        return not until_ms or (
            self.query.from_ns is not None and self.query.from_ns // NS_PER_MS >= until_ms
        )

    def _joined(self, hot: EventPage, cold: EventPage, limit: int) -> StorePage:
        """Join both pages up to the nearer of their ends."""
        newest = self.query.order == "newest"
        cold = self._without_known(cold)
        bounds = [page.next for page in (hot, cold) if page.next is not None]
        bound = None if not bounds else max(bounds) if newest else min(bounds)
        events = sorted([*hot.events, *cold.events], key=lambda event: event.id, reverse=newest)
        if bound is not None:
            events = [
                event for event in events if (event.id >= bound if newest else event.id <= bound)
            ]
        if len(events) > limit:
            return StorePage(tuple(events[:limit]), events[limit - 1].id, True)
        return StorePage(tuple(events), bound, True)

    def _without_known(self, cold: EventPage) -> EventPage:
        """Return the page without the events that the index has."""
        known = self.index.get_all([event.id for event in cold.events]) if cold.events else []
        return replace(
            cold,
            events=tuple(
                event for event, row in zip(cold.events, known, strict=True) if row is None
            ),
        )
