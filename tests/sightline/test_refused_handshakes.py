"""Handshakes of WebSockets that are refused: what anyone can send causes no errors in the log."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response

from api.requests.error_responses import add_fault_handlers
from api.requests.request_middleware import RequestMiddleware
from api.websockets.handshakes import WebSocketHandshakes
from domain.clock import SystemClock
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import server_config
from sightline.websocket_protocol import websocket_options
from tests.waiting import PATIENCE_S, wait_event, wait_for

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@contextmanager
def _served(left: threading.Event) -> Iterator[tuple[str, int]]:
    """Serve an app with the middleware of the API. It refuses `/left` when the client is gone."""

    async def refuse(request: Request) -> Response:
        await request.body()
        assert (await request.receive())["type"] == "http.disconnect"
        left.set()
        return Response("refused", 403)

    app = FastAPI()
    app.add_api_route("/left", refuse, response_model=None)
    add_fault_handlers(app)
    app.add_middleware(RequestMiddleware, clock=SystemClock())
    app.add_middleware(WebSocketHandshakes)
    limits = ConnectionLimits(SystemClock())
    server = uvicorn.Server(server_config(app, limits, websockets=websocket_options(limits)))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    wait_for("server", lambda: server.started)
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def test_a_refused_handshake_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    with (
        _served(threading.Event()) as address,
        socket.create_connection(address, timeout=PATIENCE_S) as connection,
    ):
        connection.sendall(HANDSHAKE % b"/nowhere")
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert received.startswith(b"HTTP/1.1 404 ")
    assert b"urn:sightline:problem:not_found" in received
    assert _warnings(caplog) == []


def test_a_client_that_leaves_before_its_refusal_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    left = threading.Event()
    with caplog.at_level(logging.INFO), _served(left) as address:
        with socket.create_connection(address, timeout=PATIENCE_S) as connection:
            connection.sendall(HANDSHAKE % b"/left")
        wait_event("the end of the connection", left)
        wait_for("log line", lambda: "GET /left" in caplog.text)
    assert "- GET /left 403 " in caplog.text
    assert _warnings(caplog) == []
