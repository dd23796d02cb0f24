"""Checks during a long response that the access policy still permits it.

A case can be closed, an approval ends by itself, and the policy can change, while a feed or a live
view is open.
"""

from __future__ import annotations

from dataclasses import dataclass

from anyio import to_thread

from api.access.requirements import Requirements
from api.requests.request_trace import Trace
from domain.access_policy.model import CallRequirements
from domain.clock import Clock
from domain.people import Right

REMEMBERED_S = 2.0
"""What the policy requires of a call is read once in this time for all open responses."""


@dataclass(frozen=True, slots=True)
class _Known:
    needs: CallRequirements
    at_s: float


class StandingRequirements:
    """Checks all open responses of a process. Only its event loop may use it."""

    def __init__(self, requirements: Requirements, clock: Clock) -> None:
        self._requirements = requirements
        self._clock = clock
        self._known: dict[tuple[str, tuple[Right, ...]], _Known] = {}
        """By call and rights, so there are few."""

    async def check(self, trace: Trace) -> None:
        """Raises CaseRequired, ApprovalRequired or Forbidden if the response must end, and
        ObjectsUnavailable if the store does not respond.
        """
        needs = await self._needs(trace)
        if needs.case or needs.approval or trace.basis.emergency:
            await to_thread.run_sync(self._requirements.check_open, trace, needs)

    async def _needs(self, trace: Trace) -> CallRequirements:
        declaration = trace.declaration
        rights = None if declaration is None else declaration.governed_rights(trace.terms)
        if declaration is None or not rights:
            return CallRequirements()
        key = (declaration.audit, rights)
        known = self._known.get(key)
        if known is None or self._clock.monotonic_s() - known.at_s >= REMEMBERED_S:
            needs = await to_thread.run_sync(self._requirements.of, declaration, trace.terms)
            known = self._known[key] = _Known(needs, self._clock.monotonic_s())
        return known.needs
