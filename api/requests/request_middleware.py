"""The outermost middleware of every request.

It adds a request id and security headers, limits sizes, rates and times of requests, writes a log
line and a metric, and hides the details of internal errors.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits.rate_limits import TokenBuckets
from api.limits.request_limits import BODY_TIMEOUT_S, check_head, within
from api.requests.client_address import Network, client_address
from api.requests.languages import ProblemLanguage
from api.requests.problems import (
    error_response,
    internal_response,
)
from api.requests.refused_requests import network_of
from api.requests.request_trace import Trace, set_trace
from domain.clock import Clock
from domain.errors import RateLimited, SightlineError
from domain.log import FloodGate
from domain.metrics import REQUEST_DURATION_S, REQUESTS_LIMITED

REFUSALS_LOGGED_EVERY_S = 10.0
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
    """Guarantees that each request gets a well-formed response and a log line.

    Refused requests without a person, of one address and with one status, share a line.
    """

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
        self._log_refusal = FloodGate(_log.info, clock, every_s=REFUSALS_LOGGED_EVERY_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = Trace(secrets.token_hex(8), client_address(scope, self._trusted_proxies))
        set_trace(scope, trace)
        answer = _Answer(ProblemLanguage(scope, send).send, trace.request_id)
        began_s = self._clock.monotonic_s()
        try:
            await self._answer(scope, receive, answer, trace)
        finally:
            self._log_request(scope, trace, answer, self._clock.monotonic_s() - began_s)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer, trace: Trace) -> None:
        try:
            self._check_limits(scope, trace)
        except SightlineError as error:
            await error_response(error, trace.request_id)(scope, receive, answer.send)
            return
        try:
            await self._app(scope, within(receive, self._body_timeout_s), answer.send)
        except Exception:
            _log.exception("request %s failed", trace.request_id)
            if answer.status:
                # A part is already sent. The server closes the connection, so that no client uses
                # the part as the whole.
                raise
            await internal_response(trace.request_id)(scope, receive, answer.send)

    def _check_limits(self, scope: Scope, trace: Trace) -> None:
        """Raises the error of a request that is malformed or too large, or one too many of its
        address.
        """
        check_head(scope)
        retry_after_s = self._addresses.take(network_of(trace.address))
        if retry_after_s:
            REQUESTS_LIMITED.labels("address").inc()
            raise RateLimited("this address sends too many requests", retry_after_s)

    def _log_request(self, scope: Scope, trace: Trace, answer: _Answer, duration_s: float) -> None:
        """Log and measure a request, without its query: plates belong in the audit log alone."""
        route: Any = scope.get("route")
        template = str(route.path) if route is not None else "unmatched"
        REQUEST_DURATION_S.labels(route=template, status=str(answer.status)).observe(duration_s)
        path = (scope.get("raw_path") or b"").partition(b"?")[0].decode("ascii", "replace")
        who = trace.person.name if trace.person else "-"
        line = (
            f"{who} {scope['method']} {path} {answer.status} {answer.size_bytes} bytes "
            f"{duration_s * 1000:.1f} ms {trace.request_id}"
        )
        if trace.person is None and 400 <= answer.status < 500:
            # Anyone can send such requests, and would fill the log with them.
            self._log_refusal(f"{network_of(trace.address)} {answer.status}", line)
        else:
            _log.info("%s", line)


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
