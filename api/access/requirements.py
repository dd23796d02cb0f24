"""The checks of the access policy: a reason, an open case, the approval of a second person.

Emergency access passes the case and the approval, and never the reason, the right or the scope. It
is for accesses to evidence only, is recorded for review, and raises an alarm.
"""

from __future__ import annotations

import re

from api.access.api_context import ApiContext
from api.requests.reasons import Purpose, require_reason
from api.requests.request_trace import Trace
from api.requests.tickets import Basis
from domain.access_policy.model import AccessPolicy, CallRequirements
from domain.access_policy.terms import decisive_terms
from domain.errors import ApprovalRequired, CaseRequired, Forbidden
from storage.site.cases import CaseState


def is_over(context: ApiContext, basis: Basis) -> bool:
    """Return whether the approval or the emergency access of an open response has ended.

    Raises ObjectsUnavailable.
    """
    if basis.approval and context.approvals.is_over(basis.approval):
        return True
    return bool(basis.emergency) and context.emergencies.is_unjustified(basis.emergency)


class Requirements:
    """Checks requests against the access policy in force. Blocking."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def check(self, trace: Trace) -> None:
        """Check a request whose reason, case and terms are known.

        Raises ReasonMissing, CaseRequired, ApprovalRequired, Forbidden.
        """
        declaration, person = trace.declaration, trace.person
        if declaration is None or person is None:
            return
        rights = declaration.governed_rights(trace.terms)
        if not rights:
            return
        policy = self._context.policy().policy
        needs = policy.needs(rights, declaration.audit)
        if needs.reason:
            require_reason(Purpose(trace.reason))
        if not (needs.case or needs.approval):
            return
        if trace.is_emergency and declaration.is_evidence_access:
            trace.rest_on(self._emergency(trace, policy))
            return
        if needs.case:
            trace.case = self.checked_case(trace.case, needs)
        if needs.approval:
            self._check_approval(trace)

    def checked_case(self, number: str, needs: CallRequirements) -> str:
        """Check that a case may be named; return its number as it was opened.

        Equivalent forms of Unicode name the same case, and the audit log finds it by one of them.
        Raises CaseRequired.
        """
        if not number:
            raise CaseRequired(
                "this request needs a case: send a header X-Case with the number of an open case"
            )
        for pattern in needs.case_patterns:
            if re.fullmatch(pattern, number) is None:
                raise CaseRequired(
                    f"the case {number!r} does not have the form that this site demands: {pattern}"
                )
        case = self._context.cases.recent(number)
        if case is None:
            raise CaseRequired(
                f"there is no case {number!r}; a person with the right `evidence` opens it by "
                "POST /v1/cases"
            )
        if case.state is not CaseState.OPEN:
            raise CaseRequired(f"the case {number!r} is closed; name an open case")
        return case.number

    def _check_approval(self, trace: Trace) -> None:
        """Check that a second person has approved the call. Raises ApprovalRequired."""
        assert trace.declaration is not None
        assert trace.person is not None
        call, terms = trace.declaration.audit, decisive_terms(trace.terms)
        approvals = self._context.approvals
        if trace.ticket is not None:
            # The ticket covers what was approved, for as long as it is valid.
            approval = trace.ticket.approval
            if approval and not approvals.is_revoked(approval):
                trace.rest_on(Basis(approval=approval))
                return
        else:
            found = approvals.in_force(trace.person, call, trace.case, terms)
            if found is not None:
                trace.rest_on(Basis(approval=found.id))
                return
        raise ApprovalRequired(
            "this request needs the approval of a second person: request it by POST /v1/approvals "
            "with the `call` and the `terms` of `approval`, and repeat this request when it is "
            "approved",
            call,
            terms,
        )

    def _emergency(self, trace: Trace, policy: AccessPolicy) -> Basis:
        """Record an emergency access. Raises Forbidden where the policy has none."""
        assert trace.declaration is not None
        assert trace.person is not None
        if not policy.emergency_access:
            raise Forbidden("the access policy of this site allows no emergency access")
        if trace.ticket is not None:
            if self._context.emergencies.is_unjustified(trace.ticket.emergency):
                raise Forbidden(
                    "the emergency access of this ticket was reviewed and found unjustified"
                )
            return Basis(emergency=trace.ticket.emergency)
        require_reason(Purpose(trace.reason))
        person = trace.person
        return Basis(
            emergency=self._context.emergencies.add(
                person.name,
                person.role,
                trace.address,
                trace.reason,
                trace.case,
                trace.declaration.audit,
                dict(trace.terms),
            )
        )
