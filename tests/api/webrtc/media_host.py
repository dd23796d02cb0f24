"""A media process and one API process of it, over UDP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.nodes.live_wire import LiveWriter
from api.webrtc.client import MediaClient, MediaLink, SessionEvents
from api.webrtc.messages import OpenSession, OpenStream, Reply
from api.webrtc.service import MediaService
from api.webrtc.udp_socket import UdpSocket, bound_port
from domain.clock import SystemClock
from domain.errors import SightlineError
from domain.media.held_gop import MemoryLimit
from domain.media.packets import Packet
from domain.paths.local_sockets import listening
from ingest.live.fragmenter import Fragmenter
from tests.api.webrtc.aiortc_viewer import AiortcViewer
from tests.recorded import PLAIN, packets_of
from tests.waiting import PATIENCE_S

HOSTS = ("127.0.0.1",)


@dataclass
class Sent:
    """One stream of a test's API process."""

    link: MediaLink
    number: int
    fragmenter: Fragmenter = field(default_factory=Fragmenter)
    writer: LiveWriter = field(default_factory=LiveWriter)

    async def put(self, packets: list[Packet]) -> None:
        """Send the pictures one by one."""
        for packet in packets:
            fragment = self.fragmenter.fragment(packet)
            assert fragment is not None
            await self.link.send_records(self.number, self.writer.records([fragment]))


@dataclass
class Opened:
    """A session of a test."""

    name: str
    reply: Reply
    ended: asyncio.Future[SightlineError | None]
    wishes: list[bool]
    moved: asyncio.Event


class Host:
    """A media process, and one API process of it."""

    def __init__(self, udp: UdpSocket, client: MediaClient, link: MediaLink) -> None:
        self.udp = udp
        self.client = client
        self.link = link
        self.stack = AsyncExitStack()
        self._sessions = 0

    def stream(self, camera: str = "gate", is_sub: bool = False) -> Sent:
        number = self.link.new_stream()
        self.link.send(OpenStream(stream=number, camera=camera, name="sub" if is_sub else "main"))
        return Sent(self.link, number)

    def sound(self, camera: str = "gate") -> int:
        number = self.link.new_stream()
        self.link.send(OpenStream(stream=number, camera=camera, name="sound"))
        return number

    async def open(
        self, stream: Sent, offer: str, has_substream: bool = False, sound: int | None = None
    ) -> Opened:
        self._sessions += 1
        name = f"session-{self._sessions}"
        ended: asyncio.Future[SightlineError | None] = asyncio.get_running_loop().create_future()
        wishes: list[bool] = []
        moved = asyncio.Event()
        message = OpenSession(
            session=name,
            owner="ada",
            camera="gate",
            stream=stream.number,
            sound=sound,
            has_substream=has_substream,
            offer=offer,
            hosts=HOSTS,
        )
        events = SessionEvents(ended.set_result, wishes.append, moved.set)
        reply = await self.link.open(message, events)
        return Opened(name, reply, ended, wishes, moved)

    async def viewer(
        self, stream: Sent, has_substream: bool = False
    ) -> tuple[AiortcViewer, Opened]:
        """Open a viewer, which is closed at the end of the test."""
        viewer = AiortcViewer()
        self.stack.push_async_callback(viewer.close)
        opened = await self.open(stream, await viewer.offer(), has_substream)
        await viewer.accept(opened.reply.text)
        return viewer, opened

    async def watched(self) -> tuple[Sent, Opened]:
        """Open a viewer of a new stream with five pictures, and wait until it shows the first."""
        stream = self.stream()
        await stream.put(packets_of(PLAIN)[:5])
        viewer, opened = await self.viewer(stream)
        await viewer.until(1)
        return stream, opened


@asynccontextmanager
async def media_host(folder: Path) -> AsyncIterator[Host]:
    udp = UdpSocket(bound_port("127.0.0.1", 0))
    service = MediaService(udp, MemoryLimit(64 << 20), SystemClock())
    listener = listening(folder / "media", 8)
    serving = asyncio.create_task(service.run(listener))
    client = MediaClient(folder / "media")
    host = Host(udp, client, await client.link())
    try:
        async with host.stack:
            yield host
    finally:
        await client.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()
        udp.close()


def run(folder: Path, work: Callable[[Host], Coroutine[None, None, None]]) -> None:
    async def all_of_it() -> None:
        async with media_host(folder) as host, asyncio.timeout(PATIENCE_S):
            await work(host)

    asyncio.run(all_of_it())


async def feed(stream: Sent, packets: list[Packet]) -> None:
    """Send pictures as a camera does, somewhat faster."""
    for packet in packets:
        await stream.put([packet])
        await asyncio.sleep(0.01)
