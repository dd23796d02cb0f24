"""One POST on real sockets: its content, and the deadline of the whole exchange."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from api.feeds.webhook_address import Target
from domain.clock import ManualClock
from sightline.jobs.webhook_post import POST_ERRORS, post
from tests.waiting import PATIENCE_S

Answer = Callable[[socket.socket, bytes], None]
BODY = b'{"match": 1}'


@contextmanager
def receiver(answer: Answer) -> Iterator[Target]:
    """Receive one connection, which `answer` answers after the request is read."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            had = b""
            while BODY not in had:
                had += connection.recv(65536)
            answer(connection, had)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        yield Target(
            f"http://127.0.0.1:{port}/收?a=%20b", "receiver.example", f"receiver.example:{port}"
        )
        thread.join(PATIENCE_S)


def test_the_request_is_whole_and_the_status_is_answered() -> None:
    had: list[bytes] = []

    def answer(connection: socket.socket, request: bytes) -> None:
        had.append(request)
        connection.sendall(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        )

    with receiver(answer) as target:
        assert post(target, {"Sightline-Try": "1"}, BODY, ManualClock(), 10) == 202
    head, _, body = had[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /%E6%94%B6?a=%20b HTTP/1.1"
    assert {
        f"Host: {target.authority}".encode(),
        b"Sightline-Try: 1",
        b"Content-Length: 12",
    } == set(lines[1:])
    assert body == BODY


def test_header_bytes_that_drip_do_not_extend_the_deadline() -> None:
    clock, dripped = ManualClock(), []

    def drip(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            for _ in range(100_000):
                clock.advance(1)
                connection.sendall(b"x")
                dripped.append(1)
        except OSError:
            return

    with receiver(drip) as target, pytest.raises(TimeoutError):
        post(target, {}, BODY, clock, 10)
    assert len(dripped) < 100_000


@pytest.mark.parametrize(
    "said", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n"]
)
def test_what_is_no_answer_is_an_error(said: bytes) -> None:
    with (
        receiver(lambda connection, _: connection.sendall(said)) as target,
        pytest.raises(POST_ERRORS),
    ):
        post(target, {}, BODY, ManualClock(), 10)


def test_a_refused_connection_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(POST_ERRORS):
        post(Target(f"http://127.0.0.1:{port}/", "x", "x"), {}, BODY, ManualClock(), 10)


def test_a_receiver_whose_certificate_is_not_trusted_is_an_error() -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"\x15\x03\x01\x00\x02\x02\x28")  # a fatal TLS alert

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OSError, match="SSL"):
            post(
                Target(f"https://127.0.0.1:{listener.getsockname()[1]}/", "x", "x"),
                {},
                BODY,
                ManualClock(),
                10,
            )
        thread.join(PATIENCE_S)
