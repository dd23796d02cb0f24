"""Which checkpoints of a site may have missed passings in a time range, and for how long, from a
copy in memory: a month of thousands of cameras takes milliseconds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, Clock
from domain.paths.object_keys import day_of, day_start_ns
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause, cover
from storage.recordings.gaps.site_coverage import (
    DayRanges,
    NodeCoverage,
    SiteCoverage,
    cause_of,
    written,
)

FRESH_S = 2.0
"""Changes are looked for at most this often."""
SILENT_NS = 60 * NS_PER_S
"""A camera of which no node has reported for this long is not analysed."""
SETTLED_NS = 60 * NS_PER_S
"""What was not analysed is in Redis within this time."""
MOST_CAMERAS, MOST_RANGES = 10, 10
MOST_HELD = 2_000_000
"""The maximum number of ranges that stay in memory between two searches, which takes about 64 MB.
The days that were asked for least recently are dropped first, and read again when they are asked
for. During a search, all days that it covers are in memory.
"""
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CameraUnanalysed:
    """The ranges of one camera, by start: the longest ones if there are more than
    `MOST_RANGES`.
    """

    camera_id: str
    total_ns: int
    ranges: tuple[PartlyAnalysed, ...]
    is_summary: bool


@dataclass(frozen=True, slots=True)
class Unanalysed:
    """The cameras that lack the most time, and the sums of all."""

    cameras: tuple[CameraUnanalysed, ...]
    camera_count: int
    total_ns: int


@dataclass(frozen=True, slots=True)
class _Day:
    """The ranges of a day as columns, by camera and start."""

    change: int
    camera: Numbers
    ranges: Numbers
    """The rows start (ms), end (ms) and cause."""
    totals_ms: Numbers
    """The total of each camera, by its number."""
    first: Numbers
    """The first row of each camera, by its number, and the end of the last one."""


class UnanalysedRanges:
    """Caches what nodes reported, up to `most_held` ranges. It is thread-safe."""

    def __init__(self, site: SiteCoverage, clock: Clock, most_held: int = MOST_HELD) -> None:
        self._site = site
        self._most_held = most_held
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        """A number for each camera id that was ever seen."""
        self._days: dict[str, _Day] = {}
        """The days in memory, the one that was used least recently first."""
        self._changes: dict[str, int] = {}
        self._silent: dict[str, int] = {}
        """The time (UTC ns) of the last report of each camera that no node reports any more."""
        self._checked_s = -FRESH_S

    def between(self, cameras: Collection[str], from_ns: int, to_ns: int) -> Unanalysed:
        """Return what `cameras` lack of [from_ns, to_ns), except for the last minute. Raises
        IndexUnavailable.
        """
        to_ns = min(to_ns, self._clock.wall_ns() - SETTLED_NS)
        if from_ns >= to_ns or not cameras:
            return Unanalysed((), 0, 0)
        with self._lock:
            self._refresh()
            days = self._days_between(from_ns, to_ns)
            self._forget()
            names, reported_ns = list(self._numbers), self._silent
        silent = {
            camera_id: PartlyAnalysed(max(from_ns, since_ns), to_ns, PartlyCause.RESTART)
            for camera_id, since_ns in reported_ns.items()
            if since_ns < to_ns and camera_id in cameras
        }
        return _Summary(days, silent, names, cameras, (from_ns, to_ns)).result()

    def _refresh(self) -> None:
        if self._clock.monotonic_s() - self._checked_s < FRESH_S:
            return
        self._changes = self._site.days()
        self._silent = _silent(self._site.nodes(), self._clock.wall_ns() - SILENT_NS)
        self._checked_s = self._clock.monotonic_s()

    def _days_between(self, from_ns: int, to_ns: int) -> dict[str, _Day]:
        first, last = day_of(from_ns), day_of(to_ns)
        return {day: self._day(day) for day in sorted(self._changes) if first <= day <= last}

    def _day(self, day: str) -> _Day:
        known = self._days.pop(day, None)
        if known is None or known.change != self._changes[day]:
            known = self._read(day)
        self._days[day] = known
        return known

    def _forget(self) -> None:
        """Drop days that have expired, and those beyond the bound."""
        self._days = {day: known for day, known in self._days.items() if day in self._changes}
        held = self.held_ranges
        while held > self._most_held:
            held -= len(self._days.pop(next(iter(self._days))).ranges)

    @property
    def held_ranges(self) -> int:
        """The number of ranges in memory."""
        return sum(len(known.ranges) for known in self._days.values())

    def _read(self, day: str) -> _Day:
        """Read a day. Its numbers are parsed together, which is several times as fast."""
        ranges_of_day = _without_overlaps(self._site.day(day))
        numbers = [
            self._numbers.setdefault(name, len(self._numbers)) for name in ranges_of_day.cameras
        ]
        counts = [(1 + text.count(",")) // 3 if text else 0 for text in ranges_of_day.texts]
        words = ",".join(text for text in ranges_of_day.texts if text).split(",")
        table = np.array(words if words != [""] else [], np.int64).reshape(-1, 3)
        camera = np.repeat(np.array(numbers, np.int64), counts)
        order = np.lexsort((table[:, 0], camera))
        camera, table = camera[order], table[order]
        count = len(self._numbers)
        totals = np.bincount(camera, weights=table[:, 1] - table[:, 0], minlength=count)
        first = np.searchsorted(camera, np.arange(count + 1))
        return _Day(self._changes[day], camera, table, totals.astype(np.int64), first)


def _silent(nodes: Sequence[NodeCoverage], before_ns: int) -> dict[str, int]:
    until_ns: dict[str, int] = {}
    for node in nodes:
        for camera_id in node.cameras:
            until_ns[camera_id] = max(until_ns.get(camera_id, 0), node.until_ns)
    return {camera_id: at_ns for camera_id, at_ns in until_ns.items() if at_ns < before_ns}


def _without_overlaps(ranges_of_day: DayRanges) -> DayRanges:
    """Return the ranges of a day with each camera once: times that two nodes report count once."""
    counts = Counter(ranges_of_day.cameras)
    shared = {name for name, count in counts.items() if count > 1}
    if not shared:
        return ranges_of_day
    rows = [
        (name, text)
        for name, text in zip(ranges_of_day.cameras, ranges_of_day.texts, strict=True)
        if name not in shared
    ]
    for name in sorted(shared):
        found = ranges_of_day.of(name)
        if found:
            span = min(one.start_ns for one in found), max(one.end_ns for one in found)
            rows.append((name, written(cover(*span, found).partly)))
    return DayRanges([name for name, _ in rows], [text for _, text in rows])


@dataclass(frozen=True, slots=True)
class _Summary:
    """Sums up the days of a search. Only its first and its last day must be cut."""

    days: Mapping[str, _Day]
    silent: Mapping[str, PartlyAnalysed]
    names: Sequence[str]
    cameras: Collection[str]
    span: tuple[int, int]

    def result(self) -> Unanalysed:
        totals_ms = np.zeros(len(self.names), np.int64)
        for name, day in self.days.items():
            if self._is_cut(name):
                cut_ms = self._lengths_ms(day)
                sums = np.bincount(day.camera, weights=cut_ms, minlength=len(totals_ms))
                totals_ms += sums.astype(np.int64)
            else:
                totals_ms[: len(day.totals_ms)] += day.totals_ms
        chosen = np.fromiter((name in self.cameras for name in self.names), np.bool_)
        totals_ms[~chosen] = 0
        most = np.flatnonzero(totals_ms)
        count, total_ns = len(most), int(totals_ms.sum()) * NS_PER_MS
        largest = most[np.argsort(-totals_ms[most], kind="stable")[:MOST_CAMERAS]]
        totals_ns = {self.names[at]: int(totals_ms[at]) * NS_PER_MS for at in largest}
        for camera_id, one in self.silent.items():
            known_ns = totals_ns.get(camera_id) or self._total_ns(camera_id, totals_ms)
            count += known_ns == 0
            total_ns += one.end_ns - one.start_ns
            totals_ns[camera_id] = known_ns + one.end_ns - one.start_ns
        shown = sorted(totals_ns, key=lambda name: (-totals_ns[name], name))[:MOST_CAMERAS]
        numbers = {name: at for at, name in enumerate(self.names)}
        cameras = (self._camera(name, numbers.get(name), totals_ns[name]) for name in shown)
        return Unanalysed(tuple(cameras), count, total_ns)

    def _total_ns(self, camera_id: str, totals_ms: Numbers) -> int:
        known = camera_id in self.names
        return int(totals_ms[self.names.index(camera_id)]) * NS_PER_MS if known else 0

    def _is_cut(self, day: str) -> bool:
        start_ns = day_start_ns(day)
        return self.span[0] > start_ns or self.span[1] < start_ns + NS_PER_DAY

    def _lengths_ms(self, day: _Day) -> Numbers:
        start_ms = np.maximum(day.ranges[:, 0], self.span[0] // NS_PER_MS)
        end_ms = np.minimum(day.ranges[:, 1], self.span[1] // NS_PER_MS)
        return np.asarray(np.maximum(end_ms - start_ms, 0), np.int64)

    def _camera(self, camera_id: str, number: int | None, total_ns: int) -> CameraUnanalysed:
        found = [] if number is None else list(self._ranges(number))
        found += [self.silent[camera_id]] if camera_id in self.silent else []
        longest = sorted(found, key=lambda one: one.start_ns - one.end_ns)[:MOST_RANGES]
        return CameraUnanalysed(
            camera_id, total_ns, tuple(sorted(longest)), len(found) > len(longest)
        )

    def _ranges(self, number: int) -> Iterator[PartlyAnalysed]:
        for day in self.days.values():
            if number + 1 >= len(day.first):
                continue  # the camera was not known when the day was read
            for row in day.ranges[day.first[number] : day.first[number + 1]].tolist():
                start_ns = max(row[0] * NS_PER_MS, self.span[0])
                end_ns = min(row[1] * NS_PER_MS, self.span[1])
                if start_ns < end_ns:
                    yield PartlyAnalysed(start_ns, end_ns, cause_of(row[2]))
