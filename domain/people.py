"""The users of Sightline: their roles, and the rights of each role. Each route names the right that
it requires.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    OPERATOR = "operator"
    INVESTIGATOR = "investigator"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Right(StrEnum):
    CAMERAS_READ = "cameras_read"  # entries and states, never pictures
    EVENTS_READ = "events_read"  # searches, events, their pictures and clips, journeys
    RECORDINGS_READ = "recordings_read"
    RECORDINGS_TRIGGER = (
        "recordings_trigger"  # have a camera recorded or its recordings kept, without seeing them
    )
    LIVE_VIEW = "live_view"
    EVENTS_CORRECT = "events_correct"  # a person's reading of a plate
    WATCHES = "watches"  # be notified of a vehicle, and see what all watches found
    EVIDENCE = "evidence"  # cases, holds, exported bundles
    AUDIT_READ = "audit_read"
    METRICS_READ = "metrics_read"
    PEOPLE_ADMIN = "people_admin"


_WATCHING = frozenset(
    {
        Right.CAMERAS_READ,
        Right.EVENTS_READ,
        Right.RECORDINGS_READ,
        Right.RECORDINGS_TRIGGER,
        Right.LIVE_VIEW,
        Right.EVENTS_CORRECT,
    }
)

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OPERATOR: _WATCHING,
    Role.INVESTIGATOR: _WATCHING | {Right.EVIDENCE, Right.WATCHES},
    Role.INTEGRATOR: frozenset({Right.CAMERAS_READ, Right.RECORDINGS_TRIGGER, Right.METRICS_READ}),
    Role.AUDITOR: frozenset({Right.AUDIT_READ}),
    Role.ADMIN: frozenset(Right),
}


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: Role

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]
