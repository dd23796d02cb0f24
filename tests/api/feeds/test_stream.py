"""The memory of a feed's response to a client that does not read, and after it disconnects."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.access.standing_access import FollowerAccess, StandingAccess
from api.feeds.feeds import _event_arrival
from api.feeds.hub import PAGE, Arrival, ArrivalsPage, Hub
from api.feeds.stream import FeedStart, answer
from api.requests.request_trace import Trace, set_trace
from domain.camera_scope import ALL_CAMERAS
from domain.clock import SystemClock
from domain.people import Person, Role

if TYPE_CHECKING:
    from starlette.types import Message

    from tests.api.site_data import MakeEvent


@dataclass(frozen=True, slots=True)
class _Page:
    last: int
    known_from: int
    items: tuple[Arrival, ...]


@dataclass(slots=True)
class _Client:
    """A connection that accepts only the first body, and is closed while the next one waits."""

    blocked: asyncio.Event
    cut: asyncio.Event
    bodies: int = 0

    async def receive(self) -> Message:
        await self.cut.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.bodies += 1
            if self.bodies > 1:
                self.blocked.set()
                await asyncio.Event().wait()


def test_a_client_that_does_not_read_holds_only_text_and_is_removed_when_disconnected(
    make_event: MakeEvent,
) -> None:
    """Neither depends on the garbage collector, which seldom runs in an API process."""

    def read(after: int, limit: int) -> ArrivalsPage:
        numbers = range(after + 1, min(after + limit, newest) + 1)
        return _Page(newest, 0, tuple(_event_arrival(number, event) for number in numbers))

    async def no_requirements(trace: Trace) -> None:
        """The policy has none."""

    async def run() -> tuple[list[Arrival], int, int]:
        hub, client = Hub("events", read), _Client(asyncio.Event(), asyncio.Event())
        clock, holder = SystemClock(), Person("li", Role.OPERATOR)
        trace = Trace("a request of no person")
        standing = StandingAccess(
            lambda name, token: holder, lambda person: ALL_CAMERAS, no_requirements, clock
        )
        access = FollowerAccess(standing, trace, holder, lambda person: True, clock)
        start = FeedStart(lambda event: True, 0, 60.0)
        response = await answer(hub, "event", start, access)
        scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
        set_trace(scope, trace)
        serving = asyncio.create_task(response(scope, client.receive, client.send))
        await client.blocked.wait()
        await hub.read(newest, 1)  # an empty page: the thread has dropped the last one by then
        events_held = [one for one in gc.get_objects() if isinstance(one, Arrival)]
        followers_before = hub.held_count
        client.cut.set()
        await serving
        return events_held, followers_before, hub.held_count

    newest, event = 10 * PAGE, make_event()
    gc.collect()
    gc.disable()
    try:
        events_held, followers_before, followers_after = asyncio.run(run())
    finally:
        gc.enable()
    assert events_held == []
    assert (followers_before, followers_after) == (1, 0)
