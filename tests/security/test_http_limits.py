"""Attacks that use up a server: slow, large and many requests, and answers that are not read.

Each attack ends for itself. Meanwhile, and afterwards, a signed-in person is answered.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api.app import make_app
from api.limits.request_limits import MAX_BODY_BYTES, MAX_HEADERS, MAX_HEADERS_BYTES
from api.requests.error_responses import CLIENT_DISCONNECTED, add_fault_handlers
from api.requests.request_middleware import RequestMiddleware
from domain.clock import SystemClock
from domain.metrics import CONNECTIONS_CLOSED
from domain.people import Role
from domain.settings import Settings
from sightline.connection_limits import ConnectionLimits
from sightline.keys.register import Purpose
from sightline.keys.site_keys import SiteKeys
from sightline.keys.tls import server_context
from sightline.processes.certificates import certificate_pem
from tests.adjusted_clock import AdjustedClock
from tests.security.raw_http import connected, read_to_end, request_of, statuses
from tests.waiting import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

SHORT_S = 0.2
LARGE = b"x" * (16 << 20)
ENDLESS_BYTES = 64 << 20
"""More than what a server reads of a head, and the kernel holds."""
SMALL = b"x" * (100 << 10)


def _closed(reason: str) -> float:
    return float(CONNECTIONS_CLOSED.labels(reason)._value.get())


def _signed_in(site: Site) -> int:
    """Return the status of an ordinary request."""
    return site.get("/v1/session").status_code


async def _large(request: Request) -> Response:
    return Response(LARGE)


async def _small(request: Request) -> Response:
    return Response(SMALL)


async def _echo(request: Request) -> Response:
    return Response(await request.body())


@contextmanager
def _served(site: Site, limits: ConnectionLimits, body_timeout_s: float = 10.0) -> Iterator[str]:
    """Serve an app with the middleware of the API and a large answer."""
    app = FastAPI()
    for path, endpoint in (("/large", _large), ("/small", _small), ("/echo", _echo)):
        app.add_api_route(path, endpoint, methods=["GET", "POST"], response_model=None)
    add_fault_handlers(app)
    app.add_middleware(RequestMiddleware, clock=SystemClock(), body_timeout_s=body_timeout_s)
    with site.serve(app, limits) as url:
        yield url


@contextmanager
def _with_limits(site: Site, limits: ConnectionLimits) -> Iterator[Site]:
    """Serve the API once more, with other limits."""
    with (
        site.serve(make_app(site.context), limits) as url,
        httpx.Client(trust_env=False, timeout=PATIENCE_S) as http,
    ):
        yield replace(site, url=url, http=http)


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /v1/session HTTP/1.1\r\nHost: a\r\nX-Slow: a"])
def test_headers_that_never_arrive(site: Site, begun: bytes) -> None:
    before = _closed("headers")
    limits = ConnectionLimits(SystemClock(), headers_timeout_s=SHORT_S)
    with _with_limits(site, limits) as slow, connected(slow.url) as connection:
        connection.sendall(begun)
        assert read_to_end(connection) == b""
        limits.headers_timeout_s = PATIENCE_S
        assert _signed_in(slow) == 200
    assert _closed("headers") == before + 1


@pytest.mark.parametrize("path", ["/v1/session", "/v1/approvals"])
def test_a_client_that_leaves_in_the_middle_of_a_body_is_no_fault(
    site: Site, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """It would be a traceback in the log for each such request, also without a token."""
    caplog.set_level(logging.INFO, "api.access")
    # The log lines of another test would suppress this one.
    with _with_limits(site, ConnectionLimits(SystemClock())) as fresh:
        with connected(fresh.url) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: 5\r\n\r\nab".encode())
        wait_for("end of the request", lambda: f"POST {path}" in caplog.text)
    assert f"POST {path} {CLIENT_DISCONNECTED} " in caplog.text
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_headers_that_never_end(site: Site) -> None:
    """They would fill the memory, because a server keeps them until the last one."""
    before = _closed("head")
    with connected(site.url) as connection:
        connection.sendall(b"GET /v1/session HTTP/1.1\r\nHost: a\r\nX-Long: ")
        assert _sent_until_closed(connection, ENDLESS_BYTES) < ENDLESS_BYTES
    wait_for("count", lambda: _closed("head") == before + 1)
    with connected(site.url) as connection:
        connection.sendall(b"GET /")
        assert _sent_until_closed(connection, ENDLESS_BYTES) < ENDLESS_BYTES
    assert _signed_in(site) == 200


def _sent_until_closed(connection: socket.socket, most: int) -> int:
    """Send up to `most` bytes; return how many the server took before it closed."""
    sent = 0
    try:
        while sent < most:
            sent += connection.send(b"a" * (64 << 10))
    except ConnectionError:
        pass
    return sent


def test_many_or_large_headers(site: Site) -> None:
    for lines in (
        [f"X-{number}: a" for number in range(MAX_HEADERS)],
        ["X-Long: " + "a" * MAX_HEADERS_BYTES],
    ):
        assert statuses(site.url, request_of(site, "/v1/session", *lines)) == [431]
        half = [line[: len(line) // 2 + 5] for line in lines[: MAX_HEADERS // 2]]
        assert statuses(site.url, request_of(site, "/v1/session", *half)) == [200]


def test_a_body_that_never_arrives(site: Site) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    with (
        _served(site, ConnectionLimits(SystemClock()), body_timeout_s=SHORT_S) as url,
        connected(url) as slow,
    ):
        slow.sendall(head + b"abc")
        assert read_to_end(slow).startswith(b"HTTP/1.1 408")
        close = head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert statuses(url, close + b"abcde") == [200]


@pytest.mark.parametrize(
    "framing", [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 9999999999\r\n"]
)
def test_a_refused_body_that_never_ends(site: Site, framing: bytes) -> None:
    """The answer is sent early. The body after it must not keep the connection for ever."""
    limits = ConnectionLimits(SystemClock(), drain_s=SHORT_S)
    with _with_limits(site, limits) as short, connected(short.url) as connection:
        head = b"POST /v1/holds HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n"
        connection.sendall(head + b"5\r\nabcde\r\n")
        assert read_to_end(connection).startswith(b"HTTP/1.1 413")
        assert _signed_in(short) == 200


def test_a_connection_after_a_refused_body_that_ends(site: Site) -> None:
    """The positive control: the rest of the body is discarded, and the next request answered."""
    head = b"POST /v1/holds HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n"
    request = head + b"a" * 70_000 + request_of(site, "/v1/session")
    assert statuses(site.url, request) == [413, 200]


def test_a_body_that_is_too_large(site: Site) -> None:
    body = b'{"reason": "' + b"a" * MAX_BODY_BYTES + b'"}'
    assert statuses(site.url, request_of(site, "/v1/holds", method="POST", body=body)) == [413]


def test_a_body_that_expands(site: Site) -> None:
    """A compressed body is not unpacked, so a small one cannot become large."""
    packed = request_of(
        site, "/v1/holds", "Content-Encoding: gzip", method="POST", body=b"\x1f\x8b\x08" + bytes(99)
    )
    assert statuses(site.url, packed) == [415]


def test_an_answer_that_is_not_read(site: Site) -> None:
    before = _closed("reader")
    limits = ConnectionLimits(SystemClock(), reader_interval_s=SHORT_S)
    request = b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with _served(site, limits) as url:
        with connected(url) as reader:
            reader.sendall(request)
            wait_for("closed connection", lambda: _closed("reader") == before + 1)
            assert len(read_to_end(reader)) < len(LARGE)
        limits.reader_interval_s = PATIENCE_S
        with connected(url) as reader:
            reader.sendall(request)
            assert len(read_to_end(reader)) > len(LARGE)
    assert _closed("reader") == before + 1


def test_many_answers_that_are_not_read(site: Site) -> None:
    """Pipelined requests get no answer while an earlier one is not read."""
    before = _closed("reader")
    limits = ConnectionLimits(SystemClock(), reader_interval_s=SHORT_S)
    with _served(site, limits) as url, connected(url) as reader:
        reader.sendall(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
        wait_for("closed connection", lambda: _closed("reader") == before + 1)
        assert len(read_to_end(reader)) < 500 * len(SMALL)


def test_one_address_that_opens_every_connection(site: Site) -> None:
    limits = ConnectionLimits(SystemClock(), max_per_address=3)
    with _with_limits(site, limits) as small, ExitStack() as held:
        for _ in range(3):
            held.enter_context(connected(small.url))
        with connected(small.url) as further:
            assert read_to_end(further) == b""
        other = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(transport=other, timeout=PATIENCE_S) as http:
            assert http.get(f"{small.url}/healthz").status_code == 200, "another address"


def test_guesses_of_tokens_are_limited_by_address(open_site: OpenSite) -> None:
    clock = AdjustedClock()
    clock.hold()
    settings = Settings(address_requests_per_s=2, person_requests_per_s=0)
    site = open_site(clock=clock, settings=settings)
    token = site.tokens[Role.OPERATOR]
    spoofed = {"X-Forwarded-For": "198.51.100.1", "Forwarded": "for=198.51.100.2"}
    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as http:
        got = [
            http.get(
                site.url + "/v1/session",
                headers={"Authorization": f"Bearer sl_{guess}", **spoofed},
            ).status_code
            for guess in range(12)
        ]
    assert got == [401] * 10 + [429] * 2
    other = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=other, timeout=PATIENCE_S) as http:
        signed_in = {"Authorization": f"Bearer {token}"}
        assert http.get(site.url + "/v1/session", headers=signed_in).status_code == 200


def test_a_query_of_the_largest_size(site: Site) -> None:
    assert site.get("/v1/events?plate=" + "a" * 9_000).status_code == 414
    assert site.get("/v1/events?within=" + "1,2;" * 2_000).status_code == 400
    many = "&".join(f"a{number}=1" for number in range(1_000))
    assert site.get(f"/v1/events?{many}").status_code == 400
    assert site.get("/v1/events?limit=1").status_code == 200


def test_a_tls_handshake_that_never_ends(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such connections are not counted, so many of them would use up the descriptors."""
    monkeypatch.setattr("sightline.http_server.HANDSHAKE_TIMEOUT_S", SHORT_S)
    keys = SiteKeys(tmp_path / "keys", SystemClock())
    keys.ensure("node-1", ("127.0.0.1",))
    file = keys.files.key(Purpose.API)
    with site.serve(make_app(site.context), tls=server_context(file, file)) as url:
        with connected(url) as silent, connected(url) as half:
            half.sendall(b"\x16\x03\x01\x02\x00")
            assert read_to_end(silent) == read_to_end(half) == b""
        roots = "".join(map(certificate_pem, keys.register().trusted_roots(keys.now)))
        trust = ssl.create_default_context(cadata=roots)
        with httpx.Client(verify=trust, trust_env=False, timeout=PATIENCE_S) as http:
            assert http.get(url.replace("http:", "https:") + "/healthz").status_code == 200


