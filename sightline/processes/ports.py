"""Finds free TCP ports on loopback for the embedded servers of an instance, and asks servers."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import ssl
from collections import deque
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.errors import BadInput
from domain.messages.message import system_reason

_FIRST, _LAST = 20_000, 32_767
"""The range is below the ephemeral ports of Linux.

An outgoing connection could otherwise use a port in the seconds before its server listens.
"""
_TRIES = 1_000
_OK = 200
_MOST_RESERVED = 200
_reserved: deque[int] = deque()
"""The descriptors that reserve the last ports; their servers may not listen yet."""


def free_ports(count: int) -> tuple[int, ...]:
    """Return `count` ports that are free now, and that no instance on this machine reserved.

    They are random, so that no other user can listen on them first. Raises OSError.
    """
    with ExitStack() as held:
        return tuple(_bound(held.enter_context(socket.socket())) for _ in range(count))


def reserve(port: int) -> bool:
    """Reserve a port for a server that does not listen yet.

    A reservation is an abstract Unix socket with the port in its name. So all processes of this
    machine see it, and it ends with the process. Returns False if the port is reserved already.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as name:
        try:
            name.bind(f"\0sightline-port-{port}")
        except OSError:
            return False
        _reserved.append(name.detach())
    while len(_reserved) > _MOST_RESERVED:
        os.close(_reserved.popleft())
    return True


def _bound(one: socket.socket) -> int:
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if not reserve(port):
            continue
        with suppress(OSError):
            one.bind(("127.0.0.1", port))
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


def check_listening(host: str, port: int) -> None:
    """Check that a server can listen on a port. Raises BadInput, which says what to do instead."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, port))
        except PermissionError as error:
            raise BadInput(
                "this user may not listen on port {port}; choose one from 1024 on with --port",
                port=port,
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise BadInput(
                    "port {port} is used by another program; choose one with --port", port=port
                ) from error
            raise BadInput(
                "{host} is no address of this machine: {reason}",
                host=repr(host),
                reason=system_reason(error),
            ) from error


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
