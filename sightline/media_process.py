"""The media process of an API's host: it sends live video to WebRTC viewers, from one UDP port.

It is started as `python -m sightline.media_process`, with the sockets of the supervisor
(`sightline/media_sockets.py`). It answers datagrams of anyone, so it has no key of the
site and no store: API processes check who may watch, and send it the pictures. It ends when no API
process was connected for some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket

from api.webrtc.service import MediaService
from api.webrtc.udp_socket import UdpSocket
from domain.clock import SystemClock
from domain.log import set_up_logging
from domain.media.held_gop import MemoryLimit
from domain.settings import Settings
from sightline.confinement.report import log_confinement
from sightline.forking.served_sockets import inherited
from sightline.processes.memory_tuning import collect_seldom

_log = logging.getLogger(__name__)
_GC_THRESHOLD = 20_000
DEFAULT_IDLE_S = 300.0
"""Shorter times would start it again for each look at a camera."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.media_process", description=__doc__)
    parser.add_argument("--data", required=True, help="what all processes have; it is not used")
    parser.add_argument("--idle-s", type=float, default=DEFAULT_IDLE_S)
    arguments = parser.parse_args()
    settings = Settings()
    set_up_logging(settings.log_level, "media")
    log_confinement()
    connections, viewers = (socket.socket(fileno=number) for number in inherited()[:2])
    udp = UdpSocket(viewers)
    _log.info("WebRTC viewers are served at UDP port %d", udp.port)
    bound = MemoryLimit(round(settings.live_memory_mb * 1_000_000))
    collect_seldom(_GC_THRESHOLD)
    service = MediaService(udp, bound, SystemClock())
    asyncio.run(_serve(service, connections, arguments.idle_s))
    udp.close()
    connections.close()


async def _serve(service: MediaService, connections: socket.socket, idle_s: float) -> None:
    """Serve until SIGTERM or SIGINT, of whose end viewers are informed, or until it is idle."""
    work = asyncio.create_task(service.run(connections, idle_s))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
        _log.info("the media process ends until a viewer needs it")
    except asyncio.CancelledError:
        _log.info("the media process ends")


if __name__ == "__main__":
    main()
