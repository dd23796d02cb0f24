"""A city with an index and an archive, and drawn events and queries of several days."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from domain.clock import NS_PER_DAY, NS_PER_S, S_PER_DAY, ManualClock
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.settings import Settings
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.events.store import EventStore
from storage.index.event_index import EventIndex
from tests.buckets import remove_objects
from tests.kept import START_NS
from tests.searched import events_that, queries_of

INDEX_DAYS = 2
DAYS = [0, 1, 2, 5]
"""Days after the first on which something happens; the first three are older than the index
holds.
"""

events = events_that(
    st.tuples(st.sampled_from(DAYS), st.integers(0, 6)).map(
        lambda pair: pair[0] * S_PER_DAY + pair[1] / 2
    ),
    "123",
)
moments = st.none() | st.tuples(st.sampled_from(DAYS), st.integers(0, 6)).map(
    lambda pair: START_NS + (pair[0] * S_PER_DAY + pair[1]) * NS_PER_S
)
queries = queries_of(moments)


class City:
    """An index, an archive, and a clock that stands six days after the first event."""

    def __init__(self, redis: Redis, objects: ObjectStore, folder: Path) -> None:
        self.redis, self.objects = redis, objects
        self.clock = ManualClock(START_NS + 6 * NS_PER_DAY)
        self.index = EventIndex(redis)
        self.archive = Archive.open(objects, redis, folder, Settings(), self.clock)
        self.store = EventStore(self.index, self.archive, self.clock, INDEX_DAYS)

    def empty(self) -> None:
        self.redis.do("FLUSHALL")
        remove_objects(self.objects, "archive/")

    def move(self) -> int:
        moved = Archiver(self.archive, self.index, self.redis, self.objects, self.clock).run(
            INDEX_DAYS
        )
        assert moved is not None
        return moved.events

    def ids(self, query: EventQuery, limit: int = 50, seconds: float | None = None) -> list[str]:
        found: list[str] = []
        after: str | None = None
        for _ in range(1000):
            page = self.store.query(query, query.visible, limit, after, seconds)
            assert len(page.events) <= limit
            found += [event.id for event in page.events]
            if page.next is None:
                return found
            assert page.next != after
            after = page.next
        raise AssertionError("the pages never end")


def latest(stored: list[Event]) -> list[Event]:
    """Of each id the version that stands, as the index has it."""
    found: dict[str, Event] = {}
    for event in stored:
        if event.id not in found or event.ended_at >= found[event.id].ended_at:
            found[event.id] = event
    return list(found.values())
