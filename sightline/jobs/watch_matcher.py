"""Matches events with vehicle watches, once for the city: whichever node has the lease. What it
missed it catches up.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.clock import NS_PER_DAY, NS_PER_MS, Clock, rfc3339
from domain.errors import StoreError
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
LOOK_EVERY_S = 0.2
IDLE_S = 1.0
PAY_S = 0.1
"""So long at most what arrives waits for what is looked up."""
PAGE = 500
LOOK_BACK_NS = NS_PER_DAY
"""Where the feed no longer has what was missed, the index is asked; events of a spool may have
passed so long before they were indexed.
"""
MOST_FOUND = 500
"""Of one watch, where it catches up by the index; a watch with more than that is no watch for a
vehicle.
"""


@dataclass(frozen=True, slots=True)
class FoundMatches:
    watch: Watch
    match: WatchMatch


class WatchMatcher:
    def __init__(
        self,
        feed: Feed,
        index: EventIndex,
        watches: Watches,
        matches: WatchMatches,
        audit: AuditLog,
        clock: Clock,
        node: str,
    ) -> None:
        self._feed = feed
        self._index = index
        self._watches = watches
        self._matches = matches
        self._audit = audit
        self._clock = clock
        self._owner = f"{node}/{os.getpid()}/{secrets.token_hex(4)}"
        self._version: str | None = None
        self._book = WatchIndex(())
        self._owing: list[Watch] | None = None
        """Of what is to be looked up, what is left."""
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    @property
    def is_matching(self) -> bool:
        """Whether there are watches, as far as this node has looked."""
        return bool(self._book.watches)

    def run(self, stop: threading.Event) -> None:
        pause_s = 0.0
        while not self._clock.wait(stop, pause_s):
            try:
                pause_s = self.run_once()
            except StoreError as error:
                self._warn("store", f"matching of vehicle watches is delayed: {error}")
                pause_s = IDLE_S

    def run_once(self) -> float:
        """Match what arrived, and some of what is owed; how long to wait before the next time."""
        if not self._matches.acquire_lease(self._owner):
            self._owing = None
            return IDLE_S
        position = self._matches.position()
        page = self._feed.after(position or 0, PAGE)
        # after the page: a watch is there for whatever was indexed after it was placed
        self._read_book()
        self._expire()
        if position is None or position < page.known_from:
            self._owe(page, position)
            return 0.0
        if page.items:
            position = page.items[-1][0]
            self._add(
                [one for _, event in page.items for one in self._found(self._book, event)], position
            )
        if len(page.items) == PAGE or self._pay(position):
            return 0.0
        return LOOK_EVERY_S if self._book.watches else IDLE_S

    def _read_book(self) -> None:
        version = self._watches.version()
        if version is None:
            _log.warning(
                "the index has lost its watches; %d were restored from their records",
                self._watches.restore(),
            )
            version = self._watches.version()
        if version != self._version:
            self._book = WatchIndex(self._watches.active())
            self._version = version

    def _expire(self) -> None:
        now_ns = self._clock.wall_ns()
        over = [watch for watch in self._book.watches.values() if not watch.is_active_at(now_ns)]
        for watch in over:
            self._audit.append(entry_of(watch, "watch.expire", {"watch": watch.id}))
            self._watches.end(watch.id, Ended.EXPIRED, "")
        if over:
            self._read_book()

    def _owe(self, page: FeedPage, position: int | None) -> None:
        """The feed has forgotten some, or nobody knows how far it was matched: that is looked
        up beside what arrives now.
        """
        now_ns = self._clock.wall_ns()
        missed_ns = now_ns if position is None else min(now_ns, position * 1000)
        self._matches.owe((missed_ns - LOOK_BACK_NS) // NS_PER_MS, page.last)
        self._owing = None

    def _pay(self, position: int) -> bool:
        """Look some watches up in the index. Whether there are more; whoever goes on after a
        crash begins anew.
        """
        since_ms = self._matches.owed()
        if since_ms is None:
            return False
        if self._owing is None:
            self._owing = list(self._book.watches.values())
            _log.warning(
                "%d vehicle watches are matched with the events in the index since %s",
                len(self._owing),
                rfc3339(since_ms * NS_PER_MS),
            )
        until_s = self._clock.monotonic_s() + PAY_S
        while self._owing and self._clock.monotonic_s() < until_s:
            watch = self._owing.pop()
            query = EventQuery(
                kind="vehicle",
                plate=watch.plate,
                fuzzy=watch.fuzzy,
                from_ns=max(watch.placed_at, since_ms * NS_PER_MS),
            )
            book = WatchIndex([watch])
            self._add(
                [one for event in self._indexed(query) for one in self._found(book, event)],
                position,
            )
        if not self._owing:
            self._matches.clear_owed()
            self._owing = None
        return True

    def _indexed(self, query: EventQuery) -> Iterator[Event]:
        after, count = None, 0
        while count < MOST_FOUND:
            page = self._index.query(query, 100, after)
            yield from page.events
            count += len(page.events)
            after = page.next
            if after is None:
                return

    def _found(self, book: WatchIndex, event: Event) -> list[FoundMatches]:
        return [
            FoundMatches(watch, self._match(watch, match, event))
            for watch, match in book.matches(event)
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
        )

    def _add(self, found: Sequence[FoundMatches], position: int) -> None:
        """Audited first, so that nobody is told what is not written down."""
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
    """What happened to a watch by itself, under the name of who placed it."""
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
