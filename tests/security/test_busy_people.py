"""Attacks by a person who has signed in and keeps a process busy: others get their answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from api.limits.rate_limits import MAX_EXPORTS, MAX_QUERIES
from domain.events.query import EventPage, EventQuery
from domain.people import Role
from domain.settings import Settings
from storage.clients.redis import Redis, connect
from storage.index.event_index import EventIndex

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

SLOW = "鄂F88888"


class SlowIndex(EventIndex):
    """The index of a site; a search for one plate takes until `go_on` is set."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.go_on = threading.Event()
        self.waiting = threading.Semaphore(0)

    def query(self, query: EventQuery, limit: int, after: str | None = None) -> EventPage:
        if query.plate == SLOW:
            self.waiting.release()
            self.go_on.wait()
        return super().query(query, limit, after)


@pytest.fixture
def slow(open_site: OpenSite, valkey_server: str) -> Iterator[Site]:
    """A site with a slow search, and no limit on the number of requests."""
    settings = Settings(address_requests_per_s=0, person_requests_per_s=0)
    redis = connect(valkey_server)
    yield open_site(settings=settings, index=SlowIndex(redis))
    redis.close()


@pytest.mark.parametrize(("form", "most"), [("", MAX_QUERIES), ("&format=csv", MAX_EXPORTS)])
def test_searches_that_take_long_leave_threads_for_others(slow: Site, form: str, most: int) -> None:
    index = slow.context.index
    assert isinstance(index, SlowIndex)
    path = f"/v1/events?plate={SLOW}{form}"
    for role in (Role.OPERATOR, Role.INVESTIGATOR):
        assert slow.tokens[role]
    with ThreadPoolExecutor(most) as threads:
        running = [threads.submit(slow.get, path, Role.OPERATOR) for _ in range(most)]
        try:
            for _ in running:
                assert index.waiting.acquire(timeout=60)
            refused = slow.get(path, Role.OPERATOR)
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
            assert slow.get("/v1/events?plate=鄂F88889", Role.INVESTIGATOR).status_code == 200
            assert slow.get("/v1/session", Role.INVESTIGATOR).status_code == 200
        finally:
            index.go_on.set()
        assert [one.result().status_code for one in running] == [200] * most
    assert slow.get(path, Role.OPERATOR).status_code == 200
