"""The nodes that may have recordings of a camera."""

from __future__ import annotations

from dataclasses import dataclass

from api.access.api_context import ApiContext
from domain.camera_scope import ALL_CAMERAS
from domain.clock import NS_PER_DAY, NS_PER_HOUR
from storage.site.leases import Lease

CUT_OFF_NS = NS_PER_HOUR
"""How long a node that lost its connection to Redis may have continued to record."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A node that may have recordings of a camera."""

    lease: Lease
    may_have_recordings: bool
    """Whether it may have recordings of the requested range, which are missing if it is offline."""


def holders(context: ApiContext, camera_id: str, from_ns: int) -> list[Holder]:
    """Return the nodes that may have recordings of a camera, the current holder first.

    A node that was last seen before the longest retention has none.
    """
    known = context.known_camera(camera_id, ALL_CAMERAS)  # the route has checked it
    leases = context.leases.holders(camera_id)
    # After a loss of Redis, no node acquires a camera again that left the registry.
    if not leases and known.left_ns is not None:
        return [Holder(lease, may_have_recordings=True) for lease in context.leases.nodes()]
    kept_ns = context.clock.wall_ns() - known.kept_days * NS_PER_DAY
    held = [Holder(lease, may_have_recordings=True) for lease in leases[:1]]
    return held + [
        Holder(lease, lease.seen_ns + CUT_OFF_NS > from_ns)
        for lease in leases[1:]
        if lease.seen_ns > kept_ns
    ]
