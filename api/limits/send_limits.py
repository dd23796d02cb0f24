"""Limits on streaming responses: their number, and a minimum rate for each.

An export holds an open file, or a connection to a node, until its last byte is sent. Without a
minimum rate, a client that stops reading would hold it without end.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anyio import CapacityLimiter

from api.limits.byte_budget import ByteBudget
from domain.clock import Clock
from domain.errors import StoreError
from domain.log import FloodGate
from domain.metrics import SLOW_READERS
from domain.settings import Settings

MAX_OPEN = 48
"""It is less than the number of connections to nodes that a process may have."""
CHECK_INTERVAL_S = 0.5
"""How often the rate of a client is checked. The injected clock measures the rate itself."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeastRate:
    """The minimum rate of a client.

    A client that reads less than `bytes_per_s` during `over_s` seconds of sending is disconnected.
    """

    bytes_per_s: float = 32_000.0
    over_s: float = 30.0

    @classmethod
    def from_settings(cls, settings: Settings, slack: float = 1.0) -> LeastRate:
        """Return the rate of the settings.

        A node uses a larger `slack` than the API, so that the API disconnects first.
        """
        return cls(settings.send_least_kb_s * 1000, settings.send_slow_s * slack)


class SendRate:
    """Measures how fast one client reads. Time in which it waits for us does not count."""

    def __init__(self, clock: Clock, least: LeastRate) -> None:
        self._clock = clock
        self._least = least
        self._waited_s = 0.0
        self._sent_bytes = 0
        self._since_s: float | None = None

    @contextmanager
    def sending(self, size_bytes: int) -> Iterator[None]:
        """Measure the sending of a chunk; its bytes count from the start of sending."""
        self._since_s = self._clock.monotonic_s()
        self._sent_bytes += size_bytes
        try:
            yield
        finally:
            self._waited_s += self._clock.monotonic_s() - self._since_s
            self._since_s = None

    def is_too_slow(self) -> bool:
        """Return whether the current window was too slow; otherwise start the next window."""
        current_s = 0.0 if self._since_s is None else self._clock.monotonic_s() - self._since_s
        waited_s = self._waited_s + current_s
        if waited_s < self._least.over_s:
            return False
        if self._sent_bytes < self._least.bytes_per_s * waited_s:
            return True
        self._waited_s, self._sent_bytes = -current_s, 0
        return False


class Sending:
    """The streaming responses of one app. Only its event loop may use it."""

    def __init__(
        self,
        clock: Clock,
        least: LeastRate,
        most: int = MAX_OPEN,
        budget: ByteBudget | None = None,
    ) -> None:
        """Without `budget`, the responses share one of their own."""
        self.clock = clock
        self.budget = budget or ByteBudget()
        self._least = least
        self._most = most
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)
        self.limiter = CapacityLimiter(most)
        """Limits the threads that wait for the next bytes of a source."""
        self.open = 0

    @contextmanager
    def slot(self) -> Iterator[SendRate]:
        """Hold a slot while a response is sent. Raises StoreError where none is free."""
        if self.open >= self._most:
            raise StoreError(
                "{most} files are being sent here already; try again in a moment", most=self._most
            )
        self.open += 1
        try:
            yield SendRate(self.clock, self._least)
        finally:
            self.open -= 1

    def close_slow(self, request_id: str) -> None:
        """Count and log a client that is disconnected."""
        SLOW_READERS.inc()
        self._warn(
            "slow",
            f"request {request_id}: the client read less than "
            f"{self._least.bytes_per_s / 1000:.0f} kB/s "
            f"for {self._least.over_s:.0f} s, so the connection is closed",
        )
