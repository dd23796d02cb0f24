"""The nodes of a site, by what each says of itself in Redis twice in the time that its silence
would be noticed.

Nobody's clock is trusted with telling who is alive: a beat is a number that changes, and whoever
watches notes by its own clock when.
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
    """How much it can take beside others; 0: it is leaving, and takes nothing."""
    beat: int
    """Another at each saying: the node's wall time (UTC, ns)."""


_ENTRY = TypeAdapter(NodeEntry)
_log = logging.getLogger(__name__)


class Nodes:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def beat(self, entry: NodeEntry) -> dict[str, NodeEntry]:
        """Say that a node lives; what all that ever did last said, this one's saying before
        included, by name. Raises IndexUnavailable.
        """
        said = json.dumps(asdict(entry))
        about, _ = self._redis.do_all([("HGETALL", ABOUT), ("HSET", ABOUT, entry.name, said)])
        return entries(about)


def entries(about: Reply) -> dict[str, NodeEntry]:
    """What each node last said, of an answer to `HGETALL` of `ABOUT`."""
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
