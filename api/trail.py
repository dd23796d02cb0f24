"""The audit trail at the door: each look is written down with its outcome before a byte of the answer leaves, or it is not given."""

from __future__ import annotations

import logging
from collections.abc import Callable

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import error_response
from api.trace import Trace, trace_of
from domain.errors import AuditUnavailable, SightlineError

_log = logging.getLogger(__name__)
Record = Callable[[Trace, int], None]
"""Writes one entry, of a request and the status of its answer; raises OSError or SightlineError where it cannot."""


def write_entry(record: Record, trace: Trace, status: int) -> bool:
    """Write the entry of a request, once, where its route has an audit term. False: it cannot be written, so no answer may be given."""
    declaration = trace.declaration
    if trace.is_recorded or declaration is None or not declaration.audit:
        return True
    trace.is_recorded = True
    try:
        record(trace, status)
    except (OSError, SightlineError):
        _log.exception("request %s: the audit log cannot be written", trace.request_id)
        return False
    return True


def refusal() -> AuditUnavailable:
    return AuditUnavailable("the audit log cannot be written, and no look is given unrecorded; tell whoever runs the site")


class Trail:
    """Stands between the envelope and the routes. Routes without an audit term pass by."""

    def __init__(self, app: ASGIApp, record: Record) -> None:
        self._app = app
        self._record = record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        gate = _Gate(trace_of(scope), self._record, send)
        try:
            await self._app(scope, receive, gate.send)
        except Exception:
            # Refused: this is our own AuditUnavailable, in whatever the layers between made of it.
            if not gate.refused:
                await gate.write(500)
                raise
        if gate.refused:
            # Nothing has been sent: the gate never opened.
            await error_response(refusal(), trace_of(scope).request_id)(scope, receive, send)


class _Gate:
    """Opens for the answer once its entry is on disk."""

    def __init__(self, trace: Trace, record: Record, send: Send) -> None:
        self._trace = trace
        self._record = record
        self._send = send
        self.refused = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self.write(message["status"])
            if self.refused:
                raise AuditUnavailable("the answer stops here")
        await self._send(message)

    async def write(self, status: int) -> None:
        """The entry, where the route's own thread did not write it."""
        if not self._trace.is_recorded:
            self.refused = not await to_thread.run_sync(write_entry, self._record, self._trace, status)
