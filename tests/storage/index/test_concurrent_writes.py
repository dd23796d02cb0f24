"""Several writers put versions of one event into the index at the same time."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import pytest

from domain.clock import NS_PER_HOUR
from domain.events.event import Event
from domain.events.query import EventQuery
from storage.clients.redis import Redis, Script, connect
from storage.index import shards as index_shards
from storage.index.event_index import EventIndex
from storage.index.record import index_entry
from tests.kept import START_NS, make_event
from tests.searched import by_looking_at_all, drawn_of_few, paged
from tests.storage.index.stored_keys import stored_keys

PLATES = ("鄂C00000", "鄂C12345", "鄂F88888")
"""Three plates whose events are in different shards."""


def test_the_plates_are_of_different_shards() -> None:
    entries = [index_entry(make_event(plate=plate)) for plate in PLATES]
    assert len({index_shards.shard_of(entry) for entry in entries}) == len(PLATES)


class Interrupted(Redis):
    """A client that once, after some calls, lets another writer run in between."""

    def __init__(self, client: Redis, other: Event, calls: int) -> None:
        self.__dict__.update(client.__dict__)
        self.client = client
        self.other: Event | None = other
        self.calls = calls

    def run_all(self, scripts: Sequence[Script]) -> list[object]:
        if self.calls == 0 and self.other is not None:
            EventIndex(self.client).put(self.other)
            self.other = None
        self.calls -= 1
        return super().run_all(scripts)


@pytest.fixture(params=[index_shards.BLOCKS_READ_FROM, 1])
def looked_at_from(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to learn what other shards have."""
    monkeypatch.setattr(index_shards, "BLOCKS_READ_FROM", request.param)
    monkeypatch.setattr(index_shards, "CLAIMS_A_BLOCK", 1)


@pytest.mark.usefixtures("looked_at_from")
@pytest.mark.parametrize("calls", range(7))
@pytest.mark.parametrize("there_before", [False, True])
def test_a_write_in_between_is_not_lost(redis: Redis, there_before: bool, calls: int) -> None:
    index = EventIndex(redis)
    if there_before:
        index.put(make_event(plate=PLATES[0]))
    newest = make_event(plate=PLATES[2], lasts_s=9)
    client = Interrupted(redis, newest, calls)
    EventIndex(client).put(make_event(plate=PLATES[1], lasts_s=5))
    if client.other is not None:  # it needed fewer calls
        index.put(newest)
    assert index.get(newest.id) == newest
    assert [paged(index, EventQuery(plate=plate), 5) for plate in PLATES] == [
        [],
        [],
        [newest.id],
    ]


@pytest.mark.usefixtures("looked_at_from")
@pytest.mark.parametrize("calls", range(7))
def test_an_outdated_write_takes_no_newer_version_with_it(redis: Redis, calls: int) -> None:
    """The outdated version and the newest one belong to one shard, and the version that is there
    to another.
    """
    index = EventIndex(redis)
    index.put(make_event(plate=PLATES[1], lasts_s=5))
    newest = make_event(plate=PLATES[0], lasts_s=9)
    client = Interrupted(redis, newest, calls)
    EventIndex(client).put(make_event(plate=PLATES[0], lasts_s=1))
    if client.other is not None:  # it needed fewer calls
        index.put(newest)
    assert index.get(newest.id) == newest
    assert paged(index, EventQuery(), 5) == [newest.id]


@pytest.mark.usefixtures("looked_at_from")
def test_of_two_equal_versions_the_later_stands_wherever_they_lie(redis: Redis) -> None:
    """As a correction must, whose event ended when the one before it did; back and forth, so
    that each shard is once the other's.
    """
    index = EventIndex(redis)
    for plate in ["鄂C12345", "鄂F88888", "京A12345", "粤B12345D"] * 2:
        event = make_event(plate=plate)
        index.put(event)
        assert index.get(event.id) == event
        assert paged(index, EventQuery(), 5) == [event.id]
    assert index.count() == 1


@pytest.mark.usefixtures("looked_at_from")
def test_writers_at_once_agree(redis: Redis, valkey_server: str) -> None:
    """Of many writers of one event the newest state wins, and no posting of another stays."""
    states = [make_event(plate=f"鄂C1234{n}", lasts_s=n) for n in range(8)]

    def write(event: Event) -> None:
        client = connect(valkey_server)
        for _ in range(10):
            EventIndex(client).put(event)
        client.close()

    threads = [threading.Thread(target=write, args=(state,)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index = EventIndex(redis)
    assert index.get(states[0].id) == states[-1]
    assert [paged(index, EventQuery(plate=f"鄂C1234{n}"), 5) for n in range(8)] == [[]] * 7 + [
        [states[0].id]
    ]


@pytest.mark.parametrize("seed", range(6))
def test_batches_leave_what_one_by_one_would(redis: Redis, seed: int) -> None:
    """Hundreds of events over two hours, most of few plates: blocks fill, numbers of plates are
    freed and given out again, and readings that change move between shards, all within the same few
    batches.
    """
    draw = random.Random(seed)
    index, kept = EventIndex(redis), dict[str, Event]()
    for _ in range(8):
        batch = [drawn_of_few(draw) for _ in range(400)]
        index.put_all(batch)
        for event in sorted(batch, key=lambda event: event.ended_at):
            if event.id not in kept or event.ended_at >= kept[event.id].ended_at:
                kept[event.id] = event
        for event_id in draw.sample(sorted(kept), len(kept) // 3):
            index.remove(event_id)
            del kept[event_id]
        if draw.random() < 0.3:
            index.expire(START_NS - START_NS % NS_PER_HOUR + NS_PER_HOUR)
            kept = {
                event_id: event
                for event_id, event in kept.items()
                if event.started_at // NS_PER_HOUR > START_NS // NS_PER_HOUR
            }
        assert [event for hour in index.hours() for event in index.hour(hour)] == sorted(
            kept.values(), key=lambda event: event.id
        )
        assert index.count() == len(kept)
        for pattern in ("鄂C*7", "鄂?1??5*", "*警", "鄂C00017", "鄂C10018"):
            query = EventQuery(plate=pattern)
            assert paged(index, query, 50) == by_looking_at_all(list(kept.values()), query)
    for event_id in kept:
        index.remove(event_id)
    assert stored_keys(redis) == []
