"""What a feed holds for a client that does not read, and what it sends when the client reads on."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from api.access.standing_access import CHECK_EVERY_S, FollowerAccess, StandingAccess
from api.feeds.feeds import _event_arrival
from api.feeds.hub import PAGE, Arrival, ArrivalsPage, Hub
from api.feeds.stream import FeedStart, answer
from api.requests.request_trace import Trace, set_trace
from domain.camera_scope import ALL_CAMERAS, CameraScope, VisibleCameras
from domain.clock import ManualClock, SystemClock
from domain.people import Person, Role
from tests.api.site_data import START_NS

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


@dataclass(slots=True)
class _Rights:
    """What a person may see; a change is in force at the next look-up."""

    person: Person | None
    visible: VisibleCameras = ALL_CAMERAS

    def revoke(self) -> None:
        self.person = None

    def narrow(self) -> None:
        self.visible = VisibleCameras(CameraScope(cameras=("school",)), frozenset({"school"}))


@pytest.mark.parametrize("change", [_Rights.revoke, _Rights.narrow])
@pytest.mark.parametrize("has_missed", [True, False])
def test_a_client_that_has_not_read_gets_nothing_that_it_may_not_see_any_more(
    make_event: MakeEvent, change: Callable[[_Rights], None], has_missed: bool
) -> None:
    """It gets what was queued or read for it before its rights changed."""
    newest, event = (PAGE if has_missed else 0), make_event()

    def read(after: int, limit: int) -> ArrivalsPage:
        numbers = range(after + 1, min(after + limit, newest) + 1)
        return _Page(newest, 0, tuple(_event_arrival(number, event) for number in numbers))

    async def no_requirements(trace: Trace) -> None:
        """The policy has none."""

    async def run() -> tuple[bytes, bytes]:
        nonlocal newest
        hub, clock, holder = Hub("events", read), ManualClock(START_NS), Person("li", Role.OPERATOR)
        rights, trace = _Rights(holder), Trace("a request of no person")
        standing = StandingAccess(
            lambda name, token: rights.person, lambda person: rights.visible, no_requirements, clock
        )
        access = FollowerAccess(standing, trace, holder, lambda person: True, clock)
        start = FeedStart(lambda one: one.event.camera in access.visible, 0, 0.5)
        chunks = (await answer(hub, "event", start, access))._generator
        await anext(chunks)
        reading = asyncio.ensure_future(anext(chunks))
        if not has_missed:
            while not hub._followers:
                await asyncio.sleep(0)
            newest = PAGE
        before = await reading
        change(rights)
        clock.advance(CHECK_EVERY_S)
        return before, b"".join([chunk async for chunk in chunks])

    before, after = asyncio.run(run())
    assert before.count(b"event: event") == PAGE // 2
    assert b"event: event" not in after
