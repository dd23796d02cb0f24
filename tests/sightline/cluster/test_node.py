"""A node on a real Redis: its fencing numbers, and when it takes part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from sightline.cluster.node import ClusterStores, Identity, Node
from sightline.cluster.roster import RosterFile
from sightline.cluster.roster_writer import RosterWriter
from sightline.cluster.site_registry import RunningRegistry, settle
from storage.clients.redis import Redis, connect
from storage.site.camera_states import CameraStates
from storage.site.leases import Leases
from storage.site.nodes import NodeEntry, Nodes

REGISTRY = """\
version: 1
areas: {a: {name: a}}
cameras:
  - {id: gate, name: x, class: A, area: a, location: {lon: 1, lat: 2}, url: rtsp://127.0.0.1/1}
  - {id: bridge, name: x, class: A, area: a, location: {lon: 1, lat: 2}, url: rtsp://127.0.0.1/2}
"""


@pytest.fixture
def redis(valkey_server: str) -> Iterator[Redis]:
    redis = connect(valkey_server)
    redis.do("FLUSHALL")
    yield redis
    redis.close()


@dataclass
class Alone:
    """A node without peers."""

    node: Node
    clock: ManualClock
    layout: Layout
    leases: Leases
    nodes: Nodes
    failing: list[str]

    def fences(self) -> dict[str, int]:
        """Return the fencing numbers in its worker's roster."""
        roster = RosterFile(self.layout, 0).changed()
        assert roster is not None
        return {one.camera.id: one.fence for one in roster.cameras}

    def held(self) -> dict[str, int]:
        return {name: lease.fence for name, lease in self.leases.held(["gate", "bridge"]).items()}

    def look(self) -> None:
        self.node.run_once()
        self.clock.advance(1)


def _open(redis: Redis, folder: Path) -> Alone:
    layout, clock, leases = Layout(folder), ManualClock(), Leases(redis)
    registry = folder / "registry.yaml"
    registry.write_text(REGISTRY)
    settle(registry, layout, clock)
    who = Identity("east", "http://e", 1)
    failing: list[str] = []
    node = Node(
        who,
        RosterWriter(layout, lambda _: 1, lambda *_: None, clock),
        RunningRegistry(layout),
        ClusterStores(Nodes(redis), leases, CameraStates(redis)),
        layout,
        clock,
        workers_fail=lambda: bool(failing),
    )
    return Alone(node, clock, layout, leases, Nodes(redis), failing)


def test_a_clock_set_back_brings_higher_numbers_and_one_set_forward_none(
    redis: Redis, tmp_path: Path
) -> None:
    alone = _open(redis, tmp_path)
    for _ in range(3):
        alone.look()
    first = alone.fences()
    assert first.keys() == {"gate", "bridge"}
    alone.clock.step(3600)
    alone.look()
    assert alone.fences() == alone.held() == first
    alone.clock.step(-3600)
    for _ in range(3):
        alone.look()
    second = alone.fences()
    assert all(second[name] > first[name] for name in first)
    assert alone.held() == second


def test_a_node_that_starts_again_has_higher_numbers(redis: Redis, tmp_path: Path) -> None:
    """The clock may have been set back meanwhile."""
    before = _open(redis, tmp_path)
    before.look()
    first = before.fences()
    again = _open(redis, tmp_path)
    again.look()
    again.look()
    assert all(again.fences()[name] > first[name] for name in first)
    assert again.held() == again.fences()


def test_a_node_whose_workers_fail_takes_nothing_where_another_can(
    redis: Redis, tmp_path: Path
) -> None:
    alone = _open(redis, tmp_path)
    alone.failing.append("worker-0")
    alone.look()
    assert alone.held().keys() == {"gate", "bridge"}  # better a bad node than none
    for beat in range(2):
        alone.nodes.beat(NodeEntry("west", "http://w", 1, beat))
        alone.look()
    assert alone.nodes.beat(NodeEntry("west", "http://w", 1, 3))["east"].capacity == 0
    alone.leases.acquire("west", alone.leases.draw(["gate", "bridge"]))
    alone.look()
    assert alone.fences() == {}
    alone.failing.clear()
    alone.look()
    assert alone.nodes.beat(NodeEntry("west", "http://w", 1, 4))["east"].capacity == 1
