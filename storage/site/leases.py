"""Which node holds which camera, by fencing numbers that only rise. docs/nodes.md explains how
cameras move between nodes.

A number is drawn when a node begins to pull a camera; the node then acquires the lease under that
number. A node releases a camera when it sees a higher number, never because it sees none. Each call
is for many cameras, whose leases are in one hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from domain.metrics import RECORDS_UNREADABLE
from domain.node_names import is_node_name
from storage.clients.lua import load_script
from storage.clients.redis import Redis, maybe_texts, text, texts
from storage.site.nodes import ABOUT, NodeEntry, entries

_HELD, _PAST, _DRAWN = "{leases}:held", "{leases}:past", "{leases}:drawn"
MOST_PAST = 8
"""The most earlier holders that are stored for each camera."""

# The number is above all drawn ones, the held one and the seconds of the server's clock, so that it
# also rises after Redis was emptied.
_DRAW = load_script("site", "lease_draw")
# A higher number acquires the camera, and the node that had it joins the earlier holders; the
# resulting holder is returned.
_ACQUIRE = load_script("site", "lease_take")


@dataclass(frozen=True, slots=True)
class Lease:
    node: str
    node_api_url: str
    """The URL of the node API; empty if it is unknown, or no longer known."""
    fence: int
    seen_ns: int = 0
    """The node's last heartbeat by its own clock (UTC); 0 if it is unknown."""


class Leases:
    """The leases of a site. Every call raises IndexUnavailable if Redis is unreachable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def draw(self, camera_ids: Sequence[str]) -> dict[str, int]:
        """Return a number for each camera that is higher than any before."""
        if not camera_ids:
            return {}
        drawn = texts(self._redis.do("EVAL", _DRAW, 2, _HELD, _DRAWN, *camera_ids))
        return dict(zip(camera_ids, map(int, drawn), strict=True))

    def acquire(self, node: str, fences: Mapping[str, int]) -> dict[str, Lease]:
        """Acquire cameras under drawn numbers. Returns the holder of each, which is another node if
        its number is higher.
        """
        if not fences:
            return {}
        words = [word for pair in fences.items() for word in pair]
        current = texts(self._redis.do("EVAL", _ACQUIRE, 2, _HELD, _PAST, node, MOST_PAST, *words))
        return {camera_id: _lease(value) for camera_id, value in zip(fences, current, strict=True)}

    def held(self, camera_ids: Sequence[str]) -> dict[str, Lease]:
        """Return the holders of many cameras, without addresses; a camera that no node ever held is
        missing.
        """
        if not camera_ids:
            return {}
        found = zip(
            camera_ids, maybe_texts(self._redis.do("HMGET", _HELD, *camera_ids)), strict=True
        )
        leases = {camera_id: _readable(value) for camera_id, value in found if value is not None}
        return {camera_id: lease for camera_id, lease in leases.items() if lease is not None}

    def holder(self, camera_id: str) -> Lease | None:
        """Return the holder of a camera, or None."""
        return next(iter(self.holders(camera_id)), None)

    def holders(self, camera_id: str) -> tuple[Lease, ...]:
        """Return the holder of a camera, then the earlier ones, the latest first, each known node
        once.
        """
        held, past, about = self._redis.do_all(
            [("HGET", _HELD, camera_id), ("HGET", _PAST, camera_id), ("HGETALL", ABOUT)]
        )
        nodes = entries(about)
        lines = [line for reply in (held, past) for line in (text(reply) or "").splitlines()]
        leases = [lease for lease in map(_readable, lines) if lease is not None]
        return tuple(_known(lease, nodes.get(lease.node)) for lease in leases)

    def nodes(self) -> tuple[Lease, ...]:
        """Return every known node as one that may have recordings of a camera whose leases are
        lost.
        """
        about = entries(self._redis.do("HGETALL", ABOUT))
        return tuple(_known(Lease(name, "", 0), about[name]) for name in sorted(about))


def _known(lease: Lease, node: NodeEntry | None) -> Lease:
    return lease if node is None else replace(lease, node_api_url=node.door_url, seen_ns=node.beat)


def _readable(value: str) -> Lease | None:
    """Return a lease; one that no program wrote is counted, and None is returned."""
    try:
        return _lease(value)
    except ValueError:
        RECORDS_UNREADABLE.labels("leases").inc()
        return None


@lru_cache(maxsize=1 << 15)
def _lease(value: str) -> Lease:
    fence, _, node = value.partition(" ")
    if not is_node_name(node):
        raise ValueError("a lease of a node that cannot exist")
    return Lease(node, "", int(fence))
