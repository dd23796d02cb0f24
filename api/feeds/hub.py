"""One reader for all who follow a feed: it reads what arrives in Redis once and hands it to each,
and waits for none of them.

Everything here runs in the API's event loop but the reading, which runs in one thread at a time;
without followers nothing is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from anyio import CapacityLimiter, to_thread

from domain.errors import IndexUnavailable, StoreError
from domain.events.event import Event
from domain.metrics import FEED_CLIENTS, FEED_MESSAGES_OMITTED

_log = logging.getLogger(__name__)
PAGE = 128
"""Less than may wait for a follower: all have a turn to send between two pages."""
POLL_S = 0.1
"""A read that waits in Redis would hold its connection, and a hanging Redis would look like a
quiet one.
"""
AWAY_S = 0.5
LINGER_S = 5.0
MOST_WAITING = 512
"""Messages that wait for one follower; what comes after is summed up."""
MOST_FOLLOWERS = 2000


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived: its number, the event that it tells of, and its JSON, made once for all
    followers.
    """

    number: int
    event: Event
    data: str


@dataclass(slots=True)
class LeftOut:
    """What a slow follower was not told, from one number to another."""

    from_: int
    to: int
    by_kind: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class FeedGap:
    """What arrived after `from_` and up to `to` is no longer known."""

    from_: int
    to: int


@dataclass(frozen=True, slots=True)
class Live:
    """Whether Redis answers; what arrives while it does not comes later."""

    live: bool
    number: int


Message = Arrival | LeftOut | FeedGap | Live
EventFilter = Callable[[Event], bool]


class ArrivalsPage(Protocol):
    @property
    def last(self) -> int: ...

    @property
    def known_from(self) -> int: ...

    @property
    def items(self) -> tuple[Arrival, ...]: ...


Source = Callable[[int, int], ArrivalsPage]
"""At most so many that arrived after a number; raises IndexUnavailable. Blocking."""


class Follower:
    """What waits for one connection: at most `MOST_WAITING` messages, and a summary of what
    came after them.
    """

    def __init__(
        self, wants: EventFilter, number: int, live: bool, feed: str, known: int = 0
    ) -> None:
        """`known`: up to which it has all already, though the hub may not have come so far."""
        self.number = max(number, known)
        """Up to which it was told, or did not want to be."""
        self._wants = wants
        self._known = known
        self._feed = feed
        self._waiting: deque[Message] = deque()
        self._left_out: LeftOut | None = None
        self._told_live = self._live = live
        self._ready = asyncio.Event()

    def offer(self, arrivals: Iterable[Arrival], number: int) -> None:
        """`number`: up to which `arrivals` are all there is."""
        for arrival in arrivals:
            if arrival.number > self._known and self._wants(arrival.event):
                self._offer(arrival)
        self.number = max(self.number, number)

    def _offer(self, arrival: Arrival) -> None:
        if self._left_out is None and len(self._waiting) < MOST_WAITING:
            self._waiting.append(arrival)
        else:
            self._left_out = self._left_out or LeftOut(arrival.number, arrival.number)
            self._left_out.to = arrival.number
            self._left_out.by_kind[arrival.event.kind] += 1
        self._ready.set()

    def gap(self, gap: FeedGap) -> None:
        if gap.to <= self._known:
            return
        before = self._waiting[-1] if self._waiting else None
        if isinstance(before, FeedGap):
            self._waiting.pop()
            gap = FeedGap(before.from_, gap.to)
        self._waiting.append(gap)
        self._ready.set()

    def set_live(self, live: bool) -> None:
        self._live = live
        self._ready.set()

    async def next_messages(self, timeout_s: float) -> list[Message]:
        """All that waits, in order: a summary stands after what was kept. Empty after
        `timeout_s` without any.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            return []
        self._ready.clear()
        messages = list(self._waiting)
        self._waiting.clear()
        if self._left_out is not None:
            FEED_MESSAGES_OMITTED.labels(self._feed).inc(self._left_out.by_kind.total())
            messages.append(self._left_out)
            self._left_out = None
        if self._live != self._told_live:
            self._told_live = self._live
            messages.append(Live(self._live, self.number))
        return messages


class Hub:
    def __init__(self, feed: str, source: Source) -> None:
        self._feed = feed
        self._source = source
        self._followers: set[Follower] = set()
        self._held = 0
        self._number = 0
        self._live = True
        self._task: asyncio.Task[None] | None = None
        self._reading = CapacityLimiter(1)

    async def start(self) -> None:
        """Begin to read, where nobody does yet: then what arrives from now on is not missed.
        Raises IndexUnavailable.
        """
        if self._held >= MOST_FOLLOWERS:
            raise StoreError(
                f"{MOST_FOLLOWERS} others follow this feed by this process already; try again later"
            )
        if self._task is None or self._task.done():
            page = await self.read(0, 1)
            if self._task is None or self._task.done():
                self._number, self._live = page.last, True
                self._task = asyncio.create_task(self._run(), name=f"feed {self._feed}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Reading goes on meanwhile, also while nobody has joined yet."""
        self._hold(1)
        try:
            yield
        finally:
            self._hold(-1)

    def _hold(self, more: int) -> None:
        self._held += more
        FEED_CLIENTS.labels(self._feed).set(self._held)

    @property
    def held_count(self) -> int:
        """How many connections follow the feed, including those that have not joined yet."""
        return self._held

    @property
    def number(self) -> int:
        """Up to which all was handed out."""
        return self._number

    def join(self, wants: EventFilter, known: int) -> Follower:
        """Follow from `number` on, or from `known` where that is later; `start` was awaited
        before.
        """
        follower = Follower(wants, self._number, self._live, self._feed, known)
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        self._followers.discard(follower)

    async def read(self, after: int, limit: int) -> ArrivalsPage:
        """Read in a thread, one page at a time for all followers. Raises IndexUnavailable.

        `run_in_executor` would leave each page in a reference cycle of its two futures.
        """
        return await to_thread.run_sync(self._source, after, limit, limiter=self._reading)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        leave_s = loop.time() + LINGER_S
        while self._held or loop.time() < leave_s:
            if self._held:
                leave_s = loop.time() + LINGER_S
            await asyncio.sleep(await self._read_once())

    async def _read_once(self) -> float:
        """How long to wait before the next."""
        try:
            page = await self.read(self._number, PAGE)
        except IndexUnavailable as error:
            if self._live:
                _log.warning("the feed of %s is waiting for Redis: %s", self._feed, error)
            self._set_live(False)
            return AWAY_S
        self._set_live(True)
        self._hand_out(page)
        return 0.0 if len(page.items) == PAGE else POLL_S

    def _hand_out(self, page: ArrivalsPage) -> None:
        if self._number < page.known_from:
            for follower in self._followers:
                follower.gap(FeedGap(self._number, page.known_from))
            self._number = page.known_from
        if page.items:
            self._number = page.items[-1].number
            for follower in self._followers:
                follower.offer(page.items, self._number)

    def _set_live(self, live: bool) -> None:
        if live != self._live:
            self._live = live
            for follower in self._followers:
                follower.set_live(live)