def test_more_connections_than_descriptors() -> None:
    """The usual limit of a process is below the connections that a server may have."""
    program = (
        "import resource\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))\n"
        "from sightline.http_server import DESCRIPTOR_LIMIT, raise_descriptor_limit\n"
        "raise_descriptor_limit()\n"
        "soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "wanted = DESCRIPTOR_LIMIT if hard < 0 else min(hard, DESCRIPTOR_LIMIT)\n"
        "assert soft == wanted, soft\n"
        "raise_descriptor_limit()\n"
        "assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE_S)


def test_a_long_chain_of_proxies(open_site: OpenSite) -> None:
    """A client writes a chain before its own address, to hide it and to get new limits."""
    clock = AdjustedClock()
    clock.hold()
    settings = Settings(
        address_requests_per_s=1, person_requests_per_s=0, trusted_proxies="127.0.0.0/8"
    )
    site = open_site(clock=clock, settings=settings)

    def status(forwarded: str) -> int:
        with httpx.Client(trust_env=False, timeout=PATIENCE_S) as http:
            headers = {"X-Forwarded-For": forwarded, "Authorization": "Bearer sl_x"}
            return http.get(f"{site.url}/v1/session", headers=headers).status_code

    got = [status(f"203.0.113.{n}, " * 500 + "127.0.0.9, 198.51.100.7") for n in range(6)]
    assert got == [401] * 5 + [429]
    assert status("198.51.100.8") == 401, "another client of the same proxy"
    assert status("198.51.100.7") == 429
    site.refusals.flush(is_last=True)
    assert {json.loads(one)["address"] for one in site.audit_lines()} == {
        "198.51.100.7",
        "198.51.100.8",
    }
