"""The HTTP server of a process, whose open responses end in order when the process stops."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

import uvicorn

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
