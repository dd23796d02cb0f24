"""Logging. A repeated message is limited to one line a second, with the number of suppressed
repeats.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from domain.clock import Clock

_UNPRINTED = {"\n": "\n\t", "\t": "\t"}
FORMAT = "%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s"
MAX_KEYS = 1000
"""The most messages that a `FloodGate` knows at a time."""


def set_up_logging(level: str, process_name: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_EscapingFormatter(FORMAT.replace("%(processName)s", process_name)))
    logging.basicConfig(handlers=[handler], force=True)
    set_levels(level)


def set_levels(level: str = "INFO") -> None:
    """Set the levels that differ. Each change writes to all loggers of the process, whose memory
    is then no longer shared with the process that it was forked from.
    """
    # httpx logs every request, readiness checks included.
    for logger, wanted in ((logging.getLogger(), level), (logging.getLogger("httpx"), "WARNING")):
        if logging.getLevelName(logger.level) != wanted:
            logger.setLevel(wanted)


def escaped(text: str, kept: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a text in which control characters are shown as escapes, apart from those in `kept`.

    A text of a camera, a client or a file can then neither begin a line of its own nor move the
    cursor of a terminal.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else kept.get(one) or _escape(one) for one in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class _EscapingFormatter(logging.Formatter):
    """Escapes messages. A line break stays, and the line after it is indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as in the base
        return escaped(super().formatMessage(record), _UNPRINTED)


class FloodGate:
    """Collapses repeats of one message: the first passes, then one a second with the number of
    suppressed repeats.
    """

    def __init__(self, write: Callable[[str], None], clock: Clock, every_s: float = 1.0) -> None:
        self._write = write
        self._clock = clock
        self._every_s = every_s
        self._last: dict[str, _Last] = {}
        """The key that was written last is the last one."""
        self._lock = threading.Lock()

    def __call__(self, key: str, message: str) -> None:
        """Write `message` unless one of the same `key` was written within the last second."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            last = self._last.get(key)
            if last is not None and now_s - last.at_s < self._every_s:
                self._last[key] = _Last(last.at_s, last.held + 1, message)
                return
            self._last.pop(key, None)
            forgotten = self._make_room()
            self._last[key] = _Last(now_s, 0, message)
        if forgotten is not None and forgotten.held:
            self._write(_with_count(forgotten.message, forgotten.held - 1))
        self._write(_with_count(message, last.held if last is not None else 0))

    def flush(self) -> None:
        """Write the newest suppressed message of each key whose second has passed. Call it
        regularly.
        """
        now_s = self._clock.monotonic_s()
        with self._lock:
            due = {
                key: last
                for key, last in self._last.items()
                if last.held and now_s - last.at_s >= self._every_s
            }
            for key, last in due.items():
                del self._last[key]
                self._last[key] = _Last(now_s, 0, last.message)
        for last in due.values():
            self._write(_with_count(last.message, last.held - 1))

    def _make_room(self) -> _Last | None:
        """Forget the key that was written longest ago if there are too many, and return it: keys
        may contain unlimited variants.
        """
        return self._last.pop(next(iter(self._last))) if len(self._last) >= MAX_KEYS else None


class _Last(NamedTuple):
    """When a message of a key was last written, how many were suppressed since, and the newest of
    them.
    """

    at_s: float
    held: int
    message: str


def _with_count(message: str, others: int) -> str:
    return f"{message} (and {others} more like it)" if others else message
