"""The alarms of a node: raised and cleared here, published to all nodes through Redis, and kept in
a file, from which the node answers without Redis.

{alarms}:nodes is a hash of node to {"told_at": ns, "alarms": […]}.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from pydantic import ValidationError

from domain.alarms import Alarm, AlarmName
from domain.clock import NS_PER_S, Clock
from domain.messages.message import Message
from domain.metrics import ALARM
from domain.stored_model import StoredModel
from storage.clients.redis import Redis, texts

_KEY = "{alarms}:nodes"
FRESH_FOR_S = 120
"""Alarms that were published longer ago are ignored: the node may be dead."""
_log = logging.getLogger(__name__)


class _PublishedAlarms(StoredModel):
    told_at: int
    alarms: tuple[Alarm, ...]


class Alarms:
    """The alarms of one node. It is thread-safe, and an alarm keeps its begin over a restart of its
    process.
    """

    def __init__(self, node: str, file: Path, clock: Clock) -> None:
        self._node = node
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        stored = _read(file)
        found = stored.alarms if stored else ()
        self._active = {alarm.name: alarm for alarm in found if isinstance(alarm.name, AlarmName)}

    def set(self, name: AlarmName, sentence: Message | None) -> None:
        """Raise an alarm with what is wrong now, or clear it if `sentence` is None."""
        with self._lock:
            known = self._active.get(name)
            if sentence is None:
                self._active.pop(name, None)
            else:
                since = known.since if known else self._clock.wall_ns()
                self._active[name] = Alarm.of(name, self._node, since, sentence)
        ALARM.labels(name).set(0 if sentence is None else 1)
        if known is None and sentence is not None:
            _log.critical("alarm %s: %s", name, sentence)
        elif known is not None and sentence is None:
            _log.warning("the alarm %s is over", name)

    def active(self) -> tuple[Alarm, ...]:
        """Return the active alarms by name."""
        with self._lock:
            return tuple(sorted(self._active.values(), key=lambda alarm: alarm.name))

    def publish(self, redis: Redis) -> None:
        """Write the alarms to the file and publish them. Call it again well within `FRESH_FOR_S`.
        Raises OSError, IndexUnavailable.
        """
        text = _PublishedAlarms(
            told_at=self._clock.wall_ns(), alarms=self.active()
        ).model_dump_json()
        unfinished = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(text, "utf-8")
            unfinished.replace(self._file)
        finally:
            redis.do("HSET", _KEY, self._node, text)


def published_alarms(redis: Redis, clock: Clock) -> tuple[Alarm, ...]:
    """Return the alarms of all live nodes, by their begin. Raises IndexUnavailable."""
    return _alarms([_parsed(text) for text in texts(redis.do("HVALS", _KEY))], clock)


def alarms_in_file(file: Path, clock: Clock) -> tuple[Alarm, ...]:
    """Return the alarms of the node with this file, as it last wrote them."""
    return _alarms([_read(file)], clock)


def _alarms(found: list[_PublishedAlarms | None], clock: Clock) -> tuple[Alarm, ...]:
    oldest_ns = clock.wall_ns() - FRESH_FOR_S * NS_PER_S
    alarms = [
        alarm
        for one in found
        if one is not None and one.told_at >= oldest_ns
        for alarm in one.alarms
    ]
    return tuple(sorted(alarms, key=lambda alarm: (alarm.since, alarm.node, alarm.name)))


def _read(file: Path) -> _PublishedAlarms | None:
    try:
        return _parsed(file.read_text("utf-8"))
    except FileNotFoundError:
        return None


def _parsed(text: str) -> _PublishedAlarms | None:
    try:
        return _PublishedAlarms.model_validate_json(text)
    except ValidationError:  # of another version of Sightline, or torn
        return None
