"""The request and response models of the access policy, cases, approvals and emergency accesses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.requests.answers import Answer
from domain.access_policy.model import PolicyOrigin, Requirement
from domain.stored_model import WallNs
from storage.clients.versioned_records import DamagedRecord
from storage.site.approvals import ApprovalRecord, Decision
from storage.site.cases import CaseRecord, CaseState
from storage.site.emergencies import EmergencyRecord, Verdict

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_WHY = "why; it is in the audit log"


class PolicyView(Answer):
    """The access policy in force."""

    origin: PolicyOrigin
    sha256: str | None = Field(description="of the file in force; null without one")
    emergency_access: bool
    approval_hours: float = Field(description="how long a request waits, and an approval is valid")
    calls: dict[str, list[Requirement]] = Field(
        description="what each governed call needs in addition to the right, by audit term"
    )


class UnreadableRecord(Answer):
    """A record that cannot be read or is not authentic."""

    id: str
    key: str = Field(description="the object in the store that is damaged")
    why: str

    @classmethod
    def of(cls, damaged: DamagedRecord) -> UnreadableRecord:
        return cls(id=damaged.record_id, key=damaged.key, why=damaged.why)


class CaseAsked(BaseModel):
    """The body of a request to open a case."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1,
        max_length=100,
        description="what requests name in `X-Case`; it is unique",
        examples=["2026-118"],
    )
    title: Line = Field(description="what the case is about", examples=["theft of a bicycle"])
    reason: Line = Field(description=_WHY)


class CaseChange(BaseModel):
    """The body of a request to change a case; what it leaves out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: Line | None = None
    state: CaseState | None = Field(None, description="`closed`: no request may name it any more")
    reason: Line = Field(description=_WHY)


class CaseView(Answer):
    """A case, to which accesses to evidence belong."""

    id: str
    number: str = Field(examples=["2026-118"])
    title: str
    state: CaseState
    opened_by: str
    opened_at: WallNs
    closed_by: str | None
    closed_at: WallNs | None

    @classmethod
    def of(cls, case: CaseRecord) -> CaseView:
        fields = {name: getattr(case, name) for name in cls.model_fields}
        return cls(**fields | {"closed_by": case.closed_by or None})


class CaseList(Answer):
    """One page of cases."""

    items: list[CaseView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    damaged: list[UnreadableRecord] = Field(
        default=[], description="records that cannot be read or are not authentic"
    )


class ApprovalAsked(BaseModel):
    """The body of a request for the approval of one call."""

    model_config = ConfigDict(extra="forbid")

    call: str = Field(
        min_length=1,
        max_length=100,
        description="the audit term of the call, as in `approval` of the problem",
        examples=["event.clip"],
    )
    terms: dict[
        Annotated[str, StringConstraints(max_length=64)],
        Annotated[str, StringConstraints(max_length=8192)],
    ] = Field(
        {},
        max_length=64,
        description="the terms of the call, as in `approval` of the problem; the call may have a "
        "part of the range from `from` to `to`",
    )
    reason: Line = Field(description="why; the second person decides on it")
    case: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        "", max_length=500, description="the case that the call will name"
    )


class ApprovalDecision(BaseModel):
    """The body of a decision."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal[Decision.APPROVED, Decision.REFUSED] = Field(
        description="`refused` also ends an approval that was given"
    )
    reason: Line = Field(description="why; the requesting person reads it")


class ApprovalView(Answer):
    """A request for approval, and the decision."""

    id: str = Field(examples=["20261124-5f1c0a52"])
    person: str = Field(description="the person who requests it")
    call: str
    terms: dict[str, str]
    reason: str
    case: str | None
    requested_at: WallNs
    ends_at: WallNs = Field(description="when the request or the approval ends by itself")
    is_ended: bool
    decision: Decision
    decided_by: str | None
    decided_at: WallNs | None
    note: str | None = Field(description="the reason of the decision")

    @classmethod
    def of(cls, record: ApprovalRecord, now_ns: int) -> ApprovalView:
        own = set(cls.model_fields) - {"is_ended"}
        fields = {name: getattr(record, name) for name in own}
        absent = {name: None for name in ("case", "decided_by", "note") if not fields[name]}
        return cls(**fields | absent, is_ended=now_ns >= record.ends_at)


class ApprovalList(Answer):
    """One page of requests for approval."""

    items: list[ApprovalView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    damaged: list[UnreadableRecord] = Field(
        default=[], description="records that cannot be read or are not authentic"
    )


class EmergencyReview(BaseModel):
    """The body of a review."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal[Verdict.JUSTIFIED, Verdict.UNJUSTIFIED]
    reason: Line = Field(description="why; it is kept with the record")


class EmergencyView(Answer):
    """The emergency accesses of one person for one reason within ten minutes."""

    id: str
    person: str
    role: str
    address: str
    reason: str
    case: str | None
    call: str = Field(description="the audit term of the first access; the audit log has all")
    terms: dict[str, str] = Field(description="the terms of the first access")
    at: WallNs
    verdict: Verdict
    reviewed_by: str | None
    reviewed_at: WallNs | None
    note: str | None = Field(description="the reason of the review")

    @classmethod
    def of(cls, record: EmergencyRecord) -> EmergencyView:
        fields = {name: getattr(record, name) for name in cls.model_fields}
        absent = {name: None for name in ("case", "reviewed_by", "note") if not fields[name]}
        return cls(**fields | absent)


class EmergencyList(Answer):
    """One page of emergency accesses."""

    items: list[EmergencyView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    damaged: list[UnreadableRecord] = Field(
        default=[], description="records that cannot be read or are not authentic"
    )
