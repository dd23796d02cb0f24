"""What lies in Redis, in a real cluster of three primaries with replicas, one of which dies."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TypeVar

import pytest

from benchmarks.valkey_cluster import Cluster
from domain.camera_states import CameraState, CameraStatus
from domain.errors import IndexUnavailable
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.people import Role
from storage.clients.interval_lock import IntervalLock
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.events.feed import Feed
from storage.index import shards as index_shards
from storage.index.check import check_index
from storage.index.event_index import EventIndex
from storage.index.shards import SHARDS
from storage.site.camera_states import CameraStates
from storage.site.leases import Leases
from storage.site.nodes import NodeEntry, Nodes
from storage.site.registries import Registries
from tests.kept import START_NS, make_event
from tests.people import people_of
from tests.searched import PATTERNS, by_looking_at_all, drawn_of_few, paged
from tests.waiting import wait_for

T = TypeVar("T")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def client(servers: Cluster) -> Iterator[Redis]:
    client = connect(servers.url)
    yield client
    client.close()


def test_one_address_of_a_cluster_is_enough(servers: Cluster) -> None:
    client = connect(f"redis+cluster://127.0.0.1:{servers.ports[1]}")
    client.ping()
    client.close()


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(IndexUnavailable, match="host:port"):
        connect("redis+cluster://a:1,,b:2")


def test_people_leases_states_and_turns_live_in_a_cluster(
    client: Redis, objects: ObjectStore
) -> None:
    """Every operation of several keys has one hash tag."""
    leases = Leases(client)
    fences = leases.draw(["gate", "bridge"])
    assert {
        camera_id: lease.fence for camera_id, lease in leases.acquire("node-1", fences).items()
    } == fences
    assert leases.held(["gate", "shop"])["gate"].node == "node-1"
    nodes = Nodes(client)
    nodes.beat(NodeEntry("node-1", "http://a", 1.0, 1))
    assert (holder := leases.holder("gate")) is not None
    assert holder.node_api_url == "http://a"
    states = CameraStates(client)
    statuses = [
        CameraStatus(camera_id=camera_id, state=CameraState.LIVE, since_ns=START_NS)
        for camera_id in ("gate", "bridge", "shop")
    ]
    states.publish(statuses)
    assert states.get(["gate", "bridge", "none"]) == {
        status.camera_id: status for status in statuses[:2]
    }
    turn = IntervalLock(client, "retention", "node-1", 60)
    assert [turn.acquire(), turn.acquire()] == [True, False]
    turn.release()
    assert turn.acquire()
    people = people_of(client, objects)
    token = people.add("li", Role.OPERATOR).token
    assert (person := people.by_token(token)) is not None
    assert person.name == "li"
    people.index.restore()
    assert [person.name for person in people.list()] == ["li"]
    assert Registries(client, objects).restore() == 0
    feed = Feed(client, 10)
    feed.add_all([make_event()])
    assert [event.id for _, event in feed.after(0, 5).items] == [make_event().id]


@pytest.fixture(scope="module")
def kept() -> dict[str, Event]:
    draw = random.Random(7)
    return {event.id: event for event in (drawn_of_few(draw) for _ in range(600))}


@pytest.mark.parametrize("by_keys", [False, True])
def test_slots_move_while_events_are_written_and_searched(
    servers: Cluster, client: Redis, kept: dict[str, Event], by_keys: bool
) -> None:
    """Nothing is lost, and no answer is of a part. While a slot moves key by key its shard is
    refused, and what waits is tried again.
    """
    index = EventIndex(client)
    index.put_all(list(kept.values()))
    query = EventQuery(plate="鄂C1234?")
    expected = by_looking_at_all(list(kept.values()), query)
    written: dict[str, Event] = {}
    stop = threading.Event()

    def write() -> int:
        number = 0
        with closing(connect(servers.url)) as own:
            while not stop.is_set() or number < 100:
                batch = [
                    make_event(after_s=100_000 + number + n / 10, plate=f"鄂C{number + n:05d}")
                    for n in range(8)
                ]
                until_done(lambda batch=batch: EventIndex(own).put_all(batch))  # type: ignore[misc]
                written.update({event.id: event for event in batch})
                number += 8
        return number

    def ask() -> int:
        asked = 0
        with closing(connect(servers.url)) as own:
            while not stop.is_set() or not asked:
                assert until_done(lambda: paged(EventIndex(own), query, 40)) == expected
                asked += 1
        return asked

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(work) for work in (write, ask)]
        try:
            for shard in range(SHARDS):
                servers.move(f"{{e{shard}}}", by_keys)
        finally:
            stop.set()
        assert [work.result() > 0 for work in running] == [True, True]
    assert_answers(index, kept | written)
    assert list(check_index(client)) == []
    for event_id in (*kept, *written):
        index.remove(event_id)
    assert index.count() == 0


def until_done(work: Callable[[], T]) -> T:
    """What a node and a person do: ask again while Redis refuses."""

    def attempt() -> tuple[T] | None:
        with suppress(IndexUnavailable):
            return (work(),)
        return None

    return wait_for("answer of Redis", attempt)[0]


def test_a_node_that_dies_takes_no_answer_with_it(
    servers: Cluster, client: Redis, kept: dict[str, Event]
) -> None:
    """Readings move between shards on different nodes; then a primary is killed, and its
    replica answers and is written to.
    """
    index = EventIndex(client)
    changed = {
        event_id: event.model_copy(update={"plate": make_event(plate="京A12345").plate})
        for event_id, event in kept.items()
    }
    index.put_all(list(changed.values()))
    index.put_all(list(kept.values()))
    assert_answers(index, kept)
    servers.wait_for_replicas()
    servers.kill(servers.ports[0])
    assert_answers(index, kept)
    late = [make_event(after_s=n, plate=f"鄂C9999{n}") for n in range(8)]
    index.put_all(late)
    assert_answers(index, kept | {event.id: event for event in late})
    for event in late:
        index.remove(event.id)
    assert_answers(index, kept)
    index.expire(START_NS + 10 * 3_600 * 10**9)
    assert index.count() == 0
    assert index.hours() == []


def assert_answers(index: EventIndex, kept: dict[str, Event]) -> None:
    stored = sorted(kept.values(), key=lambda event: event.id)
    assert [event for hour in index.hours() for event in index.hour(hour)] == stored
    assert index.count() == len(stored)
    for listed_from in (index_shards.LISTED_FROM, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(index_shards, "LISTED_FROM", listed_from)
            for query in (
                EventQuery(plate=pattern, camera=camera)
                for pattern in (*PATTERNS[:6], "鄂C*7")
                for camera in (None, "gate")
            ):
                assert paged(index, query, 40) == by_looking_at_all(stored, query)
            assert len(paged(index, EventQuery(), 40)) == len(stored)
