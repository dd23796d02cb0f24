"""Middleware that sends a response only after its line is in the audit log."""

from __future__ import annotations

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.requests.audit_recorder import AuditRecorder
from api.requests.problems import error_response
from api.requests.request_trace import Trace, trace_of
from domain.errors import AuditUnavailable


class AuditTrail:
    """Writes the audit line of each response; requests that need no line pass unchanged."""

    def __init__(self, app: ASGIApp, recorder: AuditRecorder) -> None:
        self._app = app
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        gate = _Gate(trace_of(scope), self._recorder, send)
        try:
            await self._app(scope, receive, gate.send)
        except Exception:
            # With a refusal, the exception is our own AuditUnavailable, possibly wrapped.
            if gate.refusal is None:
                await gate.write(500)
                raise
        if gate.refusal is not None:
            # Nothing has been sent yet.
            await error_response(gate.refusal, trace_of(scope).request_id)(scope, receive, send)


class _Gate:
    """Holds a response back until its line is on disk."""

    def __init__(self, trace: Trace, recorder: AuditRecorder, send: Send) -> None:
        self._trace = trace
        self._recorder = recorder
        self._send = send
        self.refusal: AuditUnavailable | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self.write(message["status"])
            if self.refusal is not None:
                raise self.refusal
        await self._send(message)

    async def write(self, status: int) -> None:
        """Write the line, unless the thread of the route has written it."""
        if self._recorder.must_record(self._trace):
            try:
                await to_thread.run_sync(self._recorder.record_response, self._trace, status)
            except AuditUnavailable as error:
                self.refusal = error
