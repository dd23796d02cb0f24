"""The reports of nodes, and which node is alive, by the clock of Redis alone."""

from __future__ import annotations

import logging

import pytest

from domain.camera_states import CameraState
from domain.clock import MS_PER_DAY, NS_PER_MS, NS_PER_S, ManualClock
from storage.clients.redis import Redis
from storage.site.node_reports import (
    LISTED_DAYS,
    OFFLINE_AFTER_S,
    KnownNode,
    NodeLoad,
    NodeReport,
    NodeReports,
    NodeState,
    NodeWorkers,
    clock_offset_ms,
)
from storage.site.nodes import NodeEntry, Nodes


def report(offset_ms: int | None = 0, version: str = "1.0") -> NodeReport:
    return NodeReport(
        version=version,
        workers=NodeWorkers(configured=2, running=2),
        cameras={"A": {CameraState.LIVE: 3}},
        shed={},
        load=NodeLoad(processor=0.1, disk=0.0),
        disk=None,
        upload_waits_since=None,
        spool_events=0,
        clock_offset_ms=offset_ms,
    )


def server_ms(redis: Redis) -> int:
    answer = redis.do("TIME")
    assert isinstance(answer, tuple)
    seconds, microseconds = answer
    return int(seconds) * 1000 + int(microseconds) // 1000


def silence(redis: Redis, node: str, seconds: float) -> int:
    """Let a node have reported last so long ago; return that time (UTC ns)."""
    seen_ms = server_ms(redis) - round(seconds * 1000)
    redis.do("HSET", "{nodes}:seen", node, seen_ms)
    return seen_ms * NS_PER_MS


def only(redis: Redis) -> KnownNode:
    (node,) = NodeReports(redis).all()
    return node


def test_a_report_is_read_as_it_was_published(redis: Redis) -> None:
    before_ns = server_ms(redis) * NS_PER_MS
    at_ns = NodeReports(redis).publish("east", report())
    node = only(redis)
    assert (node.name, node.state, node.report) == ("east", NodeState.ONLINE, report())
    assert before_ns <= at_ns == node.seen_ns <= server_ms(redis) * NS_PER_MS
    NodeReports(redis).publish("east", report(version="2.0"))
    NodeReports(redis).publish("alone", report())
    assert [one.name for one in NodeReports(redis).all()] == ["alone", "east"]


def test_a_silent_node_is_offline_and_keeps_its_report(redis: Redis) -> None:
    NodeReports(redis).publish("east", report())
    since_ns = silence(redis, "east", OFFLINE_AFTER_S + 5)
    node = only(redis)
    assert (node.state, node.seen_ns, node.report) == (NodeState.OFFLINE, since_ns, report())
    NodeReports(redis).publish("east", report())
    assert only(redis).state is NodeState.ONLINE


@pytest.mark.parametrize("offset_ms", [0, 3_600_000, -3_600_000])
def test_a_heartbeat_counts_by_the_clock_of_redis(redis: Redis, offset_ms: int) -> None:
    """The clock of the node may be wrong by an hour; the offset is in its report."""
    NodeReports(redis).publish("east", report(offset_ms))
    silence(redis, "east", 60)
    beat_ms = server_ms(redis) + offset_ms
    Nodes(redis).beat(NodeEntry("east", "http://e", 4, beat_ms * NS_PER_MS))
    assert only(redis).state is NodeState.ONLINE
    Nodes(redis).beat(NodeEntry("east", "http://e", 4, (beat_ms - 60_000) * NS_PER_MS))
    assert only(redis).state is NodeState.OFFLINE


def test_a_node_that_leaves_is_draining(redis: Redis) -> None:
    NodeReports(redis).publish("east", report())
    Nodes(redis).beat(NodeEntry("east", "http://e", 0, server_ms(redis) * NS_PER_MS))
    assert only(redis).state is NodeState.DRAINING


def test_a_node_without_a_report_is_listed(redis: Redis) -> None:
    """A node of an older version, or one whose first worker has not started."""
    Nodes(redis).beat(NodeEntry("old", "http://o", 4, server_ms(redis) * NS_PER_MS))
    node = only(redis)
    assert (node.state, node.report) == (NodeState.ONLINE, None)


def test_a_report_that_cannot_be_read_hides_no_node(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    NodeReports(redis).publish("east", report())
    redis.do("HSET", "{nodes}:reports", "east", '{"schema": 99}')
    with caplog.at_level(logging.WARNING):
        node = only(redis)
    assert (node.state, node.report) == (NodeState.ONLINE, None)
    assert "the report of node 'east'" in caplog.text


def test_words_of_a_newer_node_are_kept(redis: Redis) -> None:
    newer = report().model_dump_json(by_alias=True).replace('"live"', '"sleeping"')
    NodeReports(redis).publish("east", report())
    redis.do("HSET", "{nodes}:reports", "east", newer)
    found = only(redis).report
    assert found is not None
    assert found.cameras == {"A": {"sleeping": 3}}


def test_a_node_that_is_gone_for_long_is_not_listed(redis: Redis) -> None:
    NodeReports(redis).publish("east", report())
    silence(redis, "east", LISTED_DAYS * MS_PER_DAY / 1000 + 60)
    assert NodeReports(redis).all() == ()


def test_the_offset_is_measured_at_the_middle_of_the_call() -> None:
    clock = ManualClock(1_000 * NS_PER_S)
    began_ns = clock.wall_ns()
    clock.advance(0.2)
    assert clock_offset_ms(clock, began_ns, 990 * NS_PER_S) == 10_100
