"""Finds free TCP ports on loopback for the embedded servers of an instance, and asks servers."""

from __future__ import annotations

import os
import socket
import ssl
from collections import deque
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from itertools import count
from urllib.parse import urlsplit

from domain.errors import BadInput

_FIRST, _LAST = 20_000, 32_767
"""The range is below the ephemeral ports of Linux.

An outgoing connection could otherwise use a port in the seconds before its server listens.
"""
_TRIES = 1_000
_OK = 200
_PER_PROCESS = 64
"""Each process begins this many ports after the process that has the previous number.

Instances that start at the same time thus choose different ports, although no server listens yet.
"""
_turns = count()
_reserved: deque[int] = deque(maxlen=1_000)
"""The last ports that this process returned or reserved; their servers may not listen yet."""


def free_ports(count: int) -> tuple[int, ...]:
    """Return `count` ports that are free now and were not returned recently. Raises OSError."""
    with ExitStack() as held:
        return tuple(_bound(held.enter_context(socket.socket())) for _ in range(count))


def reserve(port: int) -> None:
    """Reserve a port that was chosen for a server that does not listen yet."""
    _reserved.append(port)


def _bound(one: socket.socket) -> int:
    for _ in range(_TRIES):
        port = _FIRST + (os.getpid() * _PER_PROCESS + next(_turns)) % (_LAST - _FIRST + 1)
        if port in _reserved:
            continue
        with suppress(OSError):
            one.bind(("127.0.0.1", port))
            _reserved.append(port)
            return port
    raise OSError(f"no port from {_FIRST} to {_LAST} is free")


def is_loopback(host: str) -> bool:
    """Whether `host` names addresses of loopback alone. Raises BadInput if it names none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BadInput(
            "{host} is no address of this machine: {reason}", host=repr(host), reason=error.strerror
        ) from error
    return all(ip_address(str(one[4][0]).partition("%")[0]).is_loopback for one in found)


def answers(port: int, host: str = "127.0.0.1", timeout_s: float = 0.5) -> bool:
    """Return whether a server accepts connections on the port."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False


def http_answer(
    url: str, context: ssl.SSLContext | None = None, timeout_s: float = 1.0
) -> bytes | None:
    """Return the body of the answer of a server, or None where it does not answer with 200.

    A request of httpx does more, and would write to more memory of the supervisor.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        HTTPConnection(host, port, timeout_s)
        if parts.scheme == "http"
        else HTTPSConnection(host, port, timeout=timeout_s, context=context)
    )
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.read() if response.status == _OK else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
