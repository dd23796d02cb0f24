"""Simulated nodes: after any failure, a recorded camera stays recorded, and the views converge."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.cluster.lease_policy import ClusterView, HeldLease, next_steps
from sightline.cluster.membership import Membership
from sightline.cluster.node_assignment import assign
from storage.site.leases import Lease
from storage.site.nodes import NodeEntry

CAMERAS = {f"cam-{number}": 1.0 for number in range(8)}
STARTS_IN_S = 2
"""A camera records this long after its node began with it."""


@dataclass
class City:
    """A simulation of Redis for leases."""

    about: dict[str, NodeEntry] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)
    now_s: int = 1000
    answers: bool = True

    def draw(self, camera: str) -> int:
        held = self.leases[camera].fence if camera in self.leases else 0
        self.drawn[camera] = max(held + 1, self.drawn.get(camera, 0) + 1, self.now_s)
        return self.drawn[camera]

    def acquire(self, node: str, camera: str, fence: int) -> None:
        if camera not in self.leases or fence > self.leases[camera].fence:
            self.leases[camera] = Lease(node, "", fence)


class SimNode:
    def __init__(self, name: str, city: City) -> None:
        self.name, self.city = name, city
        self.held: dict[str, HeldLease] = {}
        self.peers = Membership()
        self.cut_off = False

    def records(self, camera: str) -> bool:
        return camera in self.held and self.city.now_s - self.held[camera].since_s >= STARTS_IN_S

    def tick(self, nodes: list[SimNode]) -> None:
        city, now_s = self.city, self.city.now_s
        if self.cut_off or not city.answers:
            self.peers.on_outage()
            return
        city.about[self.name] = NodeEntry(self.name, "", 1.0, now_s)
        self.peers.update(city.about, now_s)
        capacities = self.peers.capacities(now_s)
        assigned = {
            camera for camera, node in assign(CAMERAS, capacities).items() if node == self.name
        }
        elsewhere = {
            camera
            for node in nodes
            if node is not self
            for camera in node.held
            if node.records(camera)
        }
        view = ClusterView(
            self.name,
            now_s,
            assigned,
            CAMERAS,
            capacities,
            {k: v for k, v in city.leases.items() if k in assigned | self.held.keys()},
            self.records,
            elsewhere.__contains__,
        )
        steps = next_steps(self.held, view)
        self.held = steps.held | {
            camera: HeldLease(city.draw(camera), now_s) for camera in steps.draw
        }
        fresh = {
            camera: self.held[camera].fence for camera in steps.draw if camera not in city.leases
        }
        for camera, fence in (steps.acquire | fresh).items():
            city.acquire(self.name, camera, fence)


def _recorded(nodes: list[SimNode]) -> set[str]:
    return {camera for node in nodes for camera in node.held if node.records(camera)}


def _run(city: City, nodes: list[SimNode], seconds: int) -> None:
    for _ in range(seconds):
        city.now_s += 1
        for node in nodes:
            node.tick(nodes)


def _settled(city: City, nodes: list[SimNode]) -> bool:
    """Return whether every camera runs on one node with its lease, within each node's share."""
    holding = [(camera, node.name) for node in nodes for camera in node.held]
    owned = all(city.leases[camera].node == node for camera, node in holding)
    return sorted(camera for camera, _ in holding) == sorted(CAMERAS) and owned


Steps = st.lists(
    st.sampled_from(["add", "cut off", "back", "empty", "away", "here", "wait"]), max_size=8
)


@settings(max_examples=150, deadline=None)
@given(Steps)
def test_no_camera_stops_while_its_node_lives(actions: list[str]) -> None:
    city = City()
    nodes = [SimNode("node-0", city), SimNode("node-1", city)]
    _run(city, nodes, 20)
    assert _settled(city, nodes)
    for action in actions:
        match action:
            case "add" if len(nodes) < 4:
                nodes.append(SimNode(f"node-{len(nodes)}", city))
            case "cut off":
                nodes[-1].cut_off = True
            case "back":
                nodes[-1].cut_off = False
            case "empty":
                city.about, city.leases, city.drawn = {}, {}, {}
            case "away" | "here":
                city.answers = action == "here"
        for _ in range(7):
            _run(city, nodes, 1)
            assert _recorded(nodes) == CAMERAS.keys(), f"a gap after {action}"
    city.answers = True
    for node in nodes:
        node.cut_off = False
    for _ in range(40):
        _run(city, nodes, 1)
        assert _recorded(nodes) == CAMERAS.keys()
    assert _settled(city, nodes)


@given(st.integers(2, 4))
def test_the_cameras_of_a_killed_node_are_recorded_within_eight_seconds(count: int) -> None:
    city = City()
    nodes = [SimNode(f"node-{number}", city) for number in range(count)]
    _run(city, nodes, 20)
    nodes.pop()
    _run(city, nodes, 8)
    assert _recorded(nodes) == CAMERAS.keys()
    _run(city, nodes, 10)
    assert _settled(city, nodes)


def test_what_is_held_without_redis_is_held_for_ever_and_a_higher_number_ends_it() -> None:
    city = City()
    nodes = [SimNode("node-0", city), SimNode("node-1", city)]
    _run(city, nodes, 20)
    nodes[1].cut_off = True
    lost = set(nodes[1].held)
    _run(city, nodes, 600)
    assert set(nodes[1].held) == lost
    assert set(nodes[0].held) == CAMERAS.keys(), "both record what the one that is cut off had"
    nodes[1].cut_off = False
    nodes[1].tick(nodes)
    assert not set(nodes[1].held) & lost or all(
        nodes[1].held[camera].since_s == city.now_s for camera in lost & nodes[1].held.keys()
    )
