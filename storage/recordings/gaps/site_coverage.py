"""When the checkpoints of a site were not analysed completely, in Redis, so that a search can state
what it could not have found without asking every node.

`{coverage}:<yyyymmdd>` is a hash from camera and node to the ranges of that day: the numbers start
(ms), end (ms) and cause of each, separated by commas. `{coverage}:days` has a number for each day,
which rises with each change. `{coverage}:nodes` has the last report of each node, and one more, as
of another node, for its cameras whose gap logs it cannot list now. Nodes write all of it again from
their gap logs after a loss of Redis.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.clock import NS_PER_MS, S_PER_DAY
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script

DAYS = "{coverage}:days"
NODES = "{coverage}:nodes"
KEPT_DAYS = 400
"""No gap log is kept longer."""
CAUSES = (
    PartlyCause.OVERLOAD,
    PartlyCause.DECODER,
    PartlyCause.CAMERA_DOWN,
    PartlyCause.RESTART,
    PartlyCause.UNKNOWN,
    PartlyCause.STANDING_VEHICLE,
    PartlyCause.SETTLED,
    PartlyCause.ANALYSIS_STOPPED,
)
"""A cause is stored as its place here, so further causes go to the end."""
_SEPARATOR = "/"
"""It is in no camera id and in no node name."""
_UNLISTED = f"{_SEPARATOR}unlisted"
_REPORT = load_script("recordings", "report_coverage")
"""Replaces a report. A node that is unknown is only introduced."""


@dataclass(frozen=True, slots=True)
class NodeCoverage:
    """Up to when a node has reported, and for which checkpoints."""

    until_ns: int
    cameras: frozenset[str]


@dataclass(frozen=True, slots=True)
class DayRanges:
    """The ranges of a day as they are stored. A camera that two nodes ran occurs twice."""

    cameras: list[str]
    texts: list[str]
    """The numbers of each camera."""

    def of(self, camera_id: str) -> list[PartlyAnalysed]:
        """Return the ranges of a camera."""
        numbers = [
            [int(number) for number in text.split(",")]
            for name, text in zip(self.cameras, self.texts, strict=True)
            if name == camera_id and text
        ]
        return [
            PartlyAnalysed(start_ms * NS_PER_MS, end_ms * NS_PER_MS, cause_of(cause))
            for row in numbers
            for start_ms, end_ms, cause in zip(row[::3], row[1::3], row[2::3], strict=True)
        ]


def cause_of(place: int) -> PartlyCause:
    """Return the cause with this place. One that a newer version wrote counts as unknown."""
    return CAUSES[place] if place < len(CAUSES) else PartlyCause.UNKNOWN


class SiteCoverage:
    """The ranges of all nodes. It is thread-safe.

    Every call raises IndexUnavailable if Redis is unreachable.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def introduce(self, node: str, cameras: Sequence[str]) -> None:
        """Record that nothing was put for these checkpoints yet, if the node is unknown."""
        self._redis.do("HSETNX", NODES, node, _reported(0, cameras))

    def report(self, node: str, report: NodeCoverage, unlisted: NodeCoverage | None = None) -> bool:
        """Record that everything before `report.until_ns` was put for these checkpoints, and for
        those of `unlisted` only what is before its time.

        Return whether the node was known. If it was not, Redis has lost what was put: the node is
        introduced instead, and all its days must be put again.
        """
        cameras = sorted(report.cameras)
        words = (
            node,
            _reported(0, cameras),
            _reported(report.until_ns, cameras),
            node + _UNLISTED,
            "" if unlisted is None else _reported(unlisted.until_ns, sorted(unlisted.cameras)),
        )
        return self._redis.run_all([Script(_REPORT, NODES, words)]) == [0]

    def put(self, node: str, day: str, ranges: Mapping[str, Sequence[PartlyAnalysed]]) -> None:
        """Replace the ranges of a node's cameras on a day (`yyyymmdd`)."""
        if not ranges:
            return
        fields = [
            word
            for camera_id, found in ranges.items()
            for word in (f"{camera_id}{_SEPARATOR}{node}", written(found))
        ]
        key = _day_key(day)
        self._redis.do_all(
            [
                ("HSET", key, *fields),
                ("EXPIRE", key, KEPT_DAYS * S_PER_DAY),
                ("HINCRBY", DAYS, day, 1),
            ]
        )

    def days(self) -> dict[str, int]:
        """Return the days that have ranges, and the number of the last change of each."""
        found = self._redis.do("HGETALL", DAYS)
        assert isinstance(found, dict)
        return {str(day): int(str(number)) for day, number in found.items()}

    def day(self, day: str) -> DayRanges:
        """Return the ranges of a day."""
        found = self._redis.do("HGETALL", _day_key(day))
        assert isinstance(found, dict)
        names = [str(name).partition(_SEPARATOR)[0] for name in found]
        return DayRanges(names, [str(text) for text in found.values()])

    def nodes(self) -> list[NodeCoverage]:
        """Return the last report of each node."""
        found = self._redis.do("HGETALL", NODES)
        assert isinstance(found, dict)
        return [
            NodeCoverage(report["until_ms"] * NS_PER_MS, frozenset(report["cameras"]))
            for report in (json.loads(str(one)) for one in found.values())
        ]

    def forget_before(self, day: str) -> None:
        """Forget the days before `day`, whose ranges have expired."""
        for old in [one for one in self.days() if one < day]:
            self._redis.do_all([("DEL", _day_key(old)), ("HDEL", DAYS, old)])


def _reported(until_ns: int, cameras: Sequence[str]) -> str:
    return json.dumps({"until_ms": until_ns // NS_PER_MS, "cameras": list(cameras)})


def _day_key(day: str) -> str:
    return f"{{coverage}}:{day}"


def written(ranges: Sequence[PartlyAnalysed]) -> str:
    """Return ranges as they are stored."""
    return ",".join(
        f"{one.start_ns // NS_PER_MS},{one.end_ns // NS_PER_MS},{CAUSES.index(one.cause)}"
        for one in ranges
    )
