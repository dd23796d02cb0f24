"""Applies the journals of the object store, an hour of a node at a time, in several concurrent
processes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from domain.clock import MS_PER_HOUR
from domain.errors import DataLoss
from domain.events.event import Correction, Event
from domain.paths.object_keys import JOURNAL_PREFIX
from domain.ulid import wall_ms_of
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.events.journal import JournalPart, JournalPut, corrections, deleted, stored_part
from storage.index.event_index import EventIndex

_HOUR = re.compile(r"^journal/[^/]+/(\d{4}/\d\d/\d\d/\d\d)")
_FETCHERS = 4
FEW = 4
"""Up to this number, hours are read in this process, because another takes a second to start."""


@dataclass(frozen=True, slots=True)
class Hour:
    """The journal objects of a node and hour."""

    name: str
    stats: tuple[ObjectStat, ...]

    @property
    def mark(self) -> str:
        """Return a value that shows whether the same objects were read before."""
        return hashlib.sha256(
            "\n".join(f"{stat.key} {stat.etag} {stat.size_bytes}" for stat in self.stats).encode()
        ).hexdigest()[:16]

    @property
    def ended_ms(self) -> int:
        """Return its end (UTC); the events of its lines began before."""
        match = _HOUR.match(self.name)
        if match is None:
            return 1 << 62
        return (
            round(datetime.strptime(match[1], "%Y/%m/%d/%H").replace(tzinfo=UTC).timestamp() * 1000)
            + MS_PER_HOUR
        )


@dataclass(slots=True)
class Applied:
    """The result of applying some lines."""

    name: str
    events: int = 0
    gone: set[str] = field(default_factory=set)
    old: list[Event] = field(default_factory=list)
    """Events older than the limit of the archive, which may have them; they were not indexed."""
    old_corrections: dict[str, Correction] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)


def hours(objects: ObjectStore) -> Iterator[Hour]:
    """Return all journals in the store, by node, then by hour."""
    stats = (stat for stat in objects.list(JOURNAL_PREFIX) if stat.key.endswith(".jsonl.gz"))
    for name, mine in groupby(
        stats, key=lambda stat: match[0] if (match := _HOUR.match(stat.key)) else stat.key
    ):
        yield Hour(name, tuple(mine))


def apply(
    index: EventIndex, name: str, parts: Iterable[JournalPart], old_before_ms: int
) -> Applied:
    """Apply the lines of journals, except for events that began before `old_before_ms`."""
    done = Applied(name)
    fresh: list[Event] = []
    for part in parts:
        if part.damaged_lines:
            done.damaged.append(part.name)
        for line in part.lines:
            if isinstance(line, JournalPut):
                (done.old if wall_ms_of(line.event.id) < old_before_ms else fresh).append(
                    line.event
                )
        # In any order: an event is written with the correction that is stored, and
        # one that is there is corrected.
        for event_id, correction in corrections([part]).items():
            index.correct(event_id, correction)
            if wall_ms_of(event_id) < old_before_ms:
                done.old_corrections[event_id] = correction
        done.gone |= deleted([part])
    index.put_all(fresh)
    done.events = len(fresh)
    return done


def applied(
    objects: ObjectStore,
    redis: Redis,
    pending: Sequence[Hour],
    old_before_ms: int,
    processes: int = 0,
) -> Iterator[Applied]:
    """Yield the result of each hour, in the order in which they finish. If it is closed early, it
    stops its processes.
    """
    if len(pending) <= FEW:
        index = EventIndex(redis)
        yield from (_apply_hour(objects, index, hour, old_before_ms) for hour in pending)
        return
    context = multiprocessing.get_context("spawn")
    workers = processes or min(8, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, context, _open, (objects, redis)) as pool:
        rest = iter(pending)
        running: set[Future[Applied]] = set()
        try:
            while True:
                for hour in rest:
                    running.add(pool.submit(_apply_in_process, hour, old_before_ms))
                    if len(running) >= 2 * workers:
                        break
                if not running:
                    return
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ready)
        finally:
            pool.shutdown(cancel_futures=True)


_clients: dict[str, Any] = {}


def _open(objects: ObjectStore, redis: Redis) -> None:
    """Initialise a process of the pool."""
    _clients.update(objects=objects, index=EventIndex(redis))


def _apply_in_process(hour: Hour, old_before_ms: int) -> Applied:
    return _apply_hour(_clients["objects"], _clients["index"], hour, old_before_ms)


def _apply_hour(objects: ObjectStore, index: EventIndex, hour: Hour, old_before_ms: int) -> Applied:
    def fetched(stat: ObjectStat) -> JournalPart:
        try:
            return stored_part(objects, stat.key)
        except DataLoss:
            return JournalPart(stat.key, (), 1)

    with ThreadPoolExecutor(_FETCHERS) as pool:
        return apply(index, hour.name, pool.map(fetched, hour.stats), old_before_ms)
