"""WebSockets at a real server: they stay within its limits, and a peer that is gone is found."""

from __future__ import annotations

import base64
import logging
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.sync.client import connect

from domain.clock import SystemClock
from domain.metrics import CONNECTIONS_CLOSED
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import server_config
from sightline.websocket_protocol import MAX_MESSAGE_BYTES, websocket_options
from tests.waiting import PATIENCE_S, wait_event, wait_for


class App:
    """Accepts every WebSocket, and sends `send_bytes` again and again until the client is gone."""

    def __init__(self, send_bytes: int = 0) -> None:
        self.opened, self.ended = threading.Event(), threading.Event()
        self.received: list[str] = []
        self.code = 0
        self._send_bytes = send_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        self.opened.set()
        try:
            while self._send_bytes:
                await send({"type": "websocket.send", "bytes": bytes(self._send_bytes)})
            while (message := await receive())["type"] == "websocket.receive":
                self.received.append(message["text"])
            self.code = message["code"]
        except OSError:
            self.code = 1006
        self.ended.set()


@contextmanager
def _served(app: App, limits: ConnectionLimits, **options: float) -> Iterator[int]:
    config = server_config(app, limits, websockets=websocket_options(limits) | options)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    wait_for("server", lambda: server.started)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


@contextmanager
def _handshaken(port: int) -> Iterator[socket.socket]:
    """Open a WebSocket that answers no ping and reads nothing more."""
    key = base64.b64encode(os.urandom(16)).decode()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(
            f"GET /x?ticket=secret HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert connection.recv(12) == b"HTTP/1.1 101"
        yield connection


def _closed(reason: str) -> float:
    return float(CONNECTIONS_CLOSED.labels(reason)._value.get())


def test_a_websocket_counts_as_a_connection_until_it_ends() -> None:
    app, limits, before = App(), ConnectionLimits(SystemClock(), max_connections=1), _closed("all")
    with _served(app, limits) as port:
        with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
            client.send("hello")
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as other:
                assert other.recv(1) == b"", "a second connection exceeds the limit"
            assert _closed("all") == before + 1
        wait_event("the end", app.ended)
        wait_for("a free place", lambda: limits.admit("another"))
    assert (app.received, app.code) == (["hello"], 1000)


def test_a_peer_that_answers_no_ping_is_disconnected() -> None:
    """It has room for more data, so only the missing answer shows that it is gone."""
    app, limits, before = App(), ConnectionLimits(SystemClock()), _closed("ping")
    with _served(app, limits, ws_ping_interval=0.1, ws_ping_timeout=0.1) as port:
        with _handshaken(port):
            wait_event("the end", app.ended)
        assert _closed("ping") == before + 1
        assert not limits._open


def test_a_peer_that_reads_nothing_is_disconnected_while_data_waits_for_it() -> None:
    app, limits = App(send_bytes=1 << 20), ConnectionLimits(SystemClock())
    with _served(app, limits, ws_ping_interval=0.1, ws_ping_timeout=0.5) as port:
        with _handshaken(port):
            wait_event("the end", app.ended)
        assert app.code == 1006
        wait_for("the release", lambda: not limits._open)


def test_a_peer_that_breaks_the_connection_is_noticed() -> None:
    app, limits = App(), ConnectionLimits(SystemClock())
    with _served(app, limits) as port:
        with _handshaken(port) as connection:
            wait_event("the handshake", app.opened)
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        wait_event("the end", app.ended)
        wait_for("the release", lambda: not limits._open)


def test_a_message_that_is_too_long_ends_the_connection() -> None:
    app = App()
    with (
        _served(app, ConnectionLimits(SystemClock())) as port,
        connect(f"ws://127.0.0.1:{port}/", proxy=None) as client,
    ):
        client.send("x" * (MAX_MESSAGE_BYTES + 1))
        wait_event("the end", app.ended)
    assert (app.received, app.code) == ([], 1009)


def test_no_log_line_has_the_query_of_a_handshake(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = App()
    with _served(app, ConnectionLimits(SystemClock())) as port:
        with _handshaken(port):
            wait_event("the handshake", app.opened)
        wait_event("the end", app.ended)
    assert "ticket=secret" not in caplog.text
