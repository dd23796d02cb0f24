"""The address of a camera's stream, and the TCP connection to it, with errors as sentences and a
wait that `stop` ends.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from domain.camera_states import Why
from domain.clock import Clock
from domain.errors import SourceTimeout, SourceUnreachable
from domain.messages.message import Message
from domain.registry import Credentials, Networks
from ingest.packets.packet_builder import SourceCounts
from ingest.rtsp.libav_watchdog import LibavWatchdog

_SLICE_S = 0.25


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a camera's stream, without a password."""

    address: str
    port: int
    scheme: str
    path: str
    transport: str

    @classmethod
    def resolve(cls, url: str, transport: str, networks: Networks) -> Endpoint:
        """Resolve `url`, by a name server if the host is a name. Raises SourceUnreachable if there
        is no allowed address, or `url` is invalid.
        """
        try:
            parts = urlsplit(url)
            host, port = (
                parts.hostname or "",
                parts.port or (322 if parts.scheme == "rtsps" else 554),
            )
        except ValueError:
            raise SourceUnreachable("the camera's address is none") from None
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return cls(networks.resolve(host, port), port, parts.scheme, path, transport)

    def url(self, login: str = "") -> str:
        """Return the URL with the resolved address. `login` is `user:password@`, encoded, or
        empty.
        """
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{login}{host}:{self.port}{self.path}"


def is_address(url: str) -> bool:
    """Whether the host of `url` is an address, so that no name server is needed."""
    try:
        ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class CameraTrust:
    """What proves over TLS that a server is the camera: an authority, or a fingerprint."""

    host: str
    """The host of the URL, which a certificate must name unless there is a fingerprint."""
    ca_file: Path | None = None
    sha256: str = ""
    allows_basic_in_clear: bool = False
    """Whether the camera may get the password without TLS, as basic authentication."""


@dataclass(frozen=True, slots=True)
class Pull:
    """The parameters of one connection, and its counts."""

    camera_id: str
    endpoint: Endpoint
    credentials: Credentials | None
    counts: SourceCounts
    timeout_s: float
    udp_ports: tuple[int, int]
    """The first and the last local port for media."""
    stop: threading.Event
    clock: Clock
    watchdog: LibavWatchdog
    """The one of this process; it must know all sockets to cameras."""
    trust: CameraTrust

    @property
    def may_send_basic(self) -> bool:
        """Whether no eavesdropper can read the password, or the registry accepts that one can."""
        address = ip_address(self.endpoint.address.partition("%")[0])
        is_private = self.endpoint.scheme == "rtsps" or address.is_loopback
        return is_private or self.trust.allows_basic_in_clear


@contextmanager
def connection_to(pull: Pull) -> Iterator[socket.socket | None]:
    """Open a connection that does not block, and close it at the end; None if `pull.stop` ended
    the wait.

    Raises SourceTimeout or SourceUnreachable, which say what is wrong.
    """
    family = socket.AF_INET6 if ":" in pull.endpoint.address else socket.AF_INET
    with pull.watchdog.sockets.own(family) as own:
        own.setblocking(False)
        is_connected = _connect(own, pull.endpoint, pull.timeout_s, pull.stop)
        yield own if is_connected else None


def preflight(pull: Pull) -> bool:
    """Connect once and close the connection, and return False if `pull.stop` ended the wait.

    Raises SourceTimeout or SourceUnreachable, which say what is wrong.
    """
    with connection_to(pull) as own:
        return own is not None


def _connect(
    own: socket.socket, endpoint: Endpoint, timeout_s: float, stop: threading.Event
) -> bool:
    code = own.connect_ex((endpoint.address, endpoint.port))
    slices = round(timeout_s / _SLICE_S)
    while code in (errno.EINPROGRESS, errno.EAGAIN):
        if stop.is_set():
            return False
        if slices <= 0:
            raise SourceTimeout(
                "{address}:{port} did not answer within {timeout_s} s",
                Why.NO_ANSWER,
                address=endpoint.address,
                port=endpoint.port,
                timeout_s=timeout_s,
            )
        slices -= 1
        if select.select([], [own], [], _SLICE_S)[1]:
            code = own.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise unreachable(endpoint, code)
    return True


_NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


def unreachable(endpoint: Endpoint, code: int) -> SourceUnreachable:
    """Return the error for a failed connect with the errno `code`."""
    why = (
        Why.REFUSED
        if code == errno.ECONNREFUSED
        else Why.NO_ROUTE
        if code in _NO_ROUTE
        else Why.FAILED
    )
    return SourceUnreachable(
        "{address}:{port} cannot be reached: {reason}",
        why,
        address=endpoint.address,
        port=endpoint.port,
        reason=Message(os.strerror(code)),
    )
