"""Requests as bytes on a socket, because HTTP clients refuse to send what an attacker sends."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from urllib.parse import urlsplit

from domain.people import Role
from tests.api.conftest import Site
from tests.waiting import PATIENCE_S

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3})[^\r\n]*\r\n(.*?\r\n)\r\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One answer of a connection."""

    status: int
    headers: Message


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """Connect to the server of a URL."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    with socket.create_connection((parts.hostname, parts.port), PATIENCE_S) as connection:
        yield connection


def read_to_end(connection: socket.socket) -> bytes:
    """Return everything that the server sends until it closes the connection."""
    received = bytearray()
    try:
        while part := connection.recv(1 << 16):
            received += part
    except ConnectionError:
        pass  # A server that refuses a request may reset the connection.
    return bytes(received)


def answers(url: str, request: bytes) -> list[RawAnswer]:
    """Send bytes and return the answers until the server closes the connection."""
    with connected(url) as connection:
        connection.sendall(request)
        received = read_to_end(connection)
    return [
        RawAnswer(int(match[1]), BytesHeaderParser().parsebytes(match[2]))
        for match in _HEAD.finditer(received)
    ]


def statuses(url: str, request: bytes) -> list[int]:
    """Send bytes and return the statuses of the answers."""
    return [answer.status for answer in answers(url, request)]


def request_of(
    site: Site,
    target: str | bytes,
    *lines: str | bytes,
    role: Role = Role.INVESTIGATOR,
    method: str = "GET",
    body: bytes = b"",
) -> bytes:
    """Return a request of a person with a reason, which ends the connection; `lines` are further
    header lines.
    """  # fmt: skip
    raw = target if isinstance(target, bytes) else target.encode()
    head = [
        method.encode() + b" " + raw + b" HTTP/1.1",
        b"Host: sightline",
        f"Authorization: Bearer {site.tokens[role]}".encode(),
        b"X-Reason: a test",
        b"Connection: close",
        *(line if isinstance(line, bytes) else line.encode() for line in lines),
    ]
    if body:
        head += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join((*head, b"", body))
