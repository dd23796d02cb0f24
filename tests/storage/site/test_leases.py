"""Leases on a real server: numbers only rise, whatever is lost; the higher one has the camera;
who had it before is known.
"""

from __future__ import annotations

import pytest

from domain.errors import IndexUnavailable
from storage.clients.redis import Redis, connect
from storage.site.leases import MOST_PAST, Lease, Leases
from storage.site.nodes import NodeEntry, Nodes


@pytest.fixture
def leases(redis: Redis) -> Leases:
    return Leases(redis)


def test_each_number_is_higher_and_no_node_loses_a_lease_by_a_draw(leases: Leases) -> None:
    first = leases.draw(["gate", "bridge"])
    assert leases.held(["gate", "bridge"]) == {}
    leases.acquire("east", first)
    second, third = leases.draw(["gate"])["gate"], leases.draw(["gate"])["gate"]
    assert first["gate"] < second < third
    assert leases.held(["gate", "bridge", "nobodys"]) == {
        name: Lease("east", "", first[name]) for name in ("gate", "bridge")
    }


def test_the_higher_number_has_the_lease_in_any_order(leases: Leases) -> None:
    low, high = leases.draw(["gate"])["gate"], leases.draw(["gate"])["gate"]
    assert leases.acquire("west", {"gate": high}) == {"gate": Lease("west", "", high)}
    assert leases.acquire("east", {"gate": low}) == {"gate": Lease("west", "", high)}
    assert leases.acquire("west", {"gate": high}) == {"gate": Lease("west", "", high)}
    assert leases.holders("gate") == (Lease("west", "", high),)


def test_holders_are_known_the_latest_first_each_once_with_its_address(
    leases: Leases, redis: Redis
) -> None:
    Nodes(redis).beat(NodeEntry("east", "http://e", 1, 1))
    for node in ("east", "west", "north", "west", "east"):
        leases.acquire(node, leases.draw(["gate"]))
    holders = leases.holders("gate")
    assert [(one.node, one.node_api_url) for one in holders] == [
        ("east", "http://e"),
        ("west", ""),
        ("north", ""),
    ]
    assert [one.fence for one in holders] == sorted((one.fence for one in holders), reverse=True)
    assert [one.seen_ns for one in holders] == [1, 0, 0]
    assert leases.holder("gate") == holders[0]
    assert leases.holder("bridge") is None
    for number in range(2 * MOST_PAST):
        leases.acquire(f"node-{number}", leases.draw(["gate"]))
    assert len(leases.holders("gate")) == 1 + MOST_PAST


def test_numbers_rise_over_an_emptied_redis_and_a_lease_is_put_back(
    leases: Leases, redis: Redis
) -> None:
    drawn = leases.draw(["gate"])
    leases.acquire("east", drawn)
    redis.do("FLUSHALL")
    assert leases.held(["gate"]) == {}
    assert leases.acquire("east", drawn)["gate"].fence == drawn["gate"]
    assert leases.draw(["gate"])["gate"] > drawn["gate"]


def test_without_redis_nothing_is_answered() -> None:
    dead = connect("redis://127.0.0.1:1/0")
    with pytest.raises(IndexUnavailable):
        Leases(dead).draw(["gate"])
    dead.close()


def test_a_whole_city_takes_a_handful_of_commands(leases: Leases, redis: Redis) -> None:
    cameras = [f"cam-{number}" for number in range(6000)]
    redis.do("CONFIG", "RESETSTAT")
    leases.acquire("east", leases.draw(cameras))
    assert len(leases.held(cameras)) == 6000
    stats = redis.do("INFO", "commandstats")
    assert isinstance(stats, dict)
    assert stats["cmdstat_eval"]["calls"] == 2
    assert stats["cmdstat_hmget"]["calls"] == 1
    assert not {"cmdstat_keys", "cmdstat_scan", "cmdstat_hscan"} & stats.keys()


def test_what_nodes_say_of_themselves(redis: Redis) -> None:
    nodes = Nodes(redis)
    east, west = NodeEntry("east", "http://e", 2, 1), NodeEntry("west", "http://w", 4, 7)
    assert nodes.beat(east) == {}
    assert nodes.beat(west) == {"east": east}
    again = NodeEntry("east", "http://e", 2, 2)
    assert nodes.beat(again) == {"east": east, "west": west}
