"""One reader for all followers of a feed.

It reads each arrival from Redis once and distributes it without waiting for any follower. All code
here runs in the API's event loop, except the read, which runs in one thread at a time. Without
followers nothing is read.
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
"""A page is smaller than a follower's queue, so that followers can send between two pages."""
POLL_S = 0.1
"""The feed is polled. A blocking read would hold its connection, and a hanging Redis would look
like a feed without events.
"""
RETRY_S = 0.5
LINGER_S = 5.0
MAX_QUEUED = 512
"""The messages that are queued for one follower; later ones are only counted in a summary."""
MAX_FOLLOWERS = 2000


@dataclass(frozen=True, slots=True)
class Arrival:
    """An arrival: its number, its event, and its JSON, which is written once for all followers."""

    number: int
    event: Event
    data: str
    owner: str = ""
    """The person who placed the watch that the event matches."""
    matched_at_ns: int = 0
    """When the event matched that watch (UTC)."""


@dataclass(slots=True)
class LeftOut:
    """The arrivals that were not sent to a slow follower, from one number to another."""

    from_: int
    to: int
    by_kind: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class FeedGap:
    """The arrivals after `from_` and up to `to` are no longer stored."""

    from_: int
    to: int


@dataclass(frozen=True, slots=True)
class Live:
    """Whether Redis responds; arrivals of an outage are sent after it."""

    live: bool
    number: int


Message = Arrival | LeftOut | FeedGap | Live
EventFilter = Callable[[Event], bool]
ArrivalFilter = Callable[[Arrival], bool]


class ArrivalsPage(Protocol):
    """A page of a feed."""

    @property
    def last(self) -> int: ...

    @property
    def known_from(self) -> int: ...

    @property
    def items(self) -> tuple[Arrival, ...]: ...


Source = Callable[[int, int], ArrivalsPage]
"""Reads a page of arrivals after a number, up to a limit. Blocking; raises IndexUnavailable."""


class Follower:
    """The queue of one connection: at most `MAX_QUEUED` messages, and a summary of later ones."""

    def __init__(
        self, wants: ArrivalFilter, number: int, live: bool, feed: str, known: int = 0
    ) -> None:
        """`known` is the last number that was already sent; it may be later than the hub's."""
        self.number = max(number, known)
        """The last number that was queued or did not match."""
        self._wants = wants
        self._known = known
        self._feed = feed
        self._queue: deque[Message] = deque()
        self._left_out: LeftOut | None = None
        self._reported_live = self._live = live
        self._ready = asyncio.Event()

    def offer(self, arrivals: Iterable[Arrival], number: int) -> None:
        """Queue the arrivals that match; `number` is the last number that they include."""
        for arrival in arrivals:
            if arrival.number > self._known and self._wants(arrival):
                self._offer(arrival)
        self.number = max(self.number, number)

    def _offer(self, arrival: Arrival) -> None:
        if self._left_out is None and len(self._queue) < MAX_QUEUED:
            self._queue.append(arrival)
        else:
            self._left_out = self._left_out or LeftOut(arrival.number, arrival.number)
            self._left_out.to = arrival.number
            self._left_out.by_kind[arrival.event.kind] += 1
        self._ready.set()

    def gap(self, gap: FeedGap) -> None:
        if gap.to <= self._known:
            return
        before = self._queue[-1] if self._queue else None
        if isinstance(before, FeedGap):
            self._queue.pop()
            gap = FeedGap(before.from_, gap.to)
        self._queue.append(gap)
        self._ready.set()

    def set_live(self, live: bool) -> None:
        self._live = live
        self._ready.set()

    def wake(self) -> None:
        """End the present wait for messages."""
        self._ready.set()

    async def next_messages(self, timeout_s: float) -> list[Message]:
        """Return the queued messages in order, with the summary last.

        The list is empty after `timeout_s` without a message.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            return []
        self._ready.clear()
        messages = list(self._queue)
        self._queue.clear()
        if self._left_out is not None:
            FEED_MESSAGES_OMITTED.labels(self._feed).inc(self._left_out.by_kind.total())
            messages.append(self._left_out)
            self._left_out = None
        if self._live != self._reported_live:
            self._reported_live = self._live
            messages.append(Live(self._live, self.number))
        return messages


class Hub:
    """Reads one feed for all its followers."""

    def __init__(self, feed: str, source: Source) -> None:
        self._feed = feed
        self._source = source
        self._followers: set[Follower] = set()
        self._held = 0
        self._number = 0
        self._live = True
        self.is_ending = False
        """Whether the process stops, so that no follower waits any more."""
        self._task: asyncio.Task[None] | None = None
        self._reading = CapacityLimiter(1)

    async def start(self) -> None:
        """Start to read, unless the hub already reads, so that no later arrival is missed.

        Raises IndexUnavailable, and StoreError where there are too many followers.
        """
        if self._held >= MAX_FOLLOWERS:
            raise StoreError(
                "{max_followers} others follow this feed by this process already; try again later",
                max_followers=MAX_FOLLOWERS,
            )
        if self._task is None or self._task.done():
            page = await self.read(0, 1)
            if self._task is None or self._task.done():
                self._number, self._live = page.last, True
                self._task = asyncio.create_task(self._run(), name=f"feed {self._feed}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the hub reading, also before a follower joins."""
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
        """The number of connections of the feed, including those that have not joined yet."""
        return self._held

    @property
    def number(self) -> int:
        """The last number that was distributed."""
        return self._number

    def join(self, wants: ArrivalFilter, known: int) -> Follower:
        """Add a follower from `number` on, or from `known` if that is later.

        The caller has awaited `start` before.
        """
        follower = Follower(wants, self._number, self._live, self._feed, known)
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        self._followers.discard(follower)

    def end(self) -> None:
        """End the responses of all followers, because the process stops."""
        self.is_ending = True
        for follower in self._followers:
            follower.wake()

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
        """Read and distribute one page; return the delay before the next read."""
        try:
            page = await self.read(self._number, PAGE)
        except IndexUnavailable as error:
            if self._live:
                _log.warning("the feed of %s is waiting for Redis: %s", self._feed, error)
            self._set_live(False)
            return RETRY_S
        self._set_live(True)
        self._distribute(page)
        return 0.0 if len(page.items) == PAGE else POLL_S

    def _distribute(self, page: ArrivalsPage) -> None:
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
