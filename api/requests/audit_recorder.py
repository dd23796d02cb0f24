"""Writes the audit log for the API: accesses to evidence, changes, and requests of unknown persons.

The line of an access is on disk before its response is sent. A change has two lines: its intent,
which is on disk before anything changes, and its outcome. Requests without a valid token are
counted by address (`api/requests/refused_requests.py`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from pydantic import BaseModel

from api.requests.bodies import PartlyHiddenBody
from api.requests.declarations import Access
from api.requests.reasons import one_line
from api.requests.refused_requests import Refusals
from api.requests.request_trace import Trace
from domain.clock import Clock, rfc3339
from domain.errors import AuditUnavailable, SightlineError
from domain.metrics import AUDIT_LINES_LOST
from domain.people import Right
from storage.audit.viewings import Viewer, Viewings
from storage.site.audit import AuditEntry, AuditLog, Phase

_log = logging.getLogger(__name__)
_OK, _FIRST_ERROR = 200, 400
_OWN_FIELDS = frozenset({"reason", "case"})
"""A line has fields of their own for these, so they are not in its terms."""


class AuditRecorder:
    """Writes the lines of requests to the audit log. Thread-safe."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self.refusals = Refusals(audit, clock)
        self.viewings = Viewings(audit, clock)

    def must_record(self, trace: Trace) -> bool:
        """Return whether `record_response` has a line to write."""
        declaration = trace.declaration
        if trace.is_recorded or declaration is None:
            return False
        if declaration.right is Access.ANYONE:
            return trace.person is not None and declaration.identifies_person
        return trace.person is None or bool(declaration.audit)

    def record_intent(self, trace: Trace) -> None:
        """Write the intent of a change or of an export.

        Raises AuditUnavailable: then nothing may change, and nothing may be sent.
        """
        self._write(trace, Phase.INTENT, None)
        trace.is_intended = True

    def record_response(self, trace: Trace, status: int) -> None:
        """Write the line of a response, once. Raises AuditUnavailable: then nothing may be sent."""
        declaration = trace.declaration
        if declaration is None or not self.must_record(trace):
            return
        trace.is_recorded = True
        if trace.person is None:
            self.refusals.record(trace.address, declaration.audit or declaration.path, status)
            return
        self.refusals.flush()
        viewed = trace.viewed if status < _FIRST_ERROR else None
        if viewed is not None and self.viewings.extend(_viewer(trace), viewed):
            return
        if viewed is not None and viewed.span is not None:
            trace.terms |= {"from": rfc3339(viewed.span[0]), "to": rfc3339(viewed.span[1])}
        if trace.is_export and status < _FIRST_ERROR:
            self.record_intent(trace)
            return
        phase = Phase.OUTCOME if declaration.is_change else Phase.ACCESS
        try:
            entry = self._write(trace, phase, status)
            if viewed is not None:
                self.viewings.open(_viewer(trace), viewed, entry)
            if declaration.begins_viewing and status < _FIRST_ERROR:
                trace.viewing = self.viewings.begin(entry)
        except AuditUnavailable:
            if not trace.is_intended:
                raise
            # The change is made and its intent is on disk. After an error, the client would repeat
            # the change.
            AUDIT_LINES_LOST.labels(Phase.OUTCOME).inc()

    def record_export_end(self, trace: Trace, rows: int, is_complete: bool) -> None:
        """Write how many rows of an export were sent, unless its sending never started.

        The rows are sent, so a failure is only counted.
        """
        if not trace.is_intended:
            return
        trace.result_count = rows
        trace.terms |= {"sent": "all" if is_complete else "part"}
        try:
            self._write(trace, Phase.OUTCOME, _OK)
        except AuditUnavailable:
            AUDIT_LINES_LOST.labels(Phase.OUTCOME).inc()

    def _write(self, trace: Trace, phase: Phase, status: int | None) -> AuditEntry:
        declaration, person = trace.declaration, trace.person
        assert declaration is not None
        entry = AuditEntry(
            person=person.name if person else "",
            role=person.role if person else None,
            address=trace.address,
            route=declaration.audit,
            right=declaration.right if isinstance(declaration.right, Right) else None,
            terms=trace.terms,
            reason=trace.reason,
            case=trace.case,
            status=status,
            phase=phase,
            results=trace.result_count,
            request=trace.request_id,
        )
        try:
            self._audit.append(entry)
        except AuditUnavailable:
            _log.exception("request %s: the audit log cannot be written", trace.request_id)
            raise
        except (OSError, SightlineError) as error:
            _log.exception("request %s: the audit log cannot be written", trace.request_id)
            raise AuditUnavailable(
                "the audit log cannot be written, so accesses and changes are refused; report this "
                "to the administrator of the site"
            ) from error
        return entry


def _viewer(trace: Trace) -> Viewer:
    assert trace.person is not None
    person = trace.person
    basis = tuple(trace.basis.terms.items())
    return Viewer(person.name, person.role, trace.address, trace.reason, trace.case, basis)


def with_recorded_intent(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the endpoint of a change so that its intent is on disk before it runs.

    The arguments are validated before that, so an invalid request leaves no intent.
    """

    @wraps(endpoint)
    def call(**arguments: Any) -> Any:
        trace: Trace = arguments["trace"]
        _describe(trace, arguments)
        assert trace.begin_change is not None
        trace.begin_change()
        return endpoint(**arguments)

    return call


def _describe(trace: Trace, arguments: Mapping[str, Any]) -> None:
    """Copy the terms, the reason and the case of a change from its body.

    The guard has read the reason and the case of a change without a body.
    """
    bodies = [value for value in arguments.values() if isinstance(value, BaseModel)]
    own = {name: value for body in bodies for name, value in body if name in _OWN_FIELDS}
    trace.reason = one_line("reason", own.get("reason") or trace.reason)
    trace.case = one_line("case", own.get("case") or trace.case)
    terms = {name: term for body in bodies for name, term in _terms(body).items()}
    trace.terms = {
        name: term for name, term in {**terms, **trace.terms}.items() if name not in _OWN_FIELDS
    }


def _terms(body: BaseModel) -> dict[str, str]:
    """Return the fields of a body as text, without those that `repr` hides: they are secret.

    A null counts if the body has it: it may remove a limit. An approval is for these terms, so a
    hidden field that decides what a change does has a term of its own (`PartlyHiddenBody`).
    """
    hidden = {name for name, field in type(body).model_fields.items() if not field.repr}
    absent = {name for name, value in body if value is None and name not in body.model_fields_set}
    values = body.model_dump(mode="json", by_alias=True, exclude=hidden | _OWN_FIELDS | absent)
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
    texts |= body.shown_terms if isinstance(body, PartlyHiddenBody) else {}
    return {name: text for name, text in texts.items() if text}
