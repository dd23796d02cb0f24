"""The checks of the access policy: a reason, an open case, the approval of a second person.

Emergency access passes the case and the approval, and never the reason, the right or the scope. It
is for accesses to evidence only, is recorded for review, and raises an alarm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from api.access.api_context import ApiContext
from api.requests.declarations import Declaration
from api.requests.reasons import Purpose, require_reason
from api.requests.request_trace import Trace
from api.requests.tickets import Basis
from domain.access_policy.model import CallRequirements
from domain.access_policy.terms import decisive_terms
from domain.errors import ApprovalRequired, CaseRequired, Forbidden
from storage.site.cases import CaseState


class Requirements:
    """Checks requests against the access policy in force. Blocking."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def check(self, trace: Trace) -> None:
        """Check a request whose reason, case and terms are known.

        Raises ReasonMissing, CaseRequired, ApprovalRequired, Forbidden.
        """
        if trace.declaration is None or trace.person is None:
            return
        needs = self.of(trace.declaration, trace.terms)
        if needs.reason:
            require_reason(Purpose(trace.reason))
        if not (needs.case or needs.approval):
            return
        if trace.is_emergency and trace.declaration.is_evidence_access:
            trace.rest_on(self._emergency(trace))
            return
        if needs.case:
            trace.case = self.checked_case(trace.case, needs)
        if needs.approval:
            self._check_approval(trace)

    def of(self, declaration: Declaration, terms: Mapping[str, str]) -> CallRequirements:
        """Return what the policy in force requires of a call with these terms."""
        rights = declaration.governed_rights(terms)
        if not rights:
            return CallRequirements()
        policy = self._context.policy().policy
        return policy.needs(rights, declaration.audit, declaration.also_governed_as)

    def check_open(self, trace: Trace, needs: CallRequirements) -> None:
        """Check again a request whose response is still being sent.

        The case must still be open, and the approval in force, also if a ticket opened the
        response. Raises CaseRequired, ApprovalRequired, Forbidden, ObjectsUnavailable.
        """
        if trace.basis.emergency:
            self._check_emergency_allowed()
            self._check_justified(trace.basis.emergency)
            return
        if needs.case:
            self.checked_case(trace.case, needs)
        approval = trace.basis.approval
        if needs.approval and (not approval or self._is_over(trace, approval)):
            raise _approval_required(trace)

    def _is_over(self, trace: Trace, approval: str) -> bool:
        """A ticket to a range rests on its approval for its own lifetime, as `check` has it."""
        approvals = self._context.approvals
        if trace.ticket is not None and trace.ticket.has_range:
            return approvals.is_revoked(approval)
        return approvals.is_over(approval)

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
                    "the case {number} does not have the form that this site demands: {pattern}",
                    number=repr(number),
                    pattern=pattern,
                )
        case = self._context.cases.recent(number)
        if case is None:
            raise CaseRequired(
                "there is no case {number}; a person with the right `evidence` "
                "opens it by POST /v1/cases",
                number=repr(number),
            )
        if case.state is not CaseState.OPEN:
            raise CaseRequired(
                "the case {number} is closed; name an open case", number=repr(number)
            )
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
        raise _approval_required(trace)

    def _check_emergency_allowed(self) -> None:
        """Raises Forbidden where the policy has no emergency access."""
        if not self._context.policy().policy.emergency_access:
            raise Forbidden("the access policy of this site allows no emergency access")

    def _check_justified(self, emergency: str) -> None:
        """Raises Forbidden for an emergency access that was found unjustified."""
        if self._context.emergencies.is_unjustified(emergency):
            raise Forbidden("this emergency access was reviewed and found unjustified")

    def _emergency(self, trace: Trace) -> Basis:
        """Record an emergency access. Raises Forbidden where the policy has none."""
        assert trace.declaration is not None
        assert trace.person is not None
        self._check_emergency_allowed()
        if trace.ticket is not None:
            self._check_justified(trace.ticket.emergency)
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


def _approval_required(trace: Trace) -> ApprovalRequired:
    assert trace.declaration is not None
    return ApprovalRequired(
        "this request needs the approval of a second person: request it by POST /v1/approvals "
        "with the `call` and the `terms` of `approval`, and repeat this request when it is "
        "approved",
        trace.declaration.audit,
        decisive_terms(trace.terms),
    )
