"""What a node does next about each camera: draw a number and begin, take it, go on, or give it
up. Pure; docs/nodes.md tells the story.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from storage.site.leases import Lease

HAND_OVER_WITHIN_S = 8.0
"""A camera that records neither here nor there by then is taken all the same: it is down, and
its lease should be where it belongs.
"""


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A camera that this node runs, under a number that it drew; `since_s` by the monotonic
    clock.
    """

    fence: int
    since_s: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What the node sees. `wanted`: what it should have; `known`: every camera that is to run
    somewhere.
    """

    node: str
    now_s: float
    wanted: Collection[str]
    known: Collection[str]
    living: Collection[str]
    """Nodes that live."""
    leases: Mapping[str, Lease]
    records: Callable[[str], bool]
    """Whether a camera is recorded here, or would be if it were to be."""
    records_elsewhere: Callable[[str], bool]


@dataclass(slots=True)
class Steps:
    """What to do: `held` is what goes on, `draw` what begins once a number is drawn, `take` the
    numbers under which to take leases.
    """

    held: dict[str, HeldLease] = field(default_factory=dict)
    draw: list[str] = field(default_factory=list)
    take: dict[str, int] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)


def next_steps(held: Mapping[str, HeldLease], sight: Sight) -> Steps:
    steps = Steps()
    for camera_id, one in held.items():
        if camera_id in sight.known:
            _go_on(camera_id, one, sight, steps)
    steps.draw += [
        camera_id
        for camera_id in sight.wanted
        if camera_id not in steps.held and camera_id not in steps.given_up
    ]
    return steps


def _go_on(camera_id: str, one: HeldLease, sight: Sight, steps: Steps) -> None:
    lease = sight.leases.get(camera_id)
    if lease is not None and lease.fence > one.fence:
        if lease.node != sight.node:
            steps.given_up.append(camera_id)
            return
        one = replace(
            one, fence=lease.fence
        )  # taken by this node under a number that it has forgotten
    elif lease is None or lease.fence < one.fence:
        if camera_id not in sight.wanted and lease is not None and not sight.records(camera_id):
            steps.given_up.append(
                camera_id
            )  # begun and never recorded, and by now another is to have it
            return
        if _may_take(camera_id, one, lease, sight):
            steps.take[camera_id] = one.fence
    steps.held[camera_id] = one


def _may_take(camera_id: str, one: HeldLease, lease: Lease | None, sight: Sight) -> bool:
    """Nobody is to lose the camera before it is recorded here, where there is anybody who
    records it.
    """
    if lease is None or lease.node == sight.node or lease.node not in sight.living:
        return True
    if sight.records(camera_id):
        return True
    return sight.now_s - one.since_s > HAND_OVER_WITHIN_S and not sight.records_elsewhere(camera_id)
