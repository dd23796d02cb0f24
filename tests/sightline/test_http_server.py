"""What a server does at a stop: responses finish if that is soon, and otherwise are cut off."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from domain.clock import SystemClock
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import HttpServer, server_config
from tests.waiting import PATIENCE_S, wait_event, wait_for

CHUNKS, CHUNK_BYTES = 64, 1 << 20
"""So much that the buffers of the kernel hold a small part of it."""


class Download:
    """A response that is generated while it is sent."""

    def __init__(self) -> None:
        self.has_ended = threading.Event()

    async def answer(self) -> StreamingResponse:
        return StreamingResponse(self._chunks(), headers={"Content-Length": f"{_SIZE_BYTES}"})

    async def _chunks(self) -> AsyncGenerator[bytes]:
        try:
            for _ in range(CHUNKS):
                yield bytes(CHUNK_BYTES)
                await asyncio.sleep(0)
        finally:
            self.has_ended.set()


_SIZE_BYTES = CHUNKS * CHUNK_BYTES


@contextmanager
def _served(download: Download, cut_off_after_s: float) -> Iterator[tuple[int, Callable[[], None]]]:
    """Serve a download; yield the port, and a function that begins the stop."""
    app = FastAPI()
    app.add_api_route("/", download.answer, response_model=None)
    config = server_config(app, ConnectionLimits(SystemClock()), stop_within_s=round(PATIENCE_S))
    stops = threading.Event()
    server = HttpServer(config, stops.set, cut_off_after_s)

    def stop() -> None:
        server.should_exit = True
        wait_event("stop", stops)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_for("server", lambda: server.started)
            yield listener.getsockname()[1], stop
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
    assert not thread.is_alive()


@contextmanager
def _reader(port: int) -> Iterator[socket.socket]:
    """Request the download and read its beginning, and no more by itself."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        reader.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reader.recv(12) == b"HTTP/1.1 200"
        yield reader


def _read_to_end(reader: socket.socket) -> bytes:
    received = bytearray()
    while chunk := reader.recv(CHUNK_BYTES):
        received += chunk
    return bytes(received)


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


def test_a_response_finishes_after_the_stop_has_begun(caplog: pytest.LogCaptureFixture) -> None:
    download = Download()
    with _served(download, PATIENCE_S) as (port, stop), _reader(port) as reader:
        stop()
        received = _read_to_end(reader)
    assert len(received.partition(b"\r\n\r\n")[2]) == _SIZE_BYTES
    assert _errors(caplog) == []


def test_a_response_that_takes_too_long_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    download = Download()
    with _served(download, 0.2) as (port, stop), _reader(port) as reader:
        stop()
        wait_event("end of the response", download.has_ended)
        received = _read_to_end(reader)
    assert len(received) < _SIZE_BYTES
    assert _errors(caplog) == []
