"""Decides the next step of a node for each camera: draw a number, acquire, continue or release.

This module does no I/O. docs/nodes.md explains the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from storage.site.leases import Lease

HAND_OVER_WITHIN_S = 8.0
"""A camera that records on neither node by then is acquired anyway, because it is down."""


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A camera that this node runs under a fencing number that it drew."""

    fence: int
    since_s: float
    """When the node started to run it, by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What a node knows of the cluster at one moment."""

    node: str
    now_s: float
    assigned: Collection[str]
    """The cameras that are assigned to this node."""
    known: Collection[str]
    """All cameras that run on some node."""
    living: Collection[str]
    """The nodes that are alive."""
    leases: Mapping[str, Lease]
    records: Callable[[str], bool]
    """Returns whether a camera is recorded here, or would be if its policy required it."""
    records_elsewhere: Callable[[str], bool]


@dataclass(slots=True)
class Steps:
    """The next steps of a node."""

    held: dict[str, HeldLease] = field(default_factory=dict)
    """The cameras that continue to run."""
    draw: list[str] = field(default_factory=list)
    """The cameras that start to run after a fencing number is drawn."""
    acquire: dict[str, int] = field(default_factory=dict)
    """The fencing numbers under which to acquire leases."""
    released: list[str] = field(default_factory=list)
    """The cameras that another node runs from now on."""


def next_steps(held: Mapping[str, HeldLease], view: ClusterView) -> Steps:
    """Decide the next steps for the cameras of `held` and those that are assigned to the node."""
    steps = Steps()
    for camera_id, known in held.items():
        if camera_id in view.known:
            _add_held(camera_id, known, view, steps)
    steps.draw += [
        camera_id
        for camera_id in view.assigned
        if camera_id not in steps.held and camera_id not in steps.released
    ]
    return steps


def _add_held(camera_id: str, known: HeldLease, view: ClusterView, steps: Steps) -> None:
    """Decide whether a held camera continues to run here, and whether its lease is acquired."""
    lease = view.leases.get(camera_id)
    if lease is not None and lease.fence > known.fence:
        if lease.node != view.node:
            steps.released.append(camera_id)
            return
        # This node acquired the lease under a number that it has forgotten.
        known = replace(known, fence=lease.fence)
    elif lease is None or lease.fence < known.fence:
        if camera_id not in view.assigned and lease is not None and not view.records(camera_id):
            # It started here and was never recorded, and now another node is assigned.
            steps.released.append(camera_id)
            return
        if _may_acquire(camera_id, known, lease, view):
            steps.acquire[camera_id] = known.fence
    steps.held[camera_id] = known


def _may_acquire(camera_id: str, known: HeldLease, lease: Lease | None, view: ClusterView) -> bool:
    """Return whether the lease may be acquired now.

    Another living node keeps a camera until it is recorded here, unless nothing records it there.
    """
    if lease is None or lease.node == view.node or lease.node not in view.living:
        return True
    if view.records(camera_id):
        return True
    is_late = view.now_s - known.since_s > HAND_OVER_WITHIN_S
    return is_late and not view.records_elsewhere(camera_id)
