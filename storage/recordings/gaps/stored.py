"""Gap logs in the object store: they explain a gap also while its node is unreachable, or after its
disk is lost.

gaps/cameras/<camera>/<node>/<yyyymmdd>.jsonl has the lines of the node's disk
(`storage/recordings/gaps/rows.py`). gaps/nodes/<node>.json has the time up to which the node's logs
are complete, and each camera's last heartbeat.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
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
from storage.recordings.gaps.day_log import DayLog, Logged, logged, read_day
from storage.recordings.gaps.rows import day_end_ns, gaps_between

_MOST_KNOWN = 2_000
MOST_KNOWN_BYTES = 8 << 20
"""The most bytes of logs that are kept as parsed. Under overload a day has a megabyte."""
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


@dataclass(frozen=True, slots=True)
class _Known:
    content: tuple[DayLog, int]
    size_bytes: int
    """The size of the log before it was parsed."""


class StoredGaps:
    """The stored gap logs. It is thread-safe.

    Every call raises ObjectsUnavailable if the store is unreachable.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        """Parsed logs by key and etag, because the same day is read repeatedly."""
        self._known_bytes = 0

    def logged(self, camera_id: str, from_ns: int, to_ns: int) -> Logged:
        """Return what the logs of all nodes say of [from_ns, to_ns). The gaps of the node that ran
        the camera last come last, because they are valid where two nodes differ.
        """
        days: dict[str, list[DayLog]] = defaultdict(list)
        for log in self.of_camera(camera_id):
            if day_of(from_ns) <= log.day <= day_of(to_ns):
                days[log.node].append(self.read(log)[0])
        alive_ns = {node: self._alive_ns(node, camera_id) for node in days}
        gaps: list[Gap] = []
        for node in sorted(days, key=lambda node: alive_ns[node]):
            rows = [day.gaps for day in days[node]]
            gaps += gaps_between(camera_id, rows, alive_ns[node], (from_ns, to_ns))
        every = [day for of_node in days.values() for day in of_node]
        return logged(tuple(gaps), every, from_ns, to_ns)

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Gap, ...]:
        """Return the gaps of `logged`."""
        return self.logged(camera_id, from_ns, to_ns).gaps

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

    def read(self, log: StoredLog) -> tuple[DayLog, int]:
        """Return the readable lines of a log, and the number of the others."""
        asked = (log.stat.key, log.stat.etag)
        with self._lock:
            known = self._known.get(asked)
        if known is not None:
            return known.content
        data = self._get(log.stat.key)
        found = _Known(read_day(data, log.stat.key), len(data))
        with self._lock:
            before = self._known.pop(asked, None)
            self._known_bytes += found.size_bytes - (before.size_bytes if before else 0)
            self._known[asked] = found
            while self._known_bytes > MOST_KNOWN_BYTES or len(self._known) > _MOST_KNOWN:
                _, oldest = self._known.popitem(last=False)
                self._known_bytes -= oldest.size_bytes
        return found.content

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
