"""A change of a person is in force everywhere: in tokens, tickets, and feeds that are open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from api.access.standing_access import CHECK_EVERY_S, FollowerAccess, StandingAccess
from api.requests.request_trace import Trace
from domain.camera_scope import ALL_CAMERAS
from domain.clock import ManualClock
from domain.errors import IndexUnavailable
from domain.people import Person, Right, Role
from storage.site.people import People
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import Site

FEED = "/v1/events/feed"
TRACE = Trace("a request of no person")
CHANGES: dict[str, Callable[[People, str], object]] = {
    "all tokens revoked": lambda people, name: people.revoke(name),
    "the token replaced": lambda people, name: people.add_token(name, "first"),
    "another role": lambda people, name: people.change(name, role=Role.INTEGRATOR),
    "removed": lambda people, name: people.remove(name),
}


def _operator(site: Site) -> str:
    return site.context.people.by_token(site.tokens[Role.OPERATOR]).name  # type: ignore[union-attr]


@pytest.mark.parametrize("change", CHANGES)
def test_an_open_feed_ends(site: Site, change: str) -> None:
    """The client reconnects when the feed ends, and is refused then."""
    headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
    with site.http.stream("GET", f"{site.url}{FEED}", headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        next(lines)
        CHANGES[change](site.context.people, _operator(site))
        # The feed would go on for an hour; reading to its end is the proof.
        assert not any("event: event" in line for line in lines)
    again = site.get(FEED, Role.OPERATOR)
    assert again.status_code in (401, 403)


@pytest.mark.parametrize("change", CHANGES)
def test_a_ticket_is_no_longer_valid(site: Site, change: str) -> None:
    address = site.get(f"{FEED}/ticket", Role.OPERATOR).json()["address"]

    def opened() -> httpx.Response:
        return site.http.get(f"{site.url}{address}&seconds=0")

    assert opened().status_code == 200
    CHANGES[change](site.context.people, _operator(site))
    assert opened().status_code in (401, 403)


async def _no_requirements(trace: Trace) -> None:
    """The policy of these tests has none."""


def _access(
    find: Callable[[str, str], Person | None], clock: ManualClock
) -> tuple[StandingAccess, FollowerAccess]:
    standing = StandingAccess(find, lambda person: ALL_CAMERAS, _no_requirements, clock)
    holder = Person("li", Role.OPERATOR, token="t")
    return standing, FollowerAccess(
        standing, TRACE, holder, lambda person: person.may(Right.EVENTS_READ), clock
    )


def test_many_feeds_of_a_person_cost_one_look_up_in_a_while() -> None:
    clock, looked_up = ManualClock(START_NS), list[str]()

    def find(name: str, token: str) -> Person:
        looked_up.append(name)
        return Person(name, Role.OPERATOR, token=token)

    standing, first = _access(find, clock)
    others = [
        FollowerAccess(
            standing, TRACE, Person("li", Role.OPERATOR, token="t"), lambda _: True, clock
        )
        for _ in range(50)
    ]

    async def ask() -> list[bool]:
        return [await one.is_ended() for one in (first, *others)]

    assert asyncio.run(ask()) == [False] * 51
    assert looked_up == []
    clock.advance(CHECK_EVERY_S)
    assert asyncio.run(ask()) == [False] * 51
    assert looked_up == ["li"]


def test_what_has_ended_stays_ended() -> None:
    """A feed asks again on its way to the end, within the time in which nothing is looked up."""
    clock = ManualClock(START_NS)
    found: list[Person | None] = [None, Person("li", Role.OPERATOR, token="t")]
    _, access = _access(lambda name, token: found.pop(0), clock)

    async def ask() -> list[bool]:
        return [await access.is_ended(), await access.is_ended()]

    clock.advance(CHECK_EVERY_S)
    assert asyncio.run(ask()) == [True, True]
    clock.advance(CHECK_EVERY_S)
    assert asyncio.run(ask()) == [True, True]


def test_a_feed_stays_open_while_redis_does_not_respond() -> None:
    clock = ManualClock(START_NS)

    def find(name: str, token: str) -> Person | None:
        raise IndexUnavailable("away")

    _, access = _access(find, clock)
    clock.advance(CHECK_EVERY_S)
    assert asyncio.run(access.is_ended()) is False
