"""The outermost middleware of every request.

It adds a request id and security headers, limits sizes, rates and times of requests, writes a log
line and a metric, and hides the details of internal errors.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.requests.client_address import Network, client_address
from api.requests.problems import (
    CONTENT_TOO_LARGE,
    URI_TOO_LONG,
    Kind,
    error_response,
    internal_response,
    problem_response,
)
from api.requests.rate_limits import TokenBuckets
from api.requests.refused_requests import network_of
from api.requests.request_trace import Trace, set_trace
from domain.clock import Clock
from domain.errors import BodyTooSlow, RateLimited
from domain.metrics import REQUEST_DURATION_S, REQUESTS_LIMITED

MAX_TARGET_BYTES = 8_192
MAX_BODY_BYTES = 65_536
BODY_TIMEOUT_S = 10.0
"""A body is so small that a client sends it in one go."""
_log = logging.getLogger("api.access")

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Each access is recorded, so no cache may respond in place of the API.
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class RequestMiddleware:
    """Guarantees that each request gets a well-formed response and one log line."""

    def __init__(
        self,
        app: ASGIApp,
        clock: Clock,
        trusted_proxies: Sequence[Network] = (),
        requests_per_s: float = 0.0,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        """`requests_per_s` is the limit for each address; 0 limits nothing."""
        self._app = app
        self._clock = clock
        self._trusted_proxies = trusted_proxies
        self._addresses = TokenBuckets(clock, requests_per_s)
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = Trace(secrets.token_hex(8), client_address(scope, self._trusted_proxies))
        set_trace(scope, trace)
        answer = _Answer(send, trace.request_id)
        began_s = self._clock.monotonic_s()
        try:
            await self._answer(scope, receive, answer, trace)
        finally:
            _log_request(scope, trace, answer, self._clock.monotonic_s() - began_s)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer, trace: Trace) -> None:
        refusal = _refusal(scope)
        if refusal is not None:
            await problem_response(*refusal, trace.request_id)(scope, receive, answer.send)
            return
        retry_after_s = self._addresses.take(network_of(trace.address))
        if retry_after_s:
            REQUESTS_LIMITED.labels("address").inc()
            limited = RateLimited("this address sends too many requests", retry_after_s)
            await error_response(limited, trace.request_id)(scope, receive, answer.send)
            return
        try:
            await self._app(scope, self._in_time(receive), answer.send)
        except Exception:
            _log.exception("request %s failed", trace.request_id)
            if answer.status:
                # A part is already sent. The server closes the connection, so that no client uses
                # the part as the whole.
                raise
            await internal_response(trace.request_id)(scope, receive, answer.send)

    def _in_time(self, receive: Receive) -> Receive:
        """Wrap `receive` so that it raises BodyTooSlow where the body takes too long."""
        deadline_s = asyncio.get_running_loop().time() + self._body_timeout_s
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
                    f"the body did not arrive within {self._body_timeout_s:.0f} s"
                ) from error
            is_complete = not message.get("more_body", False)
            return message

        return receive_in_time


class _Answer:
    """Adds the common headers to a response, and stores its status and size."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.size_bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value in SECURITY_HEADERS if name not in present]
            message = {
                **message,
                "headers": [*headers, (b"x-request-id", self._request_id.encode())],
            }
        elif message["type"] == "http.response.body":
            self.size_bytes += len(message.get("body", b""))
        await self._send(message)


def _refusal(scope: Scope) -> tuple[Kind, str] | None:
    target_bytes = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target_bytes > MAX_TARGET_BYTES:
        return URI_TOO_LONG, f"the address is {target_bytes} bytes long; at most {MAX_TARGET_BYTES}"
    headers: dict[bytes, bytes] = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if b"transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY_BYTES:
        return (
            CONTENT_TOO_LARGE,
            f"a body must say its length and be at most {MAX_BODY_BYTES} bytes",
        )
    return None


def _log_request(scope: Scope, trace: Trace, answer: _Answer, duration_s: float) -> None:
    """Log and measure a request, without its query: plates belong in the audit log alone."""
    route: Any = scope.get("route")
    template = str(route.path) if route is not None else "unmatched"
    REQUEST_DURATION_S.labels(route=template, status=str(answer.status)).observe(duration_s)
    path = (scope.get("raw_path") or b"").partition(b"?")[0].decode("ascii", "replace")
    who = trace.person.name if trace.person else "-"
    line = "%s %s %s %d %d bytes %.1f ms %s"
    _log.info(
        line,
        who,
        scope["method"],
        path,
        answer.status,
        answer.size_bytes,
        duration_s * 1000,
        trace.request_id,
    )
