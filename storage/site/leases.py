"""Which node holds which camera, by fencing numbers that only rise. docs/nodes.md explains how
cameras change hands.

A number is drawn when a node begins to pull a camera; the lease passes when it takes the camera
under that number. A node gives a camera up on seeing a higher number, never on seeing none. Every
call is for many cameras at once, whose leases lie in one hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from storage.clients.lua import load_script
from storage.clients.redis import Redis, maybe_texts, text, texts
from storage.site.nodes import ABOUT, NodeEntry, entries

_HELD, _PAST, _DRAWN = "{leases}:held", "{leases}:past", "{leases}:drawn"
MOST_PAST = 8
"""Nodes that held a camera before, remembered for each."""

# Above all that were drawn, the one held, and the seconds of the server's clock: so a number rises
# even over an emptied Redis.
_DRAW = load_script("site", "lease_draw")
# A higher number takes the camera, and the node that had it joins those that had it before; what
# stands then is answered.
_TAKE = load_script("site", "lease_take")


@dataclass(frozen=True, slots=True)
class Lease:
    node: str
    node_api_url: str
    """Where the node's door is; empty where nobody knows (any more)."""
    fence: int
    seen_ns: int = 0
    """When the node last said that it lives, by its own clock (UTC); 0 where nobody knows (any
    more).
    """


class Leases:
    """Every call raises IndexUnavailable where Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def draw(self, camera_ids: Sequence[str]) -> dict[str, int]:
        """A number for each camera, higher than any before."""
        if not camera_ids:
            return {}
        drawn = texts(self._redis.do("EVAL", _DRAW, 2, _HELD, _DRAWN, *camera_ids))
        return dict(zip(camera_ids, map(int, drawn), strict=True))

    def take(self, node: str, fences: Mapping[str, int]) -> dict[str, Lease]:
        """Take cameras under numbers that were drawn; who holds each now, which is another
        where that one's number is higher.
        """
        if not fences:
            return {}
        words = [word for pair in fences.items() for word in pair]
        standing = texts(self._redis.do("EVAL", _TAKE, 2, _HELD, _PAST, node, MOST_PAST, *words))
        return {camera_id: _lease(value) for camera_id, value in zip(fences, standing, strict=True)}

    def held(self, camera_ids: Sequence[str]) -> dict[str, Lease]:
        """Who holds each of many cameras, doors left out; a camera that nobody ever held is
        missing.
        """
        if not camera_ids:
            return {}
        found = zip(
            camera_ids, maybe_texts(self._redis.do("HMGET", _HELD, *camera_ids)), strict=True
        )
        return {camera_id: _lease(value) for camera_id, value in found if value is not None}

    def holder(self, camera_id: str) -> Lease | None:
        """Who holds a camera, or None."""
        return next(iter(self.holders(camera_id)), None)

    def holders(self, camera_id: str) -> tuple[Lease, ...]:
        """Who holds a camera, then who held it before, the latest first, each node once, as far
        as it is still known.
        """
        held, past, about = self._redis.do_all(
            [("HGET", _HELD, camera_id), ("HGET", _PAST, camera_id), ("HGETALL", ABOUT)]
        )
        nodes = entries(about)
        lines = [line for reply in (held, past) for line in (text(reply) or "").splitlines()]
        return tuple(_known(lease, nodes.get(lease.node)) for lease in map(_lease, lines))

    def nodes(self) -> tuple[Lease, ...]:
        """Every node that is known, as one that may have recordings of a camera whose leases
        are lost.
        """
        about = entries(self._redis.do("HGETALL", ABOUT))
        return tuple(_known(Lease(name, "", 0), about[name]) for name in sorted(about))


def _known(lease: Lease, node: NodeEntry | None) -> Lease:
    return lease if node is None else replace(lease, node_api_url=node.door_url, seen_ns=node.beat)


def _lease(value: str) -> Lease:
    fence, _, node = value.partition(" ")
    return Lease(node, "", int(fence))
