"""The nodes of a site, by what each publishes of itself in Redis, twice in the time after which a
silent node counts as dead.

No node's clock decides which one is alive. A heartbeat is a number that changes, and an observer
records by its own clock when it changed.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError

from domain.stored_model import unreadable
from storage.clients.redis import Redis, Reply

ABOUT = "{nodes}:about"


@dataclass(frozen=True, slots=True)
class NodeEntry:
    name: str
    door_url: str
    capacity: float
    """How much it can run compared with others; 0 means that it is leaving and accepts no
    camera.
    """
    beat: int
    """A value that changes with each publication: the node's wall time (UTC, ns)."""


_ENTRY = TypeAdapter(NodeEntry)
_log = logging.getLogger(__name__)


class Nodes:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def beat(self, entry: NodeEntry) -> dict[str, NodeEntry]:
        """Publish this node's entry, and return the last entry of every node, by name. Raises
        IndexUnavailable.
        """
        said = json.dumps(asdict(entry))
        about, _ = self._redis.do_all([("HGETALL", ABOUT), ("HSET", ABOUT, entry.name, said)])
        return entries(about)


def entries(about: Reply) -> dict[str, NodeEntry]:
    """Return the last entry of each node from an answer to `HGETALL` of `ABOUT`."""
    if not isinstance(about, dict):
        raise TypeError(f"Redis answered {type(about).__name__} where a hash was due")
    found = ((str(name), _parsed(str(name), str(said))) for name, said in about.items())
    return {name: entry for name, entry in found if entry is not None}


def _parsed(name: str, said: str) -> NodeEntry | None:
    try:
        return _ENTRY.validate_json(said)
    except ValidationError as error:
        _log.warning("%s; it counts as silent", unreadable(f"the entry of node {name!r}", error))
        return None
