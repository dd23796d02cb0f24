"""A TCP relay to a camera that can be slowed, silenced or cut; the kernel may lack netem."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType

Address = tuple[str, int]
_CHUNK_BYTES = 1 << 16
_MOST_WAITING = 256


class Relay:
    """Forwards `port` on loopback to `upstream`.

    A changed fault applies immediately, also to existing connections.
    """

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.is_dumb = False
        """Connections are accepted, and nothing is ever said on them."""
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._stop = asyncio.Event()
        self._started: Future[int] = Future()

    def __enter__(self) -> Relay:
        self._thread.start()
        self.port = self._started.result(5)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def cut(self) -> None:
        """Close all connections."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self._started.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.is_dumb:
                await _swallow(reader)
            else:
                await self._join(reader, writer)
        except OSError:
            pass  # one side has closed; the other side is closed below
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.upstream)
        self._writers.add(far_writer)
        ways = [
            asyncio.ensure_future(self._carry(reader, far_writer)),
            asyncio.ensure_future(self._carry(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._writers.discard(far_writer)
            far_writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """In order, each piece late by the delay and some of the jitter."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST_WAITING)
        deliver = asyncio.ensure_future(_deliver(waiting, writer, self._loop.time))
        due_s = 0.0
        try:
            with suppress(OSError):
                while data := await reader.read(_CHUNK_BYTES):
                    late_s = self.delay_s + random.uniform(-self.jitter_s, self.jitter_s)
                    due_s = max(due_s, self._loop.time() + late_s)
                    await waiting.put((due_s, data))
        finally:
            deliver.cancel()


async def _deliver(
    waiting: asyncio.Queue[tuple[float, bytes]],
    writer: asyncio.StreamWriter,
    now_s: Callable[[], float],
) -> None:
    with suppress(OSError):
        while True:
            due_s, data = await waiting.get()
            if (rest_s := due_s - now_s()) > 0:
                await asyncio.sleep(rest_s)
            writer.write(data)
            await writer.drain()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK_BYTES):
        pass
