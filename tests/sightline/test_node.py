"""A node on a real Redis: its numbers, and when it takes part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.layout import Layout
from sightline.node import Identity, Node
from sightline.placing import Placing
from sightline.roster import RosterFile
from sightline.site_registry import RunningRegistry, settle
from storage.leases import Leases
from storage.nodes import Nodes
from storage.redis_door import Redis, connect
from storage.states import CameraStates

REGISTRY = """\
version: 1
areas: {a: {name: a}}
cameras:
  - {id: gate, name: x, class: A, area: a, location: {lon: 1, lat: 2}, url: rtsp://127.0.0.1/1}
  - {id: bridge, name: x, class: A, area: a, location: {lon: 1, lat: 2}, url: rtsp://127.0.0.1/2}
"""


@pytest.fixture
def redis(valkey_server: str) -> Iterator[Redis]:
    door = connect(valkey_server)
    door.do("FLUSHALL")
    yield door
    door.close()


@dataclass
class Alone:
    """A node without others."""

    node: Node
    clock: ManualClock
    layout: Layout
    leases: Leases

    def fences(self) -> dict[str, int]:
        """What its worker is told."""
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
    node = Node(who, Placing(layout, 1, clock), RunningRegistry(layout), Nodes(redis), leases, CameraStates(redis), layout, clock)
    return Alone(node, clock, layout, leases)


def test_a_clock_set_back_brings_higher_numbers_and_one_set_forward_none(redis: Redis, tmp_path: Path) -> None:
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
    """Nobody knows what its clock did meanwhile."""
    before = _open(redis, tmp_path)
    before.look()
    first = before.fences()
    again = _open(redis, tmp_path)
    again.look()
    again.look()
    assert all(again.fences()[name] > first[name] for name in first)
    assert again.held() == again.fences()
