"""A node: the cameras it holds among the city's nodes. One job of the supervisor, so it lives
exactly as long as the node does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.camera_states import CameraState, CameraStatus
from domain.clock import Clock
from domain.errors import IndexUnavailable
from domain.log import FloodGate
from domain.metrics import CAMERAS_HELD, LEASES
from domain.paths.data_layout import Layout
from domain.registry import Camera
from sightline.cluster.lease_policy import HAND_OVER_WITHIN_S, HeldLease, Sight, Steps, next_steps
from sightline.cluster.membership import Membership
from sightline.cluster.node_assignment import assign
from sightline.cluster.roster_writer import RosterWriter
from sightline.cluster.site_registry import Running, RunningRegistry
from sightline.cluster.worker_balance import load_of
from sightline.processes.status_file import read_statuses
from storage.site.camera_states import CameraStates
from storage.site.leases import Lease, Leases
from storage.site.nodes import NodeEntry, Nodes

_log = logging.getLogger(__name__)
STEER_EVERY_S = 1.0
LEAVE_WITHIN_S = 8.0
"""How long a node that is stopped waits for others to record its cameras."""
SETTLED_S = 1.5
"""What a worker says of a camera is of the camera as it runs now only after this long."""


@dataclass(frozen=True, slots=True)
class Identity:
    name: str
    node_api_url: str
    capacity: float


class Node:
    """Asks Redis three things a second, however many cameras there are: who lives, who holds
    what, and to publish how cameras are.
    """

    def __init__(
        self,
        who: Identity,
        placing: RosterWriter,
        registry: RunningRegistry,
        nodes: Nodes,
        leases: Leases,
        states: CameraStates,
        layout: Layout,
        clock: Clock,
        workers_fail: Callable[[], bool],
    ) -> None:
        self._who = who
        self._placing = placing
        self._registry = registry
        self._nodes = nodes
        self._leases = leases
        self._states = states
        self._layout = layout
        self._clock = clock
        self._workers_fail = workers_fail
        self._peers = Membership()
        self._held = {
            name: HeldLease(fence, clock.monotonic_s()) for name, fence in placing.before.items()
        }
        self._assigned: tuple[object, dict[str, str]] = ((), {})
        self._published: set[str] = set()
        self._leaving = False
        self._must_draw = True
        """Time is lived through again, or may be, as nobody knows what the clock did before:
        what is recorded now lies over what was.
        """
        self._seen_steps = clock.steps
        self._last_beat = 0
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.run_once()
            self._clock.wait(stop, STEER_EVERY_S)
        self._leave()

    def run_once(self) -> None:
        """See who lives and who holds what, act on it, and tell the workers. While Redis is
        away, what is held is held.
        """
        running = self._registry.now()
        cameras = {camera.id: camera for camera in running.registry.cameras if camera.enabled}
        statuses = {status.camera_id: status for status in read_statuses(self._layout)}
        try:
            self._steer(cameras, statuses)
            self._states.publish(
                [status for name, status in statuses.items() if name in self._published]
            )
        except IndexUnavailable as error:
            self._peers.unheard()
            self._held = {name: one for name, one in self._held.items() if name in cameras}
            self._warn(
                "redis",
                f"this node continues with its {len(self._held)} cameras: {error}",
            )
        self._place(running, cameras)

    def _steer(self, cameras: Mapping[str, Camera], statuses: Mapping[str, CameraStatus]) -> None:
        now_s = self._clock.monotonic_s()
        self._peers.see(self._beat(), now_s)
        capacities = self._peers.capacities(now_s)
        wanted = self._wanted(cameras, capacities)
        leases = self._leases.held(sorted(wanted | self._held.keys()))
        waiting = [
            name
            for name, one in self._held.items()
            if (lease := leases.get(name)) and lease.fence < one.fence
        ]
        elsewhere = self._states.get(waiting)
        steps = next_steps(self._held, Sight(
            self._who.name, now_s, wanted, cameras.keys(), capacities.keys(), leases,
            records=lambda name: self._records(name, statuses.get(name)),
            records_elsewhere=lambda name: name in elsewhere and elsewhere[name].state.is_live,
        ))  # fmt: skip
        self._act(steps, leases, now_s)

    def _beat(self) -> dict[str, NodeEntry]:
        capacity = 0.0 if self._leaving or self._is_of_no_use() else self._who.capacity
        entry = NodeEntry(self._who.name, self._who.node_api_url, capacity, self._clock.wall_ns())
        said = self._nodes.beat(entry)
        before = said.get(entry.name)
        if before is not None and self._last_beat and before.beat != self._last_beat:
            self._warn(
                "name",
                f"another node also uses the name {entry.name}; set a unique SIGHTLINE_NODE",
            )
        self._last_beat = entry.beat
        return said | {entry.name: entry}

    def _is_of_no_use(self) -> bool:
        """All its workers fail, and another node can have its cameras; the last one that is
        left keeps them.
        """
        others = self._peers.capacities(self._clock.monotonic_s())
        if not self._workers_fail() or not any(
            capacity for name, capacity in others.items() if name != self._who.name
        ):
            return False
        self._warn(
            "workers",
            "all workers of this node fail repeatedly; its cameras move to other nodes",
        )
        return True

    def _wanted(self, cameras: Mapping[str, Camera], capacities: Mapping[str, float]) -> set[str]:
        loads = {name: load_of(camera) for name, camera in cameras.items()}
        asked = (loads, capacities)
        if (
            self._assigned[0] != asked
        ):  # reckoned once for each change: it takes a moment for a whole city
            self._assigned = (asked, assign(loads, capacities))
        return {name for name, node in self._assigned[1].items() if node == self._who.name}

    def _act(self, steps: Steps, leases: Mapping[str, Lease], now_s: float) -> None:
        for name in steps.given_up:
            _log.info("camera %s is now assigned to node %s", name, leases[name].node)
        self._held = steps.held
        self._must_draw |= self._was_set_back()
        drawn = self._leases.draw([*(steps.held if self._must_draw else ()), *steps.draw])
        self._held |= {name: HeldLease(fence, now_s) for name, fence in drawn.items()}
        self._must_draw = False
        unheld = {name: self._held[name].fence for name in steps.draw if name not in leases}
        current = self._leases.acquire(self._who.name, steps.take | unheld)
        taken = [name for name, lease in current.items() if lease.node == self._who.name]
        LEASES.labels("taken").inc(len(taken))
        LEASES.labels("given_up").inc(len(steps.given_up))
        if taken:
            _log.info(
                "acquired the leases of %d cameras: %s",
                len(taken),
                ", ".join(sorted(taken)[:10]) + (" …" if len(taken) > 10 else ""),
            )
        self._published = {
            name
            for name in self._held
            if (current.get(name) or leases.get(name) or _NOBODYS).node == self._who.name
        }

    def _was_set_back(self) -> bool:
        """Whether the clock was since the last look."""
        before, self._seen_steps = self._seen_steps, self._clock.steps
        return any(step.to_ns < step.from_ns for step in self._seen_steps if step not in before)

    def _records(self, camera_id: str, status: CameraStatus | None) -> bool:
        """One that lives and is not to be recorded now, for its policy or under pressure,
        counts once it has lived for long enough.
        """
        age_s = self._clock.monotonic_s() - self._held[camera_id].since_s
        if status is None or age_s < SETTLED_S:
            return False
        lives = status.state.is_live and age_s > HAND_OVER_WITHIN_S
        return lives or status.recorded_until_ns > 0 or status.state is CameraState.IDLE

    def _place(self, running: Running, cameras: Mapping[str, Camera]) -> None:
        fences = {name: one.fence for name, one in self._held.items()}
        CAMERAS_HELD.set(len(fences))
        try:
            self._placing.place(
                [cameras[name] for name in fences if name in cameras], fences, running
            )
        except OSError as error:  # a full disk: the workers go on with what they have
            self._warn("rosters", f"the rosters of the workers cannot be written: {error}")

    def _leave(self) -> None:
        """Let others take the cameras before they end here, where there are any others and
        Redis answers.
        """
        self._leaving = True
        deadline_s = self._clock.monotonic_s() + LEAVE_WITHIN_S
        while self._held and self._clock.monotonic_s() < deadline_s:
            others = self._peers.capacities(self._clock.monotonic_s())
            if not self._peers.answers or not any(
                capacity for name, capacity in others.items() if name != self._who.name
            ):
                return
            self.run_once()
            self._clock.sleep(STEER_EVERY_S / 2)


_NOBODYS = Lease("", "", 0)
