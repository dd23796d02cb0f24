"""Time, injected: the one module that asks the machine for it.

Wall time is UTC nanoseconds since 1970 (`*_wall_ns`, `*_ns`); monotonic time is for waiting and rates only.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    def wall_ns(self) -> int:
        """UTC now, in nanoseconds."""

    def monotonic_s(self) -> float:
        """A time that never goes back, in seconds; only differences mean anything."""

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait for `event` for at most `timeout_s`; True when it was set."""

    def sleep(self, seconds: float) -> None:
        """Pause where there is nothing to wait on but another process's state, asked again and again."""


class SystemClock:
    def wall_ns(self) -> int:
        return time.time_ns()

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        return event.wait(timeout_s)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock that only a test moves. `wait` advances it at once and records how long was asked for."""

    def __init__(self, wall_ns: int = 1_760_000_000 * NS_PER_S) -> None:
        self._wall_ns = wall_ns
        self.waits_s: list[float] = []

    def wall_ns(self) -> int:
        return self._wall_ns

    def monotonic_s(self) -> float:
        return self._wall_ns / NS_PER_S

    def advance(self, seconds: float) -> None:
        self._wall_ns += round(seconds * NS_PER_S)

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self.waits_s.append(timeout_s)
        if not event.is_set():
            self.advance(timeout_s)
        return event.is_set()

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)


def rfc3339(wall_ns: int) -> str:
    """UTC with milliseconds, rounded down: `2026-11-24T13:55:04.123Z`."""
    moment = datetime.fromtimestamp(wall_ns // NS_PER_S, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{wall_ns % NS_PER_S // NS_PER_MS:03d}Z"


def parse_rfc3339(text: str) -> int:
    """UTC nanoseconds of an RFC 3339 time; raises ValueError where the offset is missing or the text is none."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write 2026-11-24T13:55:04Z or +08:00")
    whole = moment.astimezone(UTC)
    return int(whole.replace(microsecond=0).timestamp()) * NS_PER_S + whole.microsecond * 1000
