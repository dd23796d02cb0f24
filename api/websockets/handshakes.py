"""WebSockets: a handshake is answered by the route of the same GET request.

So it passes the same limits, guard, parameters and audit as every request. The route answers 101
with a `WebSocketAnswer`, which then serves the connection. Any other answer refuses the handshake
and is sent as it is, with the problem as its body.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import BadInput

_SOCKET = "sightline.websocket"
SWITCHING_PROTOCOLS = 101
_BODY_HEADERS = frozenset({b"content-length", b"content-type"})


class WebSocketClosed(Exception):
    """The client has disconnected."""


class ServerSocket:
    """A WebSocket after its handshake."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def send_text(self, text: str) -> None:
        await self._sent({"type": "websocket.send", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        """Send a message; wait while the client reads too slowly. Raises WebSocketClosed."""
        await self._sent({"type": "websocket.send", "bytes": data})

    async def close(self, code: int, reason: str) -> None:
        await self._sent({"type": "websocket.close", "code": code, "reason": reason})

    async def receive_text(self) -> str:
        """Wait for a message. Raises WebSocketClosed, and BadInput for a binary message."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketClosed
        text: str | None = message.get("text")
        if text is None:
            raise BadInput("a message of a client is text, and this one is binary")
        return text

    async def _sent(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:
            raise WebSocketClosed from error


def socket_of(scope: Scope) -> ServerSocket | None:
    """Return the WebSocket of a request; None for a request that is no handshake."""
    found: ServerSocket | None = scope.get(_SOCKET)
    return found


class WebSocketAnswer(Response):
    """Accepts a handshake and serves the connection. A subclass implements `serve`.

    It has no `body`: the line of the audit log is written when the handshake is accepted.
    """

    def __init__(self) -> None:
        self.status_code = SWITCHING_PROTOCOLS
        self.background = None
        self.raw_headers = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = socket_of(scope)
        if socket is None:
            raise RuntimeError("only a handshake is answered with a WebSocket")
        await send({"type": "http.response.start", "status": self.status_code, "headers": []})
        await self.serve(socket)

    async def serve(self, socket: ServerSocket) -> None:
        raise NotImplementedError


class WebSocketHandshakes:
    """The outermost middleware: gives each handshake to the app as a GET request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        await receive()  # the event `websocket.connect`
        exchange = _Exchange(receive, send)
        request = {
            **scope,
            "type": "http",
            "method": "GET",
            "scheme": scope["scheme"].replace("ws", "http"),
            _SOCKET: ServerSocket(receive, send),
        }
        await self._app(request, exchange.receive, exchange.send)


class _Exchange:
    """The request and the answer of one handshake."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._has_request_been_read = False
        self._is_accepted = False

    async def receive(self) -> Message:
        """Return the request, which has no body, and then the end of the connection."""
        if not self._has_request_been_read:
            self._has_request_been_read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while (await self._receive())["type"] != "websocket.disconnect":
            """Ignore messages before the handshake is accepted."""
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        try:
            if message["type"] == "http.response.start":
                await self._start(message)
            elif not self._is_accepted:
                await self._send({**message, "type": "websocket.http.response.body"})
        except OSError:
            """The client has left. As with other requests, the rest of the answer is dropped."""

    async def _start(self, message: Message) -> None:
        if message["status"] != SWITCHING_PROTOCOLS:
            await self._send({**message, "type": "websocket.http.response.start"})
            return
        self._is_accepted = True
        headers = [one for one in message["headers"] if one[0].lower() not in _BODY_HEADERS]
        await self._send({"type": "websocket.accept", "headers": headers})
