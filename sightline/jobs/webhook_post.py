"""One POST of a webhook, with a deadline for the whole exchange.

The timeouts of HTTP libraries start again with each received byte, so a receiver that sends one
byte every few seconds could hold a connection without end.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from http.client import HTTPConnection, HTTPException
from typing import cast
from urllib.parse import quote, urlsplit

import httpx

from api.feeds.webhook_address import Target
from domain.clock import Clock

POST_ERRORS = (OSError, HTTPException, ValueError)
"""The errors that `post` raises for a late or malformed response."""
_SAFE = "".join(map(chr, range(0x21, 0x7F)))


def post(
    target: Target, headers: Mapping[str, str], body: bytes, clock: Clock, within_s: float
) -> int:
    """Send a POST and return the status of the response; its body is not read.

    Raises `POST_ERRORS`.
    """
    parts = urlsplit(target.url)
    host, port = parts.hostname or "", parts.port or 0
    ends_s = clock.monotonic_s() + within_s
    with ExitStack() as held:
        connected = held.enter_context(socket.create_connection((host, port), timeout=within_s))
        if parts.scheme == "https":
            # The timeout of the socket applies to the handshake as a whole.
            connected = held.enter_context(
                _tls().wrap_socket(connected, server_hostname=target.host)
            )
        connection = HTTPConnection(host, port)
        connection.sock = cast(socket.socket, _DeadlineSocket(connected, clock, ends_s))
        address = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.putrequest(
            "POST", quote(address, safe=_SAFE), skip_host=True, skip_accept_encoding=True
        )
        for name, value in {
            "Host": target.authority,
            **headers,
            "Content-Length": str(len(body)),
        }.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class _DeadlineSocket:
    """The socket interface that `http.client` uses; each call may use the remaining time."""

    def __init__(self, connected: socket.socket, clock: Clock, ends_s: float) -> None:
        self._socket = connected
        self._clock = clock
        self._ends_s = ends_s

    def sendall(self, data: bytes) -> None:
        self._in_time().sendall(data)

    def receive_into(self, buffer: memoryview) -> int:
        return self._in_time().recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        self._socket.close()

    def _in_time(self) -> socket.socket:
        left_s = self._ends_s - self._clock.monotonic_s()
        if left_s <= 0:
            raise TimeoutError("the receiver did not answer in time")
        self._socket.settimeout(left_s)
        return self._socket


class _Reader(io.RawIOBase):
    def __init__(self, source: _DeadlineSocket) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as io calls it
        return self._source.receive_into(buffer)
