"""What each node reports of itself, and whether the node is alive.

`{nodes}:reports` is a hash of node to its last report, and `{nodes}:seen` of node to the time of
the report by the clock of Redis. So the clocks of nodes and of the API make no difference. The
report of a node that is gone stays.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationError

from domain.camera_states import CameraState, Shed
from domain.clock import MS_PER_DAY, NS_PER_MS, Clock
from domain.stored_model import StoredModel, WallNs, schema_field, unreadable
from storage.clients.lua import load_script
from storage.clients.redis import Redis, text, texts
from storage.site.nodes import ABOUT, NodeEntry, entries

OFFLINE_AFTER_S = 15.0
"""A node reports every five seconds, and its heartbeat is more frequent."""
LISTED_DAYS = 30
"""A node that was silent for longer is no longer listed."""
_REPORTS, _SEEN = "{nodes}:reports", "{nodes}:seen"
_PUBLISH = load_script("site", "node_report")
_READ = load_script("site", "node_reports")
_KNOWN_FIRST = Field(union_mode="left_to_right")
"""A word that this version does not know is read as a string: a newer node wrote the report."""
_log = logging.getLogger(__name__)


class NodeDisk(StoredModel):
    """The disk of a node's data folder."""

    recordings_bytes: int
    other_bytes: int = Field(
        description="other data that counts against the limit, such as the stores of one machine"
    )
    limit_bytes: int = Field(description="`SIGHTLINE_DISK_LIMIT_GB`")
    free_bytes: int = Field(description="free space on its disk")
    reserve_bytes: int = Field(description="`SIGHTLINE_DISK_RESERVE_GB`, which stays free")


class NodeLoad(StoredModel):
    """The load of a node; at 1 it begins to shed cameras."""

    processor: float
    disk: float


class NodeWorkers(StoredModel):
    """The worker processes of a node."""

    configured: int
    running: int = Field(description="those that reported the states of their cameras just now")


class NodeReport(StoredModel):
    """The figures of one node."""

    version: str = Field(description="the version of Sightline that it runs")
    workers: NodeWorkers
    cameras: dict[str, dict[Annotated[CameraState | str, _KNOWN_FIRST], int]] = Field(
        description="the number of its cameras by class and state"
    )
    shed: dict[Annotated[Shed | str, _KNOWN_FIRST], int] = Field(
        description="the number of its cameras that lose something under load, by what they lose"
    )
    load: NodeLoad
    disk: NodeDisk | None = Field(description="null before the first measurement")
    upload_waits_since: WallNs | None = Field(
        description="the end of the oldest recording that waits to be uploaded; null if none waits"
    )
    spool_events: int = Field(description="events that wait to be published")
    clock_offset_ms: int | None = Field(
        description="the clock of the node less the clock of Redis; null before the second report"
    )
    schema_: int = schema_field()


class NodeState(StrEnum):
    ONLINE = "online"
    DRAINING = "draining"  # it accepts no camera: it stops, or all its workers fail
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node of the site, with its last report, if there is one that can be read."""

    name: str
    state: NodeState
    seen_ns: int
    """The time of its last heartbeat, by the clock of Redis (UTC)."""
    report: NodeReport | None


class NodeReports:
    """The reports of all nodes. Every call raises IndexUnavailable if Redis is unreachable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def publish(self, node: str, report: NodeReport) -> int:
        """Publish the report of a node; return the time of Redis (UTC ns)."""
        content = report.model_dump_json(by_alias=True)
        answer = self._redis.do("EVAL", _PUBLISH, 2, _REPORTS, _SEEN, node, content)
        return int(text(answer) or 0) * NS_PER_MS

    def all(self) -> tuple[KnownNode, ...]:
        """Return every node with a heartbeat in the last `LISTED_DAYS`, by name."""
        answer = self._redis.do("EVAL", _READ, 3, _REPORTS, _SEEN, ABOUT)
        if not isinstance(answer, list) or len(answer) != 4:
            raise TypeError("Redis answered the script of the node reports in another form")
        now_ms = int(text(answer[0]) or 0)
        reports, seen, about = (_hash(part) for part in answer[1:])
        nodes = entries(about)
        found = (
            _known(name, _parsed(name, reports.get(name)), seen.get(name), nodes.get(name), now_ms)
            for name in sorted(reports.keys() | nodes.keys())
        )
        oldest_ns = (now_ms - LISTED_DAYS * MS_PER_DAY) * NS_PER_MS
        return tuple(node for node in found if node.seen_ns >= oldest_ns)


def clock_offset_ms(clock: Clock, before_ns: int, server_ns: int) -> int:
    """Return the node's clock less that of Redis, which answered a call that began at `before_ns`.

    Half of the duration of the call is the best estimate of when Redis read its clock.
    """
    middle_ns = (before_ns + clock.wall_ns()) // 2
    return (middle_ns - server_ns) // NS_PER_MS


def _known(
    name: str, report: NodeReport | None, seen: str | None, entry: NodeEntry | None, now_ms: int
) -> KnownNode:
    """Return a node. Its heartbeat counts too: it continues if the first worker fails."""
    offset_ms = (report.clock_offset_ms if report else None) or 0
    beat_ms = entry.beat // NS_PER_MS - offset_ms if entry else 0
    seen_ms = max(int(seen or 0), min(beat_ms, now_ms))
    state = NodeState.ONLINE
    if now_ms - seen_ms > OFFLINE_AFTER_S * 1000:
        state = NodeState.OFFLINE
    elif entry is not None and entry.capacity == 0:
        state = NodeState.DRAINING
    return KnownNode(name, state, seen_ms * NS_PER_MS, report)


def _hash(answer: object) -> dict[str, str]:
    words = texts(answer)
    return dict(zip(words[::2], words[1::2], strict=True))


def _parsed(name: str, content: str | None) -> NodeReport | None:
    if content is None:
        return None
    try:
        return NodeReport.model_validate_json(content)
    except ValidationError as error:
        _log.warning("%s", unreadable(f"the report of node {name!r}", error))
        return None
