"""Limits on the connections of an HTTP server: their number, and the time for a request's headers.

uvicorn waits without a limit for the headers of a request, so a client could hold thousands of
connections by sending a byte a minute on each.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.requests.refused_requests import network_of
from domain.clock import Clock
from domain.log import FloodGate
from domain.metrics import CONNECTIONS_CLOSED

HEADERS_TIMEOUT_S = 10.0
MAX_CONNECTIONS = 4_000
MAX_PER_ADDRESS = 500
"""A command centre behind one address opens six connections for each page."""
_log = logging.getLogger(__name__)


class ConnectionLimits:
    """Counts the connections of one server. Only its event loop may use it."""

    def __init__(
        self,
        clock: Clock,
        max_connections: int = MAX_CONNECTIONS,
        max_per_address: int = MAX_PER_ADDRESS,
        headers_timeout_s: float = HEADERS_TIMEOUT_S,
    ) -> None:
        self.headers_timeout_s = headers_timeout_s
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


class LimitedProtocol(HttpToolsProtocol):
    """One connection within the limits of its server."""

    limits: ClassVar[ConnectionLimits]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._address: str | None = None
        self._headers_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = network_of(self.client[0] if self.client else "")
        if self.limits.admit(self._address):
            self._await_headers()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._address is not None:
            self.limits.release(self._address)
            self._address = None
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def _await_headers(self) -> None:
        if self._headers_deadline is None:
            self._headers_deadline = self.loop.call_later(
                self.limits.headers_timeout_s, self._close_slow
            )

    def _stop_waiting(self) -> None:
        if self._headers_deadline is not None:
            self._headers_deadline.cancel()
            self._headers_deadline = None

    def _close_slow(self) -> None:
        self.limits.report(
            "headers",
            f"{self._address} sent no whole request in {self.limits.headers_timeout_s:.0f} s",
        )
        self.transport.abort()


def limited_protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """The protocol class for `uvicorn.Config(http=...)`."""
    return type("ServerProtocol", (LimitedProtocol,), {"limits": limits})
