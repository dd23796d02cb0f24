"""Assigns the cameras of a site to its nodes. This module does no I/O.

All nodes compute the same assignment. It is even, and few cameras move when a node joins or leaves.
The method is weighted rendezvous hashing: each camera ranks the nodes by a hash of both, with the
logarithmic weights of Schindelhauer and Schomaker, and is assigned to the first node with room.
Room is bounded as in "Consistent Hashing with Bounded Loads" (Mirrokni, Thorup, Zadimoghaddam). So
a camera moves only if its node left or is full, or if a node joined that it ranks higher.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

SLACK = 1.1
"""The factor by which a node may exceed its share of the load.

A value nearer to 1 is more even, and moves more cameras at each change.
"""


def assign(loads: Mapping[str, float], capacities: Mapping[str, float]) -> dict[str, str]:
    """Return the node of each camera, from the loads of cameras and the capacities of nodes.

    Nodes with a capacity of 0 get no camera. Without nodes the result is empty.
    """
    nodes = {node: capacity for node, capacity in capacities.items() if capacity > 0}
    if not nodes or not loads:
        return {}
    # The bound has room for one more camera, so there is always a node with room.
    share = SLACK * sum(loads.values()) / sum(nodes.values())
    room = {node: share * capacity + max(loads.values()) for node, capacity in nodes.items()}
    placed: dict[str, str] = {}
    for camera in sorted(loads, key=lambda camera: (-loads[camera], _hash(camera))):
        ranked = sorted(nodes, key=lambda node: _rank(camera, node, nodes[node]))
        node = next(node for node in ranked if room[node] >= loads[camera])
        room[node] -= loads[camera]
        placed[camera] = node
    return placed


def _rank(camera: str, node: str, capacity: float) -> float:
    """Return an exponential variate whose rate is the capacity; the smallest is ranked first.

    So the probability to be first is proportional to the capacity.
    """
    return -math.log(_hash(f"{camera}\n{node}")) / capacity


def _hash(words: str) -> float:
    """Return a uniform number between 0 and 1, both excluded, the same on every machine."""
    number = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big")
    return (number + 0.5) / 2**64
