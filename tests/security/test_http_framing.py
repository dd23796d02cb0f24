"""Attacks on the framing of HTTP: requests that two servers in a row would read differently.

A proxy in front of the API and the API must agree on where a request ends and whose it is. So the
API refuses what RFC 9112 leaves open, and closes the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.people import Role
from tests.security.raw_http import answers, request_of, statuses

if TYPE_CHECKING:
    from tests.api.conftest import Site

SESSION = b"GET /v1/session HTTP/1.1\r\n"


def _with_token(site: Site, head: bytes) -> bytes:
    return head + f"Authorization: Bearer {site.tokens[Role.INVESTIGATOR]}\r\n".encode()


def test_two_requests_on_one_connection_are_two(site: Site) -> None:
    """The positive control of this module: what is framed well is answered."""
    first = _with_token(site, SESSION + b"Host: a\r\n") + b"\r\n"
    assert statuses(site.url, first + request_of(site, "/v1/session")) == [200, 200]


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding:\x0bchunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ],
)
def test_a_second_request_hidden_by_two_lengths(site: Site, lengths: bytes) -> None:
    head = _with_token(site, b"POST /v1/holds HTTP/1.1\r\nHost: a\r\n")
    hidden = b"0\r\n\r\n" + request_of(site, "/v1/session")
    got = statuses(
        site.url, head + b"Content-Type: application/json\r\n" + lengths + b"\r\n" + hidden
    )
    assert 200 not in got, "the hidden request is not answered"
    assert all(status in (400, 413) for status in got)


def test_a_chunked_body(site: Site) -> None:
    body = b'4\r\n{"a"\r\n0\r\n\r\n'
    chunked = request_of(
        site, "/v1/holds", "Transfer-Encoding: chunked", "Content-Type: application/json",
        method="POST",
    )  # fmt: skip
    assert statuses(site.url, chunked + body) == [413]


@pytest.mark.parametrize(
    "line",
    [b"X-Case: a\r\n folded", b"X-Case: a\r\n\tfolded", b"X-Case : a", b" X-Case: a", b"X-Case"],
)
def test_a_folded_or_malformed_header_line(site: Site, line: bytes) -> None:
    assert statuses(site.url, request_of(site, "/v1/events", line)) == [400]
    assert statuses(site.url, request_of(site, "/v1/events", b"X-Case: a")) == [200]


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_a_line_that_ends_without_cr_lf(site: Site, end: bytes) -> None:
    request = request_of(site, "/v1/events", b"X-Case: a")
    split = request.replace(b"X-Case: a\r\n", b"X-Case: a" + end + b"X-Other: b\r\n")
    assert statuses(site.url, split) == [400]
    assert statuses(site.url, request) == [200]


@pytest.mark.parametrize("code", [0, 1, 10, 13, 27, 127])
def test_a_control_character_in_a_header(site: Site, code: int) -> None:
    line = b"X-Case: a" + bytes([code]) + b"b"
    assert statuses(site.url, request_of(site, "/v1/events", line)) == [400]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Host: other", "Host"),
        ("Authorization: Bearer sl_other", "Authorization"),
        ("X-Reason: another", "X-Reason"),
        ("X-Case: 2", "X-Case"),
        ("Range: bytes=0-1", "Range"),
        ('If-Match: "2"', "If-Match"),
        ("Idempotency-Key: b", "Idempotency-Key"),
        ("Content-Type: text/plain", "Content-Type"),
        ("Last-Event-ID: 5", "Last-Event-ID"),
        ("X-Emergency: 1", "X-Emergency"),
        ("X-CSRF-Token: x", "X-CSRF-Token"),
        ("Sec-Fetch-Site: none", "Sec-Fetch-Site"),
        ("Origin: null", "Origin"),
    ],
)
def test_a_header_that_stands_twice(site: Site, line: str, name: str) -> None:
    """A proxy could check one of the two, and the API use the other."""
    once = (
        () if name in ("Host", "Authorization", "X-Reason") else (line.partition(":")[0] + ": 1",)
    )
    assert statuses(site.url, request_of(site, "/v1/session", *once)) == [200]
    assert statuses(site.url, request_of(site, "/v1/session", *once, line)) == [400]


def test_a_request_without_a_host(site: Site) -> None:
    request = request_of(site, "/v1/session")
    assert statuses(site.url, request.replace(b"Host: sightline\r\n", b"")) == [400]
    assert statuses(site.url, request) == [200]


@pytest.mark.parametrize(
    "host", ["[", "[::1", "a/../v1/holds?", "a b", "a:99999999", "@evil", "", "\xff", "a#b"]
)
def test_a_malformed_host(site: Site, host: str) -> None:
    """Neither an answer nor an address in it depends on the header."""
    for target in ("/v1/session", "/nowhere", "/v1/cameras"):
        request = request_of(site, target).replace(
            b"Host: sightline", b"Host: " + host.encode("latin-1")
        )
        got = answers(site.url, request)
        assert [one.status for one in got] in ([400], [200], [404])
        assert not any("evil" in str(value) for one in got for value in one.headers.values())


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/11", b"ICE/1.0"])
def test_another_version_of_the_protocol(site: Site, version: bytes) -> None:
    request = request_of(site, "/v1/session")
    assert statuses(site.url, request.replace(b"HTTP/1.1", version, 1)) == [400]


@pytest.mark.parametrize(
    "upgrade",
    [
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Upgrade: h2c\r\nHTTP2-Settings: AAAA",
        "Upgrade: TLS/1.0",
    ],
)
def test_an_upgrade_of_the_connection(site: Site, upgrade: str) -> None:
    """An upgraded connection would leave the limits of the server and the guard."""
    request = request_of(site, "/v1/events", upgrade).replace(
        b"Connection: close", b"Connection: Upgrade, close"
    )
    anonymous = request.replace(b"Authorization", b"X-None")
    assert 101 not in statuses(site.url, request)
    assert 101 not in statuses(site.url, anonymous)
    assert 200 not in statuses(site.url, anonymous)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PROPFIND", "OPTIONS", "HEAD", "PUT"])
def test_a_method_that_no_route_declares(site: Site, method: str) -> None:
    target = "sightline:443" if method == "CONNECT" else "/v1/events"
    assert 200 not in statuses(site.url, request_of(site, target, method=method))
    assert statuses(site.url, request_of(site, "/v1/events")) == [200]
