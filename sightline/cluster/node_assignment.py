"""Which node of a city should have which camera: the same for all who reckon it, even, and with few
moves when a node comes or goes. Pure.

Weighted rendezvous hashing: each camera ranks the nodes by a hash of both (Schindelhauer and
Schomaker's logarithmic weights), and takes the first that has room. Room is bounded as in
"Consistent Hashing with Bounded Loads" (Mirrokni, Thorup and Zadimoghaddam): a node is never far
above its part, and a camera moves only where its node is gone, is full, or a better one has come.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

SLACK = 1.1
"""How far above its part of the load a node may go. Nearer to 1 is more even, and moves more
cameras at each change.
"""


def assign(loads: Mapping[str, float], capacities: Mapping[str, float]) -> dict[str, str]:
    """The node of each camera; `loads` by camera, `capacities` by node, those of 0 left out.
    Without nodes nobody has any.
    """
    nodes = {node: capacity for node, capacity in capacities.items() if capacity > 0}
    if not nodes or not loads:
        return {}
    # One camera more than the part with slack: so there is always a node with room.
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
    """Smaller is better: an exponential variate whose rate is the capacity, so that the chance
    to be first is in proportion to it.
    """
    return -math.log(_hash(f"{camera}\n{node}")) / capacity


def _hash(words: str) -> float:
    """Evenly between 0 and 1, both excluded; the same on every machine."""
    number = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big")
    return (number + 0.5) / 2**64
