"""The lines of sign-ins in the audit log.

Anyone can begin a sign-in and let it fail. So an address has a few lines a second; its other
refusals are counted, as those of requests without a token are.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.limits.rate_limits import TokenBuckets
from api.requests.refused_requests import MAX_SHARE, Refusals, network_of
from domain.clock import Clock
from domain.errors import StoreError
from domain.metrics import AUDIT_LINES_LOST
from domain.openid import ProviderIdentity
from domain.people import Role
from storage.site.audit import AuditEntry, AuditLog, Phase

SIGN_IN_ROUTE = "session.start_openid"
LINES_PER_S = 2.0
_MAX_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class SignInAudit:
    """Writes who signed in, and why a sign-in was refused. Thread-safe."""

    audit: AuditLog
    buckets: TokenBuckets

    @classmethod
    def of(cls, audit: AuditLog, clock: Clock) -> SignInAudit:
        return cls(audit, TokenBuckets(clock, LINES_PER_S))

    def record_success(
        self, person: str, role: Role, identity: ProviderIdentity, address: str, request: str
    ) -> None:
        """Write the line of a sign-in. Raises AuditUnavailable: then no session may begin."""
        terms = {"issuer": identity.issuer, "subject": identity.subject, "name": identity.name}
        self.audit.append(_entry(person, role, address, terms, 303, request))

    def record_refusal(
        self, why: str, address: str, status: int, request: str, refusals: Refusals
    ) -> None:
        """Write why a sign-in was refused. A failure is counted: nothing was disclosed."""
        if self.buckets.take(network_of(address)):
            refusals.record(address, SIGN_IN_ROUTE, status)
            return
        entry = _entry("", None, address, {"why": why[:_MAX_CHARACTERS]}, status, request)
        try:
            self.audit.append(entry, MAX_SHARE)
        except StoreError:
            AUDIT_LINES_LOST.labels(Phase.REFUSED).inc()


def _entry(
    person: str, role: Role | None, address: str, terms: dict[str, str], status: int, request: str
) -> AuditEntry:
    return AuditEntry(
        person=person,
        role=role,
        address=address,
        route=SIGN_IN_ROUTE,
        right=None,
        terms=terms,
        status=status,
        request=request,
    )
