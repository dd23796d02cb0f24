"""The sockets of the media process, which the supervisor opens and keeps.

A port that cannot be used is an error at the start. The process itself starts when an API process
connects, and the connection waits for it; so does one between two processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.webrtc.udp_socket import bound_port
from domain.errors import SightlineError
from domain.paths.data_layout import Layout
from domain.paths.local_sockets import listening
from sightline.forking.served_sockets import ServedSockets

_BACKLOG = 64


@contextmanager
def media_sockets(layout: Layout, host: str, udp_port: int) -> Iterator[ServedSockets]:
    """Open the socket at which API processes connect, and the UDP port of viewers.

    Raises SightlineError if the port cannot be used.
    """
    try:
        udp = bound_port(host, udp_port)
    except OSError as error:
        raise SightlineError(
            "UDP port {udp_port} of {host} cannot be used ({reason}); choose "
            "another one with SIGHTLINE_WEBRTC_PORT",
            udp_port=udp_port,
            host=host,
            reason=error.strerror,
        ) from error
    with udp, listening(layout.media_socket, _BACKLOG) as listener:
        yield ServedSockets(listener, (udp,))
