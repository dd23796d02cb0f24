"""The simulator: an RTSP server on an event loop and a thread of its own, and its cameras."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from domain.clock import Clock, SystemClock
from domain.errors import BadInput
from simulator.camera import CodecChange, ConnectionCut, Fault, SimCamera
from simulator.connection import ClientConnection
from simulator.media import PreparedMedia, prepare
from simulator.output import UdpPorts
from simulator.player import Counters
from simulator.station import Station

STOP_S = 5.0
ServeClient = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Simulator:
    """`with Simulator([SimCamera("gate", file)]) as sim: sim.url("gate")`.

    Files are read on entering; raises BadInput where one cannot be played, where two cameras share
    a path, or where the port is taken.
    """

    def __init__(
        self,
        cameras: Iterable[SimCamera],
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
    ) -> None:
        self._cameras = tuple(cameras)
        paths = [camera.path for camera in self._cameras]
        doubles = sorted({path for path in paths if paths.count(path) > 1})
        if doubles:
            raise BadInput(
                "two simulated cameras have the path {doubles}; give each its own",
                doubles=repr(doubles[0]),
            )
        self.port = port
        self._host = host
        self._clock = clock or SystemClock()
        self._stations: dict[str, Station] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients: dict[asyncio.Task[None], ClientConnection] = {}
        self._stop = asyncio.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Simulator:
        medias = _prepared(self._cameras)
        started: Future[int] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(medias, started)), name="simulator", daemon=True
        )
        self._thread.start()
        self.port = started.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close every connection and end the thread; safe to call twice."""
        if self._thread is not None and self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(STOP_S)

    def url(self, path: str) -> str:
        """The address of a camera, without credentials."""
        return f"rtsp://{self._host}:{self.port}/{path}"

    @property
    def urls(self) -> dict[str, str]:
        return {camera.path: self.url(camera.path) for camera in self._cameras}

    def counters(self, path: str) -> Counters:
        """What was sent, lost and dropped of a camera so far."""
        return self._stations[path].counters

    def fail(self, path: str, fault: Fault) -> None:
        """Let a camera have a fault from now on: its `at_s` is counted from this moment.
        Connections that play have it too.

        Raises BadInput for a cut and a codec change, which are laid out when a stream begins.
        """
        if isinstance(fault, ConnectionCut | CodecChange):
            raise BadInput("{kind} can only be set before the camera plays", kind=fault.kind)
        station = self._stations[path]
        self._on_loop(lambda: station.plan.add(replace(fault, at_s=station.now_s + fault.at_s)))

    def fall_silent(self) -> dict[str, Counters]:
        """Send nothing more to anyone, connections stay; what was sent of each camera until
        then.
        """

        def silence() -> None:
            for client in self._clients.values():
                client.fall_silent()

        self._on_loop(silence)
        return {camera.path: self.counters(camera.path) for camera in self._cameras}

    def _on_loop(self, act: Callable[[], None]) -> None:
        """Do it on the event loop, and wait until it is done."""

        async def acting() -> None:
            act()

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(acting(), self._loop).result(STOP_S)

    async def _serve(self, medias: dict[Path, PreparedMedia], started: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        clients = self._clients
        nonce = secrets.token_hex(16)

        async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            clients[task] = ClientConnection(reader, writer, self._stations, ports, nonce)
            try:
                await clients[task].run()
            finally:
                del clients[task]

        try:
            ports = await UdpPorts.bind(self._host)
            server = await self._listen(serve_client, ports)
        except BadInput as error:
            started.set_exception(error)
            return
        self._stations |= {
            camera.path: Station(camera, medias, self._clock) for camera in self._cameras
        }
        started.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for client in clients.values():
            client.close()
        await asyncio.gather(*clients)
        ports.close()

    async def _listen(self, serve_client: ServeClient, ports: UdpPorts) -> asyncio.Server:
        try:
            return await asyncio.start_server(serve_client, self._host, self.port, backlog=1024)
        except OSError as error:
            ports.close()
            raise BadInput(
                "port {port} of {host} cannot be used: {reason}",
                port=self.port,
                host=self._host,
                reason=error.strerror,
            ) from error


def _prepared(cameras: tuple[SimCamera, ...]) -> dict[Path, PreparedMedia]:
    """Each file once, however many cameras play it."""
    files = {camera.file for camera in cameras}
    files |= {
        fault.file
        for camera in cameras
        for fault in camera.faults
        if isinstance(fault, CodecChange)
    }
    return {file: prepare(file) for file in sorted(files)}
