"""The answer to what is no request: the application makes it, as for every refused request."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from api.limits.request_limits import REFUSED
from domain.errors import SightlineError

_CLOSE = (b"connection", b"close")


def refused_scope(
    client: tuple[str, int] | None,
    method: str,
    headers: Sequence[tuple[bytes, bytes]],
    error: SightlineError,
) -> dict[str, Any]:
    """Return the scope of a request that the application refuses with `error`.

    `headers` are those before the fault.
    """
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "server": None,
        "client": client,
        "root_path": "",
        "method": method,
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": list(headers),
        "extensions": {REFUSED: error},
    }


async def refusal(app: ASGIApp, scope: Scope) -> bytes:
    """Return the whole answer of `app`, after which the connection is closed.

    That to HEAD has the headers alone.
    """
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            parts.append(_head(message["status"], message["headers"]))
        elif scope["method"] != "HEAD":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(parts)


def _head(status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    first = b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())
    lines = [name + b": " + value for name, value in (*headers, _CLOSE)]
    return b"\r\n".join((first, *lines, b"", b""))
