"""The media process of a site, as a thread of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from api.webrtc.service import MediaService
from api.webrtc.udp_socket import UdpSocket, bound_port
from domain.clock import SystemClock
from domain.media.held_gop import MemoryLimit
from domain.paths.data_layout import Layout
from domain.paths.local_sockets import listening


@contextmanager
def media_process(layout: Layout) -> Iterator[None]:
    """Serve WebRTC viewers on loopback."""
    loop = asyncio.new_event_loop()
    udp = UdpSocket(bound_port("127.0.0.1", 0))
    listener = listening(layout.media_socket, 8)
    work: list[asyncio.Task[None]] = []

    async def serve() -> None:
        service = MediaService(udp, MemoryLimit(64 << 20), SystemClock())
        work.append(asyncio.create_task(service.run(listener)))
        await asyncio.gather(*work, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(lambda: work[0].cancel())
        thread.join()
        loop.close()
        listener.close()
        udp.close()
