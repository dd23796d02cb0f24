"""The relay forwards bytes in order, delays, blocks and redirects them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.faults.relay import Relay
from domain.clock import SystemClock
from tests.waiting import PATIENCE_S

CLOCK = SystemClock()


@contextmanager
def _echo() -> Iterator[tuple[str, int]]:
    """Serve connections and send back what they send."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    while data := client.recv(1 << 16):
                        client.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE_S)


def _said(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        client.sendall(data)
        received = b""
        while len(received) < len(data):
            received += client.recv(1 << 16)
    return received


def test_bytes_come_in_order_and_late() -> None:
    data = bytes(range(256)) * 2000
    with _echo() as address, Relay(address) as relay:
        assert _said(relay.port, data) == data
        relay.delay_s, relay.jitter_s = 0.2, 0.1
        before_s = CLOCK.monotonic_s()
        assert _said(relay.port, data) == data
        assert CLOCK.monotonic_s() - before_s >= 0.2


def test_a_dumb_one_accepts_and_says_nothing() -> None:
    with _echo() as address, Relay(address) as relay:
        relay.is_dumb = True
        with socket.create_connection(("127.0.0.1", relay.port), timeout=0.3) as client:
            client.sendall(b"hello")
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.settimeout(PATIENCE_S)
            relay.cut()
            assert client.recv(1) == b""


def test_a_dead_upstream_ends_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    with (
        Relay(address) as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=PATIENCE_S) as client,
    ):
        assert client.recv(1) == b""
