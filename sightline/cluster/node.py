"""The membership of a node in the cluster, and the cameras that it holds.

It is a job of the supervisor, so it runs exactly as long as the node.
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
from sightline.cluster.changed_states import ChangedStates
from sightline.cluster.lease_policy import (
    HAND_OVER_WITHIN_S,
    ClusterView,
    HeldLease,
    Steps,
    next_steps,
)
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
UPDATE_EVERY_S = 1.0
LEAVE_WITHIN_S = 8.0
"""How long a node that stops waits until other nodes record its cameras."""
SETTLED_S = 1.5
"""The status of a camera describes its current run only after this long."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a node announces of itself."""

    name: str
    node_api_url: str
    capacity: float


@dataclass(frozen=True, slots=True)
class ClusterStores:
    """What the nodes of a site publish of themselves through Redis."""

    nodes: Nodes
    leases: Leases
    states: CameraStates


class Node:
    """One node of a site.

    It makes three calls to Redis a second, for any number of cameras: it reads the living nodes,
    reads the leases, and publishes the states of its cameras.
    """

    def __init__(
        self,
        identity: Identity,
        roster_writer: RosterWriter,
        registry: RunningRegistry,
        stores: ClusterStores,
        layout: Layout,
        clock: Clock,
        workers_fail: Callable[[], bool],
    ) -> None:
        self._identity = identity
        self._roster_writer = roster_writer
        self._registry = registry
        self._nodes = stores.nodes
        self._leases = stores.leases
        self._states = stores.states
        self._layout = layout
        self._clock = clock
        self._workers_fail = workers_fail
        self._peers = Membership()
        self._held = {
            name: HeldLease(fence, clock.monotonic_s())
            for name, fence in roster_writer.before.items()
        }
        self._assigned: tuple[object, dict[str, str]] = ((), {})
        self._published: set[str] = set()
        self._changed_states = ChangedStates()
        self._leaving = False
        self._must_draw = True
        """Whether new fencing numbers are needed.

        The clock was set back, or may have been before this start. New recordings then overlap
        older ones.
        """
        self._seen_steps = clock.steps
        self._last_beat = 0
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.run_once()
            self._clock.wait(stop, UPDATE_EVERY_S)
        self._leave()

    def run_once(self) -> None:
        """Update membership and leases, and write the rosters of the workers.

        During an outage of Redis the node continues with the cameras that it holds.
        """
        running = self._registry.now()
        cameras = {camera.id: camera for camera in running.registry.cameras if camera.enabled}
        statuses = {status.camera_id: status for status in read_statuses(self._layout)}
        try:
            self._update_leases(cameras, statuses)
            self._publish(statuses)
        except IndexUnavailable as error:
            self._peers.on_outage()
            self._changed_states.forget_except(())
            self._held = {name: one for name, one in self._held.items() if name in cameras}
            self._warn(
                "redis",
                f"this node continues with its {len(self._held)} cameras: {error}",
            )
        self._write_rosters(running, cameras)

    def _publish(self, statuses: Mapping[str, CameraStatus]) -> None:
        self._changed_states.forget_except(self._published)
        own = (status for name, status in statuses.items() if name in self._published)
        now_s = self._clock.monotonic_s()
        due = self._changed_states.due(own, now_s)
        self._states.publish(due)
        self._changed_states.published(due, now_s)

    def _update_leases(
        self, cameras: Mapping[str, Camera], statuses: Mapping[str, CameraStatus]
    ) -> None:
        now_s = self._clock.monotonic_s()
        self._peers.update(self._announce(), now_s)
        capacities = self._peers.capacities(now_s)
        assigned = self._assigned_cameras(cameras, capacities)
        leases = self._leases.held(sorted(assigned | self._held.keys()))
        waiting = [
            name
            for name, one in self._held.items()
            if (lease := leases.get(name)) and lease.fence < one.fence
        ]
        elsewhere = self._states.get(waiting)
        view = ClusterView(
            self._identity.name,
            now_s,
            assigned,
            cameras.keys(),
            capacities.keys(),
            leases,
            records=lambda name: self._records(name, statuses.get(name)),
            records_elsewhere=lambda name: name in elsewhere and elsewhere[name].state.is_live,
        )
        self._apply_steps(next_steps(self._held, view), leases, now_s)

    def _announce(self) -> dict[str, NodeEntry]:
        """Send the heartbeat of this node; return the entries of all nodes."""
        capacity = 0.0 if self._leaving or self._has_failing_workers() else self._identity.capacity
        entry = NodeEntry(
            self._identity.name, self._identity.node_api_url, capacity, self._clock.wall_ns()
        )
        entries = self._nodes.beat(entry)
        before = entries.get(entry.name)
        if before is not None and self._last_beat and before.beat != self._last_beat:
            self._warn(
                "name",
                f"another node also uses the name {entry.name}; set a unique SIGHTLINE_NODE",
            )
        self._last_beat = entry.beat
        return entries | {entry.name: entry}

    def _has_failing_workers(self) -> bool:
        """Return whether all workers of this node fail and another node can run its cameras."""
        if not self._workers_fail() or not self._has_peers():
            return False
        self._warn(
            "workers",
            "all workers of this node fail repeatedly; its cameras move to other nodes",
        )
        return True

    def _has_peers(self) -> bool:
        """Return whether another living node accepts cameras."""
        capacities = self._peers.capacities(self._clock.monotonic_s())
        return any(capacity for name, capacity in capacities.items() if name != self._identity.name)

    def _assigned_cameras(
        self, cameras: Mapping[str, Camera], capacities: Mapping[str, float]
    ) -> set[str]:
        loads = {name: load_of(camera) for name, camera in cameras.items()}
        inputs = (loads, capacities)
        # The assignment of a whole city takes a while, so it is computed only after a change.
        if self._assigned[0] != inputs:
            self._assigned = (inputs, assign(loads, capacities))
        return {name for name, node in self._assigned[1].items() if node == self._identity.name}

    def _apply_steps(self, steps: Steps, leases: Mapping[str, Lease], now_s: float) -> None:
        for name in steps.released:
            _log.info("camera %s is now assigned to node %s", name, leases[name].node)
        self._held = steps.held
        self._must_draw |= self._was_set_back()
        drawn = self._leases.draw([*(steps.held if self._must_draw else ()), *steps.draw])
        self._held |= {name: HeldLease(fence, now_s) for name, fence in drawn.items()}
        self._must_draw = False
        unheld = {name: self._held[name].fence for name in steps.draw if name not in leases}
        current = self._leases.acquire(self._identity.name, steps.acquire | unheld)
        acquired = [name for name, lease in current.items() if lease.node == self._identity.name]
        LEASES.labels("taken").inc(len(acquired))
        LEASES.labels("given_up").inc(len(steps.released))
        if acquired:
            _log.info(
                "acquired the leases of %d cameras: %s",
                len(acquired),
                ", ".join(sorted(acquired)[:10]) + (" …" if len(acquired) > 10 else ""),
            )
        self._published = {
            name
            for name in self._held
            if (current.get(name) or leases.get(name) or _NO_LEASE).node == self._identity.name
        }

    def _was_set_back(self) -> bool:
        """Return whether the clock was set back since the last call."""
        before, self._seen_steps = self._seen_steps, self._clock.steps
        return any(step.to_ns < step.from_ns for step in self._seen_steps if step not in before)

    def _records(self, camera_id: str, status: CameraStatus | None) -> bool:
        """Return whether a camera is recorded here.

        A live camera that is not recorded by its policy or load shedding counts after a while.
        """
        age_s = self._clock.monotonic_s() - self._held[camera_id].since_s
        if status is None or age_s < SETTLED_S:
            return False
        lives = status.state.is_live and age_s > HAND_OVER_WITHIN_S
        return lives or status.recorded_until_ns > 0 or status.state is CameraState.IDLE

    def _write_rosters(self, running: Running, cameras: Mapping[str, Camera]) -> None:
        fences = {name: one.fence for name, one in self._held.items()}
        CAMERAS_HELD.set(len(fences))
        try:
            self._roster_writer.place(
                [cameras[name] for name in fences if name in cameras], fences, running
            )
        except OSError as error:  # with a full disk the workers continue with their rosters
            self._warn("rosters", f"the rosters of the workers cannot be written: {error}")

    def _leave(self) -> None:
        """Continue until other nodes run the cameras, if there are any and Redis responds."""
        self._leaving = True
        deadline_s = self._clock.monotonic_s() + LEAVE_WITHIN_S
        while self._held and self._clock.monotonic_s() < deadline_s:
            if not self._peers.answers or not self._has_peers():
                return
            self.run_once()
            self._clock.sleep(UPDATE_EVERY_S / 2)


_NO_LEASE = Lease("", "", 0)
