"""Injected time. Only this module asks the operating system for it.

Wall time is UTC nanoseconds since 1970 (`*_wall_ns`, `*_ns`); monotonic time is only for waiting
and rates. An administrator or NTP can set wall time. Code that must not follow such a step uses
steady time, which is wall time without those steps.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from domain.messages.message import Message

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
S_PER_DAY = 86_400
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 24 * MS_PER_HOUR
NS_PER_HOUR = 3_600 * NS_PER_S
NS_PER_DAY = 24 * NS_PER_HOUR
LATEST_NS = 253_402_300_800 * NS_PER_S
"""The start of the year 10000. Every time that is read from a name or a request is earlier."""
STEP_NS = NS_PER_S // 2
"""Wall time was set if it moved by more than this against monotonic time between two checks.
Smaller movements count as slewing.
"""
_MAX_STEPS = 100
_SET_FORWARD = "this machine's clock was set forward by {by_s} s, from {start} to {end}"
_SET_BACK = "this machine's clock was set back by {by_s} s, from {start} to {end}"
_EPOCH = datetime.fromtimestamp(0, UTC)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A step of wall time: it was `from_ns` (UTC) and became `to_ns` at the same moment."""

    from_ns: int
    to_ns: int

    @property
    def message(self) -> Message:
        return Message(
            _SET_FORWARD if self.to_ns > self.from_ns else _SET_BACK,
            by_s=round(abs(self.to_ns - self.from_ns) / NS_PER_S, 1),
            start=moment(self.from_ns),
            end=moment(self.to_ns),
        )

    def __str__(self) -> str:
        return str(self.message)


class Clock(Protocol):
    def wall_ns(self) -> int:
        """UTC now, in nanoseconds."""

    def steady_ns(self) -> int:
        """Wall time without the steps since this clock was created: `wall_ns() - stepped_ns`. It
        follows slewing.
        """

    @property
    def stepped_ns(self) -> int:
        """The sum of all steps since this clock was created; negative if wall time was set back."""

    @property
    def steps(self) -> tuple[ClockStep, ...]:
        """The last hundred of these steps, oldest first."""

    def monotonic_s(self) -> float:
        """Seconds that never go back; only differences have a meaning."""

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait for `event` for at most `timeout_s`; True when it was set."""

    def sleep(self, seconds: float) -> None:
        """Pause before the state of another process is polled again."""


class SystemClock:
    """The clock of this machine. The first call after a step detects it and logs it once."""

    def __init__(self) -> None:
        self._lead_ns = self._steady_lead_ns = time.time_ns() - time.monotonic_ns()
        """Wall time minus monotonic time, and steady time minus monotonic time, at the last check
        of the clock.
        """
        self._stepped_ns = 0
        self._steps: tuple[ClockStep, ...] = ()
        self._lock = threading.Lock()

    def wall_ns(self) -> int:
        self.steady_ns()
        return time.time_ns()

    def steady_ns(self) -> int:
        monotonic_ns = time.monotonic_ns()
        moved_ns = time.time_ns() - monotonic_ns - self._lead_ns
        if abs(moved_ns) > STEP_NS:
            with self._lock:
                self._detect_step()
        elif moved_ns:
            self._slew(moved_ns)
        return monotonic_ns + self._steady_lead_ns

    @property
    def stepped_ns(self) -> int:
        return self._stepped_ns

    @property
    def steps(self) -> tuple[ClockStep, ...]:
        return self._steps

    def _detect_step(self) -> None:
        """Record a step if the clock was set. A thread that was suspended between two reads does
        not count as one.
        """
        while True:
            before_ns, wall_ns, after_ns = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
            if after_ns - before_ns < STEP_NS // 10:
                break
        moved_ns = wall_ns - after_ns - self._lead_ns
        if abs(moved_ns) <= STEP_NS:
            self._slew(moved_ns)
            return
        self._lead_ns += moved_ns
        self._stepped_ns += moved_ns
        step = ClockStep(wall_ns - moved_ns, wall_ns)
        self._steps = (*self._steps, step)[-_MAX_STEPS:]
        _log.warning("clock_stepped: %s", step)

    def _slew(self, by_ns: int) -> None:
        self._lead_ns += by_ns
        self._steady_lead_ns += by_ns

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        return event.wait(timeout_s)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock that only a test moves. `wait` advances it immediately and records the requested
    time.
    """

    def __init__(self, wall_ns: int = 1_760_000_000 * NS_PER_S) -> None:
        self._steady_ns = wall_ns
        self.stepped_ns = 0
        self.steps: tuple[ClockStep, ...] = ()
        self.waits_s: list[float] = []

    def wall_ns(self) -> int:
        return self._steady_ns + self.stepped_ns

    def steady_ns(self) -> int:
        return self._steady_ns

    def monotonic_s(self) -> float:
        return self._steady_ns / NS_PER_S

    def advance(self, seconds: float) -> None:
        self._steady_ns += round(seconds * NS_PER_S)

    def step(self, seconds: float) -> None:
        """Set wall time forward, or back."""
        before_ns = self.wall_ns()
        self.stepped_ns += round(seconds * NS_PER_S)
        self.steps = (*self.steps, ClockStep(before_ns, self.wall_ns()))

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self.waits_s.append(timeout_s)
        if not event.is_set():
            self.advance(timeout_s)
        return event.is_set()

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)


def thread_cpu_s() -> float:
    """CPU seconds that the calling thread has used; only differences have a meaning."""
    return time.thread_time()


def rfc3339(wall_ns: int) -> str:
    """UTC with milliseconds, rounded down: `2026-11-24T13:55:04.123Z`."""
    minute, within_ns = divmod(wall_ns, 60 * NS_PER_S)
    return f"{_minute(minute)}:{within_ns // NS_PER_S:02d}.{within_ns % NS_PER_S // NS_PER_MS:03d}Z"


def moment(wall_ns: int) -> datetime:
    """Return the time as a part of a message; it is shown with milliseconds, rounded down."""
    return _EPOCH + timedelta(milliseconds=wall_ns // NS_PER_MS)


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    # A page of events contains hundreds of times within a few minutes.
    moment = datetime.fromtimestamp(minute * 60, UTC)
    # glibc does not pad %Y below the year 1000, but RFC 3339 requires four digits.
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M}"


def parse_rfc3339(text: str) -> int:
    """Convert an RFC 3339 time to UTC nanoseconds. Raises ValueError if the offset is missing or
    the text is not a time.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write 2026-11-24T13:55:04Z or +08:00")
    whole = moment.astimezone(UTC)
    return int(whole.replace(microsecond=0).timestamp()) * NS_PER_S + whole.microsecond * 1000
