"""Limits on the connections of one server: their number, and the times and rates of its clients."""

from __future__ import annotations

import logging
from collections import Counter

from domain.clock import Clock
from domain.log import FloodGate
from domain.metrics import CONNECTIONS_CLOSED

HEADERS_TIMEOUT_S = 10.0
MAX_CONNECTIONS = 4_000
MAX_PER_ADDRESS = 500
"""A command centre behind one address opens six connections for each page."""
READER_INTERVAL_S = 30.0
DRAIN_S = 2.0
"""How long the rest of a refused body is discarded, so that its sender reads the answer."""
_log = logging.getLogger(__name__)


class ConnectionLimits:
    """Counts the connections of one server. Only its event loop may use it."""

    def __init__(
        self,
        clock: Clock,
        max_connections: int = MAX_CONNECTIONS,
        max_per_address: int = MAX_PER_ADDRESS,
        headers_timeout_s: float = HEADERS_TIMEOUT_S,
        reader_interval_s: float = READER_INTERVAL_S,
        drain_s: float = DRAIN_S,
    ) -> None:
        self.headers_timeout_s = headers_timeout_s
        self.reader_interval_s = reader_interval_s
        self.drain_s = drain_s
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._open: Counter[str] = Counter()
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def admit(self, address: str) -> bool:
        """Count a connection, and return whether it may stay."""
        self._open[address] += 1
        if self._open[address] > self._max_per_address:
            self.report("address", f"{address} has {self._max_per_address} connections already")
            return False
        if self._open.total() > self._max_connections:
            self.report("all", f"{self._max_connections} connections are open already")
            return False
        return True

    def release(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def report(self, reason: str, sentence: str) -> None:
        """Count and log a connection that is closed."""
        CONNECTIONS_CLOSED.labels(reason).inc()
        self._warn(reason, f"a connection was closed: {sentence}")
