"""One HTTP connection within limits: the time and the size of a request's headers, and the rate at
which a client reads.

uvicorn has none of these limits. A client could hold thousands of connections by sending a byte a
minute on each, or fill the memory with headers that never end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, cast

import httptools
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.limits.request_limits import (
    MAX_TARGET_BYTES,
    REFUSED,
    check_handshake,
    check_target,
)
from api.requests.refused_requests import network_of
from domain.errors import AddressTooLong, BadInput, HeadersTooLarge, SightlineError
from sightline.connection_limits import ConnectionLimits
from sightline.error_answers import refusal, refused_scope

MAX_HEAD_BYTES = 64 << 10
"""Of a request line with its headers that is still incomplete."""
MAX_DISCARDED_BYTES = 256 << 10
"""Of what follows a refused head, so that its sender reads the answer."""
KEPT_URL_BYTES = 2 * MAX_TARGET_BYTES
"""The parser refuses a URL of 64 KiB. The application refuses a shorter one that is too long."""
READER_MIN_BYTES = 32 << 10
"""A client that reads less in an interval, while data waits for it, is disconnected."""


class _Timer:
    """Calls a function after some seconds, unless it is stopped before."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        return self._handle is not None

    def start(self, seconds: float, call: Callable[..., None], *arguments: object) -> None:
        """Start the timer, unless it is running."""
        if self._handle is None:
            self._handle = self._loop.call_later(seconds, self._end, call, *arguments)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _end(self, call: Callable[..., None], *arguments: object) -> None:
        self._handle = None
        call(*arguments)


class LimitedProtocol(HttpToolsProtocol):
    """One connection within the limits of its server.

    It is idle, receives a head, or receives a body and sends a response, and a head may arrive
    while an earlier request is answered. uvicorn's timer ends an idle connection.
    """

    limits: ClassVar[ConnectionLimits]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.url = b""  # The parser skips empty lines before a request, and there may be many.
        self._address: str | None = None
        self._head = _Timer(self.loop)
        """It runs while a head is received."""
        self._head_bytes = 0
        self._reader = _Timer(self.loop)
        """It runs while data waits for the client."""
        self._drain = _Timer(self.loop)
        """It runs while what remains of a request is discarded."""
        self._is_refused = False
        """Whether the connection has no further request, and what arrives is discarded."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP or TLS
        super().connection_made(transport)
        self._address = network_of(self.client[0] if self.client else "")
        if self.limits.admit(self._address):
            self._await_headers()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head, self._reader, self._drain):
            timer.stop()
        if self._address is not None:
            self.limits.release(self._address)
            self._address = None
        super().connection_lost(exc)

    # The request

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            self._parse(data)
        is_in_head = self._is_refused or self._head.is_running
        self._head_bytes = self._head_bytes + len(data) if is_in_head else 0
        if self._head_bytes > MAX_HEAD_BYTES + MAX_DISCARDED_BYTES:
            self.transport.abort()
        elif self._head_bytes > MAX_HEAD_BYTES and not self._is_refused:
            sentence = f"{self._address} sent headers of over {MAX_HEAD_BYTES} bytes"
            self.limits.report("head", sentence)
            self._refuse(self._too_large(), has_method=bool(self.url))

    def _parse(self, data: bytes) -> None:
        """As in the base, which logs each malformed request and each unknown upgrade, so that a
        stranger could fill the log.

        The base also stops the timer of an idle connection for data that begins no request, such as
        an empty line, after which the connection would last.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.limits.report("malformed", f"{self._address} sent no valid request of HTTP/1.1")
            has_method = not isinstance(error, httptools.HttpParserInvalidMethodError)
            self._refuse(BadInput("this is no valid request of HTTP/1.1"), has_method=has_method)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()

    def on_url(self, url: bytes) -> None:
        self.url = (self.url + url)[:KEPT_URL_BYTES]

    def _too_large(self) -> SightlineError:
        if len(self.url) > MAX_TARGET_BYTES:
            return AddressTooLong("the address has more than {most} bytes", most=MAX_TARGET_BYTES)
        return HeadersTooLarge("the headers have more than {most} bytes", most=MAX_HEAD_BYTES)

    def _refuse(self, error: SightlineError, *, has_method: bool = True) -> None:
        """Answer what cannot become a request, and close the connection.

        `has_method` is whether its method was read: the answer to HEAD has no body.
        """
        self._is_refused = True
        self._head.stop()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False  # The response that is being sent is the last one.
        elif not self._drain.is_running:
            method = self.parser.get_method().decode() if has_method else "GET"
            scope = refused_scope(self.client, method, self.headers or (), error)
            task = self.loop.create_task(self._send_refusal(scope))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _send_refusal(self, scope: Scope) -> None:
        try:
            answer = await refusal(cast(ASGIApp, self.app), scope)
        except BaseException:
            self.transport.abort()
            raise
        if not self.transport.is_closing():
            self.transport.write(answer)
            if self.transport.can_write_eof():  # not with TLS
                self.transport.write_eof()
            self._drain.start(self.limits.drain_s, self.transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._head.stop()
        try:
            check_target(self.url)
        except SightlineError as error:
            cast(dict[str, Any], self.scope)["extensions"] = {REFUSED: error}
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        # What is left of a body that was not read would otherwise be received without a limit.
        is_unread = self.cycle.response_complete and self.cycle.more_body
        super().on_response_complete()
        if self._head.is_running:  # The next request has begun.
            self._unset_keepalive_if_required()
        if is_unread:
            self._drain.start(self.limits.drain_s, self.transport.close)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._drain.stop()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to a `LimitedWebSocket`, which releases it at its end."""
        try:
            check_handshake(self.scope["method"], self.url, self.headers)
        except SightlineError as error:
            self._refuse(error)
            return
        self._reader.stop()
        self._address = None
        super().handle_websocket_upgrade()

    def _await_headers(self) -> None:
        self._head.start(self.limits.headers_timeout_s, self._close_late)

    def _close_late(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._await_headers()  # The server reads no further while earlier requests wait.
            return
        seconds = self.limits.headers_timeout_s
        self._close("headers", f"{self._address} sent no whole request in {seconds:.0f} s")

    # The response

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._reader.stop()
        super().resume_writing()

    def _watch_reader(self) -> None:
        waiting_bytes = self.transport.get_write_buffer_size()
        self._reader.start(self.limits.reader_interval_s, self._check_reader, waiting_bytes)

    def _check_reader(self, before_bytes: int) -> None:
        """Close the connection if the client has read too little since the last check.

        Nothing is added to the data meanwhile, because the application waits.
        """
        if before_bytes - self.transport.get_write_buffer_size() < READER_MIN_BYTES:
            seconds = self.limits.reader_interval_s
            self._close("reader", f"{self._address} read too little in {seconds:.0f} s")
        else:
            self._watch_reader()

    def _close(self, reason: str, sentence: str) -> None:
        self.limits.report(reason, sentence)
        self.transport.abort()


def limited_protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """Return the protocol class for `uvicorn.Config(http=...)`."""
    return type("ServerProtocol", (LimitedProtocol,), {"limits": limits})
