"""Matches events with watches. The node that has the lease does it for the whole site.

Events that it missed are searched in the index.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from domain.clock import NS_PER_DAY, NS_PER_MS, Clock, rfc3339
from domain.errors import DataLoss, NotFound, StoreError
from domain.events.event import Event
from domain.events.misreadings import Match
from domain.events.query import EventQuery
from domain.events.watches import Ended, Watch, WatchMatch, match_id
from domain.log import FloodGate
from domain.metrics import WATCH_MATCHES
from storage.events.feed import Feed, FeedPage
from storage.index.event_index import EventIndex
from storage.site.audit import AuditEntry, AuditLog, Phase
from storage.site.watch_index import WatchIndex
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches

_log = logging.getLogger(__name__)
POLL_S = 0.2
IDLE_S = 1.0
CATCH_UP_S = 0.1
"""The longest time for which new arrivals wait for searches in the index."""
PAGE = 500
LOOK_BACK_NS = NS_PER_DAY
"""How far a search for missed events goes back before the last matched arrival.

Events from a spool may be indexed so long after they happened.
"""
MAX_FOUND = 500
"""The number of events of one watch that are searched in the index.

A watch with more events is not for a single vehicle.
"""


OwnerSees = Callable[[str, int, str], bool]
"""Return whether the person who placed a watch may see a camera now. Raises StoreError."""


@dataclass(frozen=True, slots=True)
class FoundMatch:
    """A watch and one match of it."""

    watch: Watch
    match: WatchMatch


@dataclass(frozen=True, slots=True)
class WatchStores:
    """The events that are matched, the watches, and the matches that are found."""

    feed: Feed
    index: EventIndex
    watches: Watches
    matches: WatchMatches


class WatchMatcher:
    """Matches the events of the feed, and searches events that the feed no longer has."""

    def __init__(
        self,
        stores: WatchStores,
        audit: AuditLog,
        clock: Clock,
        node: str,
        sees: OwnerSees,
    ) -> None:
        self._sees = sees
        self._feed = stores.feed
        self._index = stores.index
        self._watches = stores.watches
        self._matches = stores.matches
        self._audit = audit
        self._clock = clock
        self._owner = f"{node}/{os.getpid()}/{secrets.token_hex(4)}"
        self._version: str | None = None
        self._active = WatchIndex(())
        self._to_search: list[Watch] | None = None
        """The watches whose missed events are not searched yet; None before the search starts."""
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    @property
    def is_matching(self) -> bool:
        """Whether there are active watches, as far as this node knows."""
        return bool(self._active.watches)

    def run(self, stop: threading.Event) -> None:
        pause_s = 0.0
        while not self._clock.wait(stop, pause_s):
            try:
                pause_s = self.run_once()
            except StoreError as error:
                self._warn("store", f"matching of vehicle watches is delayed: {error}")
                pause_s = IDLE_S

    def run_once(self) -> float:
        """Match new arrivals and search some missed events; return the delay to the next call."""
        if not self._matches.acquire_lease(self._owner):
            self._to_search = None
            return IDLE_S
        position = self._matches.position()
        page = self._feed.after(position or 0, PAGE)
        # The watches are read after the page, so that they include all that were placed before.
        self._read_watches()
        self._expire()
        if position is None or position < page.known_from:
            self._schedule_search(page, position)
            return 0.0
        if page.items:
            position = page.items[-1][0]
            self._add(
                [one for _, event in page.items for one in self._found(self._active, event)],
                position,
            )
        if len(page.items) == PAGE or self._search_missed(position):
            return 0.0
        return POLL_S if self._active.watches else IDLE_S

    def _read_watches(self) -> None:
        version = self._watches.version()
        if version is None:
            restored = self._watches.restore()
            if restored:
                _log.warning(
                    "the index has lost its watches; %d were restored from their records", restored
                )
            version = self._watches.version()
        if version != self._version:
            self._active = WatchIndex(self._watches.active())
            self._version = version

    def _expire(self) -> None:
        now_ns = self._clock.wall_ns()
        expired = [
            watch for watch in self._active.watches.values() if not watch.is_active_at(now_ns)
        ]
        for watch in expired:
            self._audit.append(entry_of(watch, "watch.expire", {"watch": watch.id}))
            try:
                self._watches.end(watch.id, Ended.EXPIRED, "")
            except (DataLoss, NotFound) as error:
                # Tried again without an end, it would keep all other watches from being matched.
                _log.error(
                    "the watch %s has expired, and its record does not say so: %s", watch.id, error
                )
                self._watches.deactivate(watch.id)
        if expired:
            self._read_watches()

    def _schedule_search(self, page: FeedPage, position: int | None) -> None:
        """Schedule a search in the index, because the feed no longer has all missed events.

        New arrivals are matched meanwhile.
        """
        now_ns = self._clock.wall_ns()
        missed_ns = now_ns if position is None else min(now_ns, position * 1000)
        self._matches.owe((missed_ns - LOOK_BACK_NS) // NS_PER_MS, page.last)
        self._to_search = None

    def _search_missed(self, position: int) -> bool:
        """Search the missed events of some watches; return whether there was any to search.

        After a crash the search starts again.
        """
        since_ms = self._matches.owed()
        if since_ms is None:
            return False
        if self._to_search is None:
            self._to_search = list(self._active.watches.values())
            if self._to_search:
                _log.warning(
                    "%d vehicle watches are matched with the events in the index since %s",
                    len(self._to_search),
                    rfc3339(since_ms * NS_PER_MS),
                )
        until_s = self._clock.monotonic_s() + CATCH_UP_S
        while self._to_search and self._clock.monotonic_s() < until_s:
            watch = self._to_search.pop()
            query = EventQuery(
                kind="vehicle",
                plate=watch.plate,
                fuzzy=watch.fuzzy,
                from_ns=max(watch.placed_at, since_ms * NS_PER_MS),
            )
            single = WatchIndex([watch])
            self._add(
                [one for event in self._indexed(query) for one in self._found(single, event)],
                position,
            )
        if not self._to_search:
            self._matches.clear_owed()
            self._to_search = None
        return True

    def _indexed(self, query: EventQuery) -> Iterator[Event]:
        after, count = None, 0
        while count < MAX_FOUND:
            page = self._index.query(query, 100, after)
            yield from page.events
            count += len(page.events)
            after = page.next
            if after is None:
                return

    def _found(self, watches: WatchIndex, event: Event) -> list[FoundMatch]:
        return [
            FoundMatch(watch, self._match(watch, match, event))
            for watch, match in watches.matches(event)
            if self._sees(watch.placed_by, watch.placed_at, event.camera)
        ]

    def _match(self, watch: Watch, match: Match, event: Event) -> WatchMatch:
        return WatchMatch(
            id=match_id(watch.id, event.id),
            watch=watch.id,
            plate=watch.plate,
            tie=match.kind,
            why=match.reason,
            matched_at=self._clock.wall_ns(),
            event=event,
            case=watch.case,
            owner=watch.placed_by,
        )

    def _add(self, found: Sequence[FoundMatch], position: int) -> None:
        """Publish new matches, after they are in the audit log."""
        unseen = {match.id for match in self._matches.unseen([one.match for one in found])}
        new = {one.match.id: one for one in found if one.match.id in unseen}
        for one in new.values():
            terms = {
                "watch": one.watch.id,
                "event": one.match.event.id,
                "plate": one.match.event.reading,
            }
            self._audit.append(entry_of(one.watch, "watch.match", terms))
        now_ms = self._clock.wall_ns() // NS_PER_MS
        WATCH_MATCHES.inc(
            len(
                self._matches.add(
                    [(one.match, bool(one.watch.webhook)) for one in new.values()], position, now_ms
                )
            )
        )


def entry_of(
    watch: Watch,
    what: str,
    terms: dict[str, str],
    status: int | None = 200,
    phase: Phase = Phase.ACCESS,
) -> AuditEntry:
    """Return the audit line of a process for a watch, under the name of its person."""
    return AuditEntry(
        person=watch.placed_by,
        role=None,
        address="",
        route=what,
        right=None,
        terms=terms,
        reason=watch.reason,
        case=watch.case,
        status=status,
        phase=phase,
    )
