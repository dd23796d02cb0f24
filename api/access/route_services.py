"""What the routes of one app use when they run. They are made without it, before a fork."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from api.access.guard import Guard
from api.access.idempotent import Idempotent
from api.access.requirements import Requirements
from api.limits.thread_pools import Pools
from api.requests.audit_recorder import AuditRecorder
from api.requests.request_trace import Trace


@dataclass(frozen=True, slots=True)
class RouteServices:
    """The guard, the audit log and the threads of one app."""

    guard: Guard
    recorder: AuditRecorder
    requirements: Requirements
    pools: Pools
    idempotent: Idempotent

    def begin_change(self, trace: Trace) -> None:
        """Check a reason that is in the body, which the guard could not read, and write the intent
        of a change. Raises AuditUnavailable, and what `Requirements.check` raises.
        """
        if trace.declaration is not None and trace.declaration.has_body_reason:
            self.requirements.check(trace)
        self.recorder.record_intent(trace)


def services_of(request: Request) -> RouteServices:
    return cast(RouteServices, request.app.state.services)
