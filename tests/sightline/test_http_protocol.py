"""Slow and many connections at a real server. Each limit has a request within it that works."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from api.requests.error_responses import add_fault_handlers
from api.requests.request_middleware import RequestMiddleware
from domain.clock import SystemClock
from domain.metrics import CONNECTIONS_CLOSED
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import server_config
from sightline.websocket_protocol import websocket_options
from tests.waiting import PATIENCE_S, wait_for

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SHORT_S = 0.2
QUICK = ConnectionLimits(SystemClock(), headers_timeout_s=SHORT_S)


async def _answer(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body())})


@contextmanager
def _served(
    limits: ConnectionLimits,
    body_timeout_s: float = PATIENCE_S,
    slow: Callable[[], None] = lambda: None,
) -> Iterator[int]:
    """Serve an app whose response at `/slow` waits for `slow`."""
    app = FastAPI()
    app.add_api_route("/", _answer, methods=["GET", "POST"], response_model=None)
    app.add_api_route("/slow", slow)
    add_fault_handlers(app)
    app.add_middleware(RequestMiddleware, clock=SystemClock(), body_timeout_s=body_timeout_s)
    listener = socket.create_server(("127.0.0.1", 0))
    config = server_config(app, limits, websockets=websocket_options(limits))
    config.timeout_keep_alive = 1
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
def _connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        yield connection


def _status(connection: socket.socket, request: bytes = REQUEST) -> tuple[int, bytes]:
    """Send a request and read its whole answer: the status and the body."""
    connection.sendall(request)
    answer = HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


def _closed(reason: str) -> float:
    return float(CONNECTIONS_CLOSED.labels(reason)._value.get())


def _read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def _is_closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(65_536)
    except ConnectionError:
        return True


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_a_request_whose_headers_do_not_come_is_closed(begun: bytes) -> None:
    before = _closed("headers")
    with _served(QUICK) as port, _connection(port) as slow:
        slow.sendall(begun)
        assert _is_closed(slow)
    assert _closed("headers") == before + 1


def test_requests_in_time_are_answered_on_one_connection() -> None:
    with _served(ConnectionLimits(SystemClock())) as port, _connection(port) as connection:
        for _ in range(3):
            assert _status(connection)[0] == 200


def test_a_later_request_of_a_connection_has_the_same_time() -> None:
    limits = ConnectionLimits(SystemClock())
    with _served(limits) as port, _connection(port) as slow:
        assert _status(slow)[0] == 200
        limits.headers_timeout_s = SHORT_S
        slow.sendall(b"GET / HTTP/1.1\r\n")
        assert _is_closed(slow)


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (REQUEST, 200),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", 413),
    ],
)
def test_data_that_begins_no_request_does_not_keep_an_idle_connection(
    first: bytes, status: int
) -> None:
    """It is an empty line, or the rest of a body that was refused."""
    with _served(ConnectionLimits(SystemClock())) as port, _connection(port) as idle:
        assert _status(idle, first)[0] == status
        idle.sendall(b"\r\n" if status == 200 else b"a" * 70_000)
        assert _is_closed(idle)


def test_a_request_that_begins_while_another_is_answered_has_time() -> None:
    """The server may have stopped reading, so that the client cannot send the rest."""
    answered = threading.Event()

    def wait() -> None:
        answered.wait(PATIENCE_S)

    with _served(QUICK, slow=wait) as port, _connection(port) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + REQUEST[:10])
        connection.settimeout(5 * SHORT_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(PATIENCE_S)
        answered.set()
        connection.sendall(b"%sConnection: close\r\n\r\n" % REQUEST[10:-2])
        assert _read_to_end(connection).count(b"HTTP/1.1 200 ") == 2


def test_a_body_that_does_not_come_is_answered_and_the_connection_closed() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    limits = ConnectionLimits(SystemClock())
    with _served(limits, body_timeout_s=SHORT_S) as port, _connection(port) as slow:
        status, body = _status(slow, head + b"abc")
        assert (status, json.loads(body)["type"]) == (408, "urn:sightline:problem:body_too_slow")
        assert _is_closed(slow)
    with _served(limits) as port, _connection(port) as quick:
        assert _status(quick, head + b"abcde") == (200, b'{"bytes":5}')


@pytest.mark.parametrize(
    ("limits", "reason"), [({"max_per_address": 2}, "address"), ({"max_connections": 2}, "all")]
)
def test_further_connections_are_closed(limits: dict[str, int], reason: str) -> None:
    before = _closed(reason)
    with _served(ConnectionLimits(SystemClock(), **limits)) as port:
        with _connection(port) as first, _connection(port) as second:
            assert [_status(one)[0] for one in (first, second)] == [200, 200]
            with _connection(port) as third:
                assert _is_closed(third)
            assert _status(first)[0] == 200
        assert _closed(reason) == before + 1
        wait_for("free place", lambda: _is_served(port))


def _is_served(port: int) -> bool:
    with _connection(port) as connection, suppress(ConnectionError):
        return _status(connection)[0] == 200
    return False


def _problem(connection: socket.socket, request: bytes) -> tuple[int, str]:
    """Send a request and return the status and the type of the problem, which names the request."""
    connection.sendall(request)
    answer = HTTPResponse(connection)
    answer.begin()
    problem = json.loads(answer.read())
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["instance"].endswith(answer.headers["X-Request-Id"])
    if answer.headers["Connection"] == "close":
        assert _is_closed(connection)
    return answer.status, problem["type"].rpartition(":")[2]


def _handshake(
    method: bytes = b"GET",
    path: bytes = b"/",
    version: bytes = b"13",
    key: bytes = b"AAAAAAAAAAAAAAAAAAAAAA==",
    more: bytes = b"",
) -> bytes:
    """Return the handshake of a WebSocket."""
    return (
        b"%s %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: %s\r\nSec-WebSocket-Key: %s\r\n%s\r\n"
    ) % (method, path, version, key, more)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /?a=%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 66_000), (414, "uri_too_long")),
        (b"GET /%s" % (b"a" * 100_000), (414, "uri_too_long")),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %s" % (b"a" * 100_000), (431, "headers_too_large")),
        (b"\r\n" * 50_000, (431, "headers_too_large")),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad_input")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "bad_input")),
        (b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad_input")),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", (400, "bad_input")),
        (_handshake(key=b"bm8="), (400, "bad_input")),
        (_handshake(version=b"12"), (400, "bad_input")),
        (_handshake(method=b"POST"), (400, "bad_input")),
        (_handshake(path=b"/#a"), (400, "bad_input")),
        (_handshake(path=b"/%s" % (b"a" * 8_100)), (414, "uri_too_long")),
        (_handshake(more=b"X: %s\r\n" % (b"a" * 8_100)), (431, "headers_too_large")),
    ],
)
def test_what_the_parser_refuses_is_answered_with_a_problem(
    request_: bytes, expected: tuple[int, str]
) -> None:
    with _served(ConnectionLimits(SystemClock())) as port, _connection(port) as connection:
        assert _problem(connection, request_) == expected


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HEAD /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 400),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\nX: %s" % (b"a" * 100_000), 431),
        (_handshake(method=b"HEAD"), 400),
    ],
)
def test_a_refused_head_request_is_answered_without_a_body(request_: bytes, status: int) -> None:
    with _served(ConnectionLimits(SystemClock())) as port, _connection(port) as connection:
        connection.sendall(request_)
        answer = _read_to_end(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert int(head.lower().partition(b"content-length: ")[2].split()[0]) > 0
    assert body == b""


def test_the_refusal_of_what_follows_a_head_request_has_a_body() -> None:
    """Its method is unknown; that of the request before is not its own."""
    head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    with _served(ConnectionLimits(SystemClock())) as port, _connection(port) as connection:
        connection.sendall(head)
        while not connection.recv(65_536).endswith(b"\r\n\r\n"):
            pass
        assert _problem(connection, b"\x01") == (400, "bad_input")


def test_a_flood_of_malformed_requests_is_counted_and_not_logged_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = _closed("malformed")
    with caplog.at_level(logging.INFO), _served(ConnectionLimits(SystemClock())) as port:
        caplog.clear()
        for _ in range(20):
            with _connection(port) as connection:
                assert _problem(connection, b"\x00\r\n\r\n") == (400, "bad_input")
        lines = [one.getMessage() for one in caplog.records]
    assert _closed("malformed") == before + 20
    assert len(lines) == 2
    assert lines[0].endswith("127.0.0.1 sent no valid request of HTTP/1.1")
    assert lines[1].startswith("- GET / 400 ")


def test_the_query_of_a_websocket_may_have_an_encoded_slash() -> None:
    """A reason or a ticket may have one; only in the path it is refused, as in other requests."""
    with _served(ConnectionLimits(SystemClock())) as port:
        with _connection(port) as connection:
            assert _problem(connection, _handshake(path=b"/a%2Fb?c=d")) == (404, "not_found")
        with _connection(port) as connection:
            status, _ = _status(connection, _handshake(path=b"/?reason=a%2Fb"))
            assert status == 403  # that of the application, which has no WebSocket
        with _connection(port) as connection:
            assert _problem(connection, _handshake(path=b"/?%s" % (b"a" * 8_100))) == (
                414,
                "uri_too_long",
            )


def test_a_refused_head_is_answered_in_the_language_of_its_headers() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: zh\r\nX: a\r\n : a\r\n\r\n"
    with _served(ConnectionLimits(SystemClock())) as port, _connection(port) as connection:
        status, body = _status(connection, head)
        assert (status, json.loads(body)["title"]) == (400, "请求格式错误")


def test_what_follows_a_request_does_not_disturb_its_answer() -> None:
    """The parser reads ahead: a refusal must not stand in the middle of another answer."""
    with _served(ConnectionLimits(SystemClock())) as port, _connection(port) as connection:
        assert _status(connection, REQUEST + b"\x00\x00") == (200, b'{"bytes":0}')
        assert _is_closed(connection)
