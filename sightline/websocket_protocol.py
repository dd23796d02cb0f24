"""The WebSocket connections of an HTTP server: their limits, and the end of those without a peer.

A handshake arrives on a connection of `http_protocol.py`, which has counted it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, ClassVar

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.requests.refused_requests import network_of
from sightline.connection_limits import ConnectionLimits

MAX_MESSAGE_BYTES = 4096
"""Clients send short texts only."""
PING_EVERY_S, PONG_WITHIN_S = 5.0, 15.0
SEND_BUFFER_BYTES = 256 << 10
"""The kernel's own buffer would hold a minute of live video of a viewer that reads nothing."""
CLOSE_WITHIN_S = 5.0
"""A peer that does not read its last messages within this time is disconnected."""
_log = logging.getLogger("uvicorn.websocket")
_log.setLevel(logging.WARNING)
"""uvicorn logs the URL of each handshake, and a URL may have a ticket."""


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket within the limits of its server."""

    limits: ClassVar[ConnectionLimits]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = self.conn.logger = _log
        self.conn.debug = False
        self._address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._address = network_of(self.client[0] if self.client else "")
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address is not None:
            self.limits.release(self._address)
            self._address = None
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """Disconnect a peer that does not answer. It would not read a closing message either."""
        self.limits.report("ping", f"a WebSocket of {self._address} does not answer")
        self.transport.abort()

    async def send(self, message: ASGISendEvent) -> None:
        """As in the base, which does not count a handshake as complete when it is refused, and logs
        each one as an error of the application.
        """
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.loop.call_later(CLOSE_WITHIN_S, self.transport.abort)


def limited_websocket(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """Return the protocol class for `uvicorn.Config(ws=...)`."""
    return type("WebSocketProtocol", (LimitedWebSocket,), {"limits": limits})


def websocket_options(limits: ConnectionLimits) -> dict[str, Any]:
    """Return the options of `uvicorn.Config` for the WebSockets of a server."""
    return {
        "ws": limited_websocket(limits),
        "ws_max_size": MAX_MESSAGE_BYTES,
        "ws_ping_interval": PING_EVERY_S,
        "ws_ping_timeout": PONG_WITHIN_S,
        "ws_per_message_deflate": False,
    }
