"""Gap logs in the object store: they explain a gap also while its node is unreachable, or after its
disk is lost.

gaps/cameras/<camera>/<node>/<yyyymmdd>.jsonl has the lines of the node's disk
(`storage/recordings/gaps/rows.py`). gaps/nodes/<node>.json has the time up to which the node's logs
are complete, and each camera's last heartbeat.
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
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed
from domain.stored_model import StoredModel
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.recordings.gaps.partly_rows import read_again, read_partly
from storage.recordings.gaps.rows import GapRow, day_end_ns, gaps_between, read_rows

_MOST_KNOWN = 2_000
_JSONL, _JSON = "application/jsonl", "application/json"


class NodeGaps(StoredModel):
    """Up to when the stored logs of a node are valid."""

    until_ms: int
    """Everything that the node had logged by then is stored."""
    beats_ms: dict[str, int]
    """The last heartbeat of each camera."""

    def alive_ns(self, camera_id: str) -> int:
        """Return up to when a continuing gap of this camera is known."""
        return min(self.until_ms, self.beats_ms.get(camera_id, 0)) * NS_PER_MS


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A camera's day in the log of one node."""

    camera_id: str
    node: str
    day: str
    stat: ObjectStat

    @property
    def span(self) -> tuple[int, int]:
        start_ns = day_start_ns(self.day)
        return start_ns, day_end_ns(start_ns)


class StoredGaps:
    """The stored gap logs. It is thread-safe.

    Every call raises ObjectsUnavailable if the store is unreachable.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[list[GapRow], int]] = OrderedDict()
        """Parsed logs by key and etag, because the same day is read repeatedly."""

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Gap, ...]:
        """Return the gaps of all nodes' logs within [from, to). The node that ran the camera last
        comes last, because it is valid where two differ.
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
            for gap in gaps_between(camera_id, rows[node], alive_ns[node], (from_ns, to_ns))
        )

    def partly_analysed(
        self, camera_id: str, from_ns: int, to_ns: int
    ) -> tuple[PartlyAnalysed, ...]:
        """Return the ranges of all nodes in which a checkpoint was analysed only partly."""
        return tuple(
            one
            for log in self.of_camera(camera_id)
            if day_of(from_ns) <= log.day <= day_of(to_ns)
            for one in read_partly(self._get(log.stat.key))
            if one.start_ns < to_ns and from_ns < one.end_ns
        )

    def analysed_again(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Analysed, ...]:
        """Return the ranges that any node analysed from the recording afterwards."""
        return tuple(
            one
            for log in self.of_camera(camera_id)
            if day_of(from_ns) <= log.day <= day_of(to_ns)
            for one in read_again(self._get(log.stat.key))
            if one.start_ns < to_ns and from_ns < one.end_ns
        )

    def of_camera(self, camera_id: str, node: str = "") -> Iterator[StoredLog]:
        """Yield the logs of a camera, of all nodes or of one."""
        prefix = f"{GAPS_PREFIX}{camera_id}/"
        for stat in self._objects.list(f"{prefix}{node}/" if node else prefix):
            node, _, name = stat.key.removeprefix(prefix).partition("/")
            day = name.removesuffix(".jsonl")
            if len(day) == 8 and day.isdecimal() and gaps_object(camera_id, node, day) == stat.key:
                yield StoredLog(camera_id, node, day, stat)

    def cameras(self) -> list[str]:
        return sorted(self._objects.folders(GAPS_PREFIX))

    def read(self, log: StoredLog) -> tuple[Sequence[GapRow], int]:
        """Return the readable rows of a log, and the number of the other lines."""
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
        """Add every missing line to the stored log. Its other lines stay, because the node's disk
        may have been replaced.
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

    def node_record(self, node: str) -> NodeGaps | None:
        """Return the readable record of a node, or None."""
        try:
            return NodeGaps.model_validate_json(self._get(node_gaps_object(node)))
        except ValidationError:
            return None

    def put_node_record(self, node: str, said: NodeGaps) -> None:
        self._objects.put(node_gaps_object(node), said.model_dump_json().encode(), _JSON)

    def nodes(self) -> Iterable[str]:
        return [
            stat.key.removeprefix(NODE_GAPS_PREFIX).removesuffix(".json")
            for stat in self._objects.list(NODE_GAPS_PREFIX)
        ]

    def remove(self, log: StoredLog) -> None:
        """Delete a log; a missing one is no error."""
        self._objects.delete(log.stat.key)

    def forget_node(self, node: str) -> None:
        self._objects.delete(node_gaps_object(node))

    def _alive_ns(self, node: str, camera_id: str) -> int:
        said = self.node_record(node)
        return 0 if said is None else said.alive_ns(camera_id)

    def _get(self, key: str) -> bytes:
        try:
            return self._objects.get(key)
        except NotFound:
            return b""


def _ended(data: bytes) -> bytes:
    return data if data.endswith(b"\n") or not data else data + b"\n"
