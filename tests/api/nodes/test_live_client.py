"""The client of live streams closes every connection that it opens."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from anyio import CancelScope

from api.nodes.live_client import LiveNodeClient
from api.nodes.live_wire import alive_record
from domain.clock import SystemClock
from tests.api.site_data import NODE, SIGNER
from tests.waiting import PATIENCE_S

STEPS = 100
"""More steps of the event loop than the opening of a stream takes."""
_RECORD = alive_record()
_ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (
    len(_RECORD),
    _RECORD,
)


class EndlessNode:
    """Answers every request with a stream that does not end, and counts its connections."""

    def __init__(self) -> None:
        self.accepted = 0
        self._all_closed = asyncio.Condition()
        self._open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._open += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            """The client has closed the connection, which is what the test waits for."""
        finally:
            writer.close()
            self._open -= 1
            async with self._all_closed:
                self._all_closed.notify_all()

    async def wait_until_closed(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self._all_closed:
            await self._all_closed.wait_for(lambda: not self._open)


async def _read(client: LiveNodeClient, url: str, scope: CancelScope) -> None:
    with scope:
        async with aclosing(client.fragments(url, NODE, "gate", "main")) as stream:
            await anext(stream)


def test_a_reader_that_is_cancelled_at_any_step_leaves_no_connection() -> None:
    async def work() -> int:
        node = EndlessNode()
        server = await asyncio.start_server(node.answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = LiveNodeClient(SIGNER, SystemClock(), None)
        async with server:
            for steps in range(STEPS):
                scope = CancelScope()
                task = asyncio.create_task(_read(client, url, scope))
                for _ in range(steps):
                    await asyncio.sleep(0)
                scope.cancel()
                await task
            await node.wait_until_closed()
        return node.accepted

    assert asyncio.run(work()) > STEPS // 2
