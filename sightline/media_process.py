"""The media process of an API's host: it sends live video to WebRTC viewers, from one UDP port.

It is started as `python -m sightline.media_process`. It answers datagrams of anyone, so it has no
key of the site and no store: API processes check who may watch, and send it the pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from api.webrtc.service import MediaService
from api.webrtc.udp_socket import UdpSocket
from domain.clock import SystemClock
from domain.log import set_up_logging
from domain.media.held_gop import MemoryLimit
from domain.paths.data_layout import Layout
from domain.paths.local_sockets import listening
from domain.settings import Settings
from sightline.confinement.report import log_confinement
from sightline.processes.gc_tuning import collect_seldom

_log = logging.getLogger(__name__)
_BACKLOG = 64
_GC_THRESHOLD = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.media_process", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--udp-port", type=int, required=True)
    arguments = parser.parse_args()
    settings, layout = Settings(), Layout(arguments.data)
    set_up_logging(settings.log_level, "media")
    log_confinement()
    try:
        udp = UdpSocket(arguments.host, arguments.udp_port)
    except OSError as error:
        sys.exit(
            f"UDP port {arguments.udp_port} of {arguments.host} cannot be used "
            f"({error.strerror}); choose another one with SIGHTLINE_WEBRTC_PORT"
        )
    _log.info("WebRTC viewers are served at UDP port %d of %s", udp.port, arguments.host)
    bound = MemoryLimit(round(settings.live_memory_mb * 1_000_000))
    collect_seldom(_GC_THRESHOLD)
    asyncio.run(_serve(MediaService(udp, bound, SystemClock()), layout))
    udp.close()


async def _serve(service: MediaService, layout: Layout) -> None:
    """Serve until SIGTERM or SIGINT; viewers are informed of the end."""
    work = asyncio.create_task(service.run(listening(layout.media_socket, _BACKLOG)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        _log.info("the media process ends")


if __name__ == "__main__":
    main()
