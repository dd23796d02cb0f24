"""The HTTP server of a process: its configuration, and the end of its open responses at a stop."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sightline.connection_limits import ConnectionLimits
from sightline.http_protocol import limited_protocol

HANDSHAKE_TIMEOUT_S = 10.0
"""A connection without a finished TLS handshake is not counted, so it must not last."""
DESCRIPTOR_LIMIT = 65_536
STOP_WITHIN_S = 10
"""At a stop, the task of a response that still runs after so long is cancelled."""
CUT_OFF_AFTER_S = 5.0
"""At a stop, responses that are being sent may finish for this long."""
_log = logging.getLogger(__name__)


class HttpServer(uvicorn.Server):
    """At a stop it accepts no connection, ends streams that would go on, and closes WebSockets with
    1012. Other responses may finish. Those that take too long are cut off, as if their clients had
    disconnected: a task that the server cancels would be an error in the log.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        end_streams: Callable[[], None],
        cut_off_after_s: float = CUT_OFF_AFTER_S,
    ) -> None:
        """`end_streams` ends the responses that last until they are ended."""
        super().__init__(config)
        self._end_streams = end_streams
        self._cut_off_after_s = cut_off_after_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        loop = asyncio.get_running_loop()
        cutting_off = loop.call_later(self._cut_off_after_s, self._cut_off)
        try:
            await super().shutdown(sockets)
        finally:
            cutting_off.cancel()

    def _cut_off(self) -> None:
        connections = list(self.server_state.connections)
        if connections:
            _log.info(
                "%d responses were not finished within %.0f s of the stop and are cut off",
                len(connections),
                self._cut_off_after_s,
            )
        for connection in connections:
            connection.transport.abort()


class ServerLoop(asyncio.SelectorEventLoop):
    """The event loop of a server. uvicorn has no setting for the time of a TLS handshake."""

    async def create_server(self, *arguments: Any, **named: Any) -> asyncio.Server:
        if named.get("ssl") is not None:
            named["ssl_handshake_timeout"] = HANDSHAKE_TIMEOUT_S
        return await super().create_server(*arguments, **named)


def raise_descriptor_limit() -> None:
    """Allow this process the files and connections that the system permits, up to a bound.

    The usual 1,024 are fewer than the connections of a server. Then the server could accept
    nothing, and not reach its stores either.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = DESCRIPTOR_LIMIT
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def server_config(
    app: ASGIApp,
    limits: ConnectionLimits,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    stop_within_s: int = STOP_WITHIN_S,
    websockets: Mapping[str, Any] | None = None,
) -> uvicorn.Config:
    """Return the configuration of every HTTP server of Sightline.

    WebSockets are off unless there are options for them (`websocket_protocol.py`): otherwise, an
    upgraded connection would leave the limits.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=limited_protocol(limits),
        loop=f"{__name__}:{ServerLoop.__name__}",
        **(websockets or {"ws": "none"}),
        ssl_context_factory=None if tls is None else lambda *_: tls,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=stop_within_s,
        proxy_headers=False,  # `api.requests.client_address` reads those of trusted proxies
    )
