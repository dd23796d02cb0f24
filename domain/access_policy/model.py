"""The access policy of a site: which calls need a reason, a case, or the approval of a second
person.

It only adds to what the API demands by itself, so a policy never opens a site wider. A call that
several groups name needs what all of them demand.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.clock import NS_PER_S
from domain.errors import Fault
from domain.messages.message import Message
from domain.people import Right

MOST_HOURS = 12
_S_PER_HOUR = 3600


class Requirement(StrEnum):
    """What a call may need in addition to the right."""

    REASON = "reason"
    CASE = "case"
    APPROVAL = "approval"


class CallGroup(BaseModel):
    """One group of calls, by their rights and by their audit terms, and what they need."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rights: tuple[Right, ...] = ()
    calls: tuple[str, ...] = ()
    needs: tuple[Requirement, ...]
    case_pattern: str | None = None
    """A regular expression that the whole number of the case matches."""

    @field_validator("case_pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    Message("is no regular expression: {error}", error=error)
                ) from error
        return pattern

    @model_validator(mode="after")
    def _check_group(self) -> CallGroup:
        if not self.rights and not self.calls:
            raise ValueError("this group has no calls; give `rights` or `calls`")
        if not self.needs:
            raise ValueError("`needs` is empty, so this group demands nothing; give one of them")
        if self.case_pattern is not None and Requirement.CASE not in self.needs:
            raise ValueError("`case_pattern` does nothing here; add `case` to `needs`")
        return self

    def has(self, rights: Collection[Right], calls: Collection[str]) -> bool:
        is_of_call = not set(calls).isdisjoint(self.calls)
        return is_of_call or not set(rights).isdisjoint(self.rights)


@dataclass(frozen=True, slots=True)
class CallRequirements:
    """What one call needs in addition to the right."""

    requirements: frozenset[Requirement] = frozenset()
    case_patterns: tuple[str, ...] = ()

    @property
    def reason(self) -> bool:
        return Requirement.REASON in self.requirements

    @property
    def case(self) -> bool:
        return Requirement.CASE in self.requirements

    @property
    def approval(self) -> bool:
        return Requirement.APPROVAL in self.requirements


class AccessPolicy(BaseModel):
    """The content of a policy file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    groups: dict[str, CallGroup] = {}
    approval_hours: float = Field(1.0, gt=0, le=MOST_HOURS)
    """How long a request for approval waits, and how long an approval is valid."""
    emergency_access: bool = True
    """Whether a person may pass the requirements of case and approval in an emergency."""

    @property
    def approval_ns(self) -> int:
        return round(self.approval_hours * _S_PER_HOUR) * NS_PER_S

    def needs(
        self, rights: Collection[Right], call: str, same: Collection[str] = ()
    ) -> CallRequirements:
        """Return what a call needs in addition to its rights; `call` is its audit term.

        `same` are the audit terms of calls that give the same material.
        """
        groups = [group for group in self.groups.values() if group.has(rights, (call, *same))]
        return CallRequirements(
            frozenset(requirement for group in groups for requirement in group.needs),
            tuple(group.case_pattern for group in groups if group.case_pattern is not None),
        )


NO_REQUIREMENTS = AccessPolicy(version=1)
"""The policy of a site without a policy file."""
STRICTEST = AccessPolicy(
    version=1,
    groups={"all": CallGroup(rights=tuple(Right), needs=tuple(Requirement))},
    emergency_access=False,
)
"""The policy of a site whose file was never valid."""


class PolicyOrigin(StrEnum):
    """Where the policy in force is from."""

    NONE = "none"  # there is no policy file
    FILE = "file"  # the file as it is now
    LAST_VALID = "last_valid"  # the file has faults; its last valid version
    STRICTEST = "strictest"  # the file has faults, and was never valid


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """The policy that the API applies now."""

    policy: AccessPolicy = NO_REQUIREMENTS
    origin: PolicyOrigin = PolicyOrigin.NONE
    sha256: str = ""
    """The SHA-256 of the text of the policy; empty without one."""
    faults: tuple[Fault, ...] = field(default=())
    """The faults of the present file, which is therefore not in force."""
