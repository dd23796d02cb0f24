"""Logs of gaps in the object store: why something is missing can be told also while the node that
knew it is away, or its disk lost.

gaps/cameras/<camera>/<node>/<yyyymmdd>.jsonl   as on the node's disk
(`storage/recordings/gaps/rows.py`) gaps/nodes/<node>.json                          up to when all
that the node had to say is there, and when it looked after each camera
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from domain.clock import NS_PER_MS
from domain.errors import NotFound
from domain.paths.object_keys import (
    GAPS_PREFIX,
    NODE_GAPS_PREFIX,
    day_of,
    day_start_ns,
    gaps_object,
    node_gaps_object,
)
from domain.recordings.gaps import Gap
from domain.stored_model import StoredModel
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.recordings.gaps.rows import GapRow, day_end_ns, read_rows, told

_MOST_KNOWN = 2_000
_JSONL, _JSON = "application/jsonl", "application/json"


class NodeGaps(StoredModel):
    """How far the logs of a node in the store can be believed."""

    until_ms: int
    """Whatever the node had said by then is there."""
    beats_ms: dict[str, int]
    """When it last looked after each camera."""

    def alive_ns(self, camera_id: str) -> int:
        """Up to when a gap of this camera that goes on is known to have gone on."""
        return min(self.until_ms, self.beats_ms.get(camera_id, 0)) * NS_PER_MS


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A day of a camera as a node told of it."""

    camera_id: str
    node: str
    day: str
    stat: ObjectStat

    @property
    def span(self) -> tuple[int, int]:
        start_ns = day_start_ns(self.day)
        return start_ns, day_end_ns(start_ns)


class StoredGaps:
    """Thread-safe. Every call raises ObjectsUnavailable where the store is away."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[list[GapRow], int]] = OrderedDict()
        """By key and etag, since the same day is looked at again and again."""

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Gap, ...]:
        """What all nodes' logs say of [from, to); last that of the node which looked after it
        last: where two differ, it is right.
        """
        rows: dict[str, list[Sequence[GapRow]]] = defaultdict(list)
        for log in self.of_camera(camera_id):
            if day_of(from_ns) <= log.day <= day_of(to_ns):
                rows[log.node].append(self.read(log)[0])
        alive_ns = {node: self._alive_ns(node, camera_id) for node in rows}
        by_age = sorted(rows, key=lambda node: alive_ns[node])
        return tuple(
            gap
            for node in by_age
            for gap in told(camera_id, rows[node], alive_ns[node], (from_ns, to_ns))
        )

    def of_camera(self, camera_id: str, node: str = "") -> Iterator[StoredLog]:
        """Which logs there are of a camera, of all nodes or of one."""
        prefix = f"{GAPS_PREFIX}{camera_id}/"
        for stat in self._objects.list(f"{prefix}{node}/" if node else prefix):
            told_by, _, name = stat.key.removeprefix(prefix).partition("/")
            day = name.removesuffix(".jsonl")
            if (
                len(day) == 8
                and day.isdecimal()
                and gaps_object(camera_id, told_by, day) == stat.key
            ):
                yield StoredLog(camera_id, told_by, day, stat)

    def cameras(self) -> list[str]:
        return sorted(self._objects.folders(GAPS_PREFIX))

    def read(self, log: StoredLog) -> tuple[Sequence[GapRow], int]:
        """The rows of a log that can be read, and how many lines cannot."""
        asked = (log.stat.key, log.stat.etag)
        with self._lock:
            known = self._known.get(asked)
        if known is None:
            known = read_rows(self._get(log.stat.key), log.stat.key)
            with self._lock:
                self._known[asked] = known
                while len(self._known) > _MOST_KNOWN:
                    self._known.popitem(last=False)
        return known

    def add(self, camera_id: str, node: str, day: str, said: bytes) -> None:
        """Let the store have every line of `said`. What it has and `said` lacks stays: the
        node's disk may be another than it was.
        """
        key = gaps_object(camera_id, node, day)
        there = self._get(key)
        lines = set(there.splitlines())
        new = (
            said
            if said.startswith(there)
            else _ended(there)
            + b"".join(line + b"\n" for line in said.splitlines() if line not in lines)
        )
        if new != there:
            self._objects.put(key, new, _JSONL)

    def said_of_node(self, node: str) -> NodeGaps | None:
        """None where the store knows nothing of it that can be read."""
        try:
            return NodeGaps.model_validate_json(self._get(node_gaps_object(node)))
        except ValidationError:
            return None

    def say_of_node(self, node: str, said: NodeGaps) -> None:
        self._objects.put(node_gaps_object(node), said.model_dump_json().encode(), _JSON)

    def nodes(self) -> Iterable[str]:
        return [
            stat.key.removeprefix(NODE_GAPS_PREFIX).removesuffix(".json")
            for stat in self._objects.list(NODE_GAPS_PREFIX)
        ]

    def remove(self, log: StoredLog) -> None:
        """Delete a log; one that is gone already is no fault."""
        self._objects.delete(log.stat.key)

    def forget_node(self, node: str) -> None:
        self._objects.delete(node_gaps_object(node))

    def _alive_ns(self, node: str, camera_id: str) -> int:
        said = self.said_of_node(node)
        return 0 if said is None else said.alive_ns(camera_id)

    def _get(self, key: str) -> bytes:
        try:
            return self._objects.get(key)
        except NotFound:
            return b""


def _ended(data: bytes) -> bytes:
    return data if data.endswith(b"\n") or not data else data + b"\n"
