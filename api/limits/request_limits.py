"""Limits on one request: its headers, the length of its address, and the size and time of its body.

A proxy in front of the API could use one of two equal headers, and the API the other. So a header
that has one value may stand once.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from starlette.types import Message, Receive, Scope

from domain.errors import (
    AddressTooLong,
    BadInput,
    BodyTooLarge,
    BodyTooSlow,
    HeadersTooLarge,
    NotFound,
    SightlineError,
)

MAX_TARGET_BYTES = 8_192
MAX_HEADERS_BYTES = 32_768
MAX_HEADERS = 100
MAX_BODY_BYTES = 65_536
MAX_HANDSHAKE_LINE_BYTES = 8_000
"""Of a WebSocket: the library that reads its handshake refuses 8,192 without a problem."""
_KEY_BYTES = 16
BODY_TIMEOUT_S = 10.0
"""A body is so small that a client sends it in one go."""
REFUSED = "sightline.refused"
"""The extension of a scope with the error for which the server refuses the request."""
_SINGLE = frozenset(
    {
        b"authorization", b"content-encoding", b"content-length", b"content-type", b"host",
        b"idempotency-key", b"if-match", b"if-none-match", b"if-range", b"last-event-id",
        b"origin", b"range", b"sec-fetch-site", b"x-case", b"x-csrf-token", b"x-emergency",
        b"x-reason",
    }
)  # fmt: skip
_HOST = re.compile(rb"([A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
_ENCODED_SLASH = re.compile(rb"%(2f|5c)", re.IGNORECASE)
_TARGET = re.compile(rb"(/|\*$|(?i:https?)://[^/?#@]*([/?]|$))[^#]*")
_VERSIONS = ("1.0", "1.1")


def check_head(scope: Scope) -> None:
    """Raises BadInput or NotFound for an ambiguous or malformed request, and the error of a part
    that is too large.
    """
    refused: SightlineError | None = scope.get("extensions", {}).get(REFUSED)
    if refused is not None:
        raise refused
    if scope["http_version"] not in _VERSIONS:
        raise BadInput("the request is of another version of HTTP; use HTTP/1.1")
    if _ENCODED_SLASH.search(scope.get("raw_path") or b""):
        # It would become a slash of the route, which a proxy in front has not seen.
        raise NotFound("no path here has an encoded slash; write the path as it is documented")
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size_bytes = sum(len(name) + len(value) for name, value in headers)
    if size_bytes > MAX_HEADERS_BYTES or len(headers) > MAX_HEADERS:
        raise HeadersTooLarge(
            "the request has {count} headers of {size_bytes} bytes; at most "
            "{max_headers} of {max_headers_bytes} bytes together",
            count=len(headers),
            size_bytes=size_bytes,
            max_headers=MAX_HEADERS,
            max_headers_bytes=MAX_HEADERS_BYTES,
        )
    times = Counter(name for name, _ in headers)
    for name in _SINGLE & times.keys():
        if times[name] > 1:
            raise BadInput("the header {name} stands twice; send it once", name=name.decode())
    _check_host(scope["http_version"], dict(headers).get(b"host"))
    _check_sizes(scope, dict(headers))


def check_target(target: bytes) -> None:
    """Check the target of a request line, whose parser accepts more than RFC 9112 (3.2) and RFC
    9110 (4.2.4): a fragment, other schemes, and names of users.

    A proxy in front may read those differently. Raises BadInput.
    """
    if _TARGET.fullmatch(target) is None:
        raise BadInput("the address of the request is no path, and no address of http or https")


def check_handshake(method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Check the handshake of a WebSocket for what its library would refuse without a problem.

    Raises as `check_head`.
    """
    check_target(target)
    path, _, query = target.partition(b"?")
    scope = {"http_version": "1.1", "headers": headers, "raw_path": path, "query_string": query}
    check_head(scope)
    most = MAX_HANDSHAKE_LINE_BYTES
    if len(target) > most:
        raise AddressTooLong("the address of a WebSocket has more than {most} bytes", most=most)
    if any(len(name) + len(value) > most for name, value in headers):
        raise HeadersTooLarge("a header of a WebSocket has more than {most} bytes", most=most)
    values = dict(headers)
    if method != "GET" or values.get(b"sec-websocket-version") != b"13" or not _has_key(values):
        raise BadInput(
            "a WebSocket is opened by GET with `Sec-WebSocket-Version: 13` and a "
            "`Sec-WebSocket-Key` of {key_bytes} bytes",
            key_bytes=_KEY_BYTES,
        )


def _has_key(values: Mapping[bytes, bytes]) -> bool:
    try:
        key = base64.b64decode(values.get(b"sec-websocket-key", b""), validate=True)
    except binascii.Error:
        return False
    return len(key) == _KEY_BYTES


def _check_host(version: str, host: bytes | None) -> None:
    if host is None and version == "1.0":
        return
    if host is None or _HOST.fullmatch(host) is None:
        raise BadInput("the request has no valid header Host; send the host name of the API")


def _check_sizes(scope: Scope, headers: dict[bytes, bytes]) -> None:
    target_bytes = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target_bytes > MAX_TARGET_BYTES:
        raise AddressTooLong("the address has more than {most} bytes", most=MAX_TARGET_BYTES)
    length = headers.get(b"content-length", b"0")
    if b"transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise BodyTooLarge(
            "a body must say its length and be at most {max_body_bytes} bytes",
            max_body_bytes=MAX_BODY_BYTES,
        )


def within(receive: Receive, timeout_s: float) -> Receive:
    """Wrap `receive` so that it raises BodyTooSlow where the body takes longer."""
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    is_complete = False

    async def receive_in_time() -> Message:
        nonlocal is_complete
        if is_complete:  # What follows is the end of the connection.
            return await receive()
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await receive()
        except TimeoutError as error:
            raise BodyTooSlow(
                "the body did not arrive within {timeout_s} s", timeout_s=round(timeout_s)
            ) from error
        is_complete = not message.get("more_body", False)
        return message

    return receive_in_time
