"""A clock for tests in which real sockets and threads run: the machine's time, held and set
forward by the test.
"""

from __future__ import annotations

import threading
from collections import Counter

from domain.clock import NS_PER_S, ClockStep, SystemClock


class AdjustedClock:
    """It runs as the machine's clock does until it is held. Timeouts under test are reached by
    `advance`, not by waiting.
    """

    stepped_ns = 0
    steps: tuple[ClockStep, ...] = ()

    def __init__(self) -> None:
        self._system = SystemClock()
        self._ahead_ns = 0
        self._held_ns: int | None = None
        self.reads = Counter[str]()
        """How often each thread, by its name, asked for the time."""

    def steady_ns(self) -> int:
        self.reads[threading.current_thread().name] += 1
        held_ns = self._held_ns
        return self._system.steady_ns() + self._ahead_ns if held_ns is None else held_ns

    def wall_ns(self) -> int:
        return self.steady_ns()

    def monotonic_s(self) -> float:
        return self.steady_ns() / NS_PER_S

    def hold(self) -> None:
        """Let the time stand still. From now on only `advance` moves it."""
        self._held_ns = self.steady_ns()

    def release(self) -> None:
        """Let the time run again, from where it stands."""
        if self._held_ns is not None:
            self._ahead_ns = self._held_ns - self._system.steady_ns()
            self._held_ns = None

    def advance(self, seconds: float) -> None:
        """Set the time forward, whether it runs or is held."""
        if self._held_ns is None:
            self._ahead_ns += round(seconds * NS_PER_S)
        else:
            self._held_ns += round(seconds * NS_PER_S)

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        return event.wait(timeout_s)

    def sleep(self, seconds: float) -> None:
        self._system.sleep(seconds)
