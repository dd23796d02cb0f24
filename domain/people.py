"""The users of Sightline: their roles, and the rights of each role.

Each route names the right that it requires. A person has the rights of the role and those that were
granted to that person alone. docs/security.md explains the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from domain.camera_scope import UNLIMITED, CameraScope


class Role(StrEnum):
    """What a person or a machine does at the site."""

    OPERATOR = "operator"
    INVESTIGATOR = "investigator"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    ADMIN = "admin"
    # machines
    METRICS = "metrics"
    PUSH = "push"
    TRIGGERS = "triggers"


class Right(StrEnum):
    """One kind of access. Each route needs one of these."""

    CAMERAS_READ = "cameras_read"  # entries and states, never pictures
    TEST_PICTURE = "test_picture"  # one current picture of a camera, to install and aim it
    EVENTS_READ = "events_read"  # searches, events, their pictures and clips, journeys
    RECORDINGS_READ = "recordings_read"
    RECORDINGS_TRIGGER = (
        "recordings_trigger"  # have a camera recorded or its recordings kept, without seeing them
    )
    LIVE_VIEW = "live_view"
    UNMASKED_VIEW = "unmasked_view"  # video of cameras with privacy masks, which is not masked
    EVENTS_CORRECT = "events_correct"  # a person's reading of a plate
    EVENTS_PUSH = "events_push"  # deliver events of another system
    WATCHES = "watches"  # be notified of a vehicle, and see what all watches found
    EVIDENCE = "evidence"  # cases and holds
    EXPORTS = "exports"  # evidence bundles
    APPROVALS = "approvals"  # approve what another person requested
    AUDIT_READ = "audit_read"
    METRICS_READ = "metrics_read"
    PEOPLE_ADMIN = "people_admin"


_OPERATING = frozenset(
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
    Role.OPERATOR: _OPERATING,
    Role.INVESTIGATOR: _OPERATING
    | {Right.UNMASKED_VIEW, Right.EVIDENCE, Right.WATCHES, Right.EXPORTS, Right.APPROVALS},
    Role.INTEGRATOR: frozenset(
        {Right.CAMERAS_READ, Right.TEST_PICTURE, Right.RECORDINGS_TRIGGER, Right.METRICS_READ}
    ),
    Role.AUDITOR: frozenset({Right.AUDIT_READ}),
    Role.ADMIN: frozenset({Right.CAMERAS_READ, Right.METRICS_READ, Right.PEOPLE_ADMIN}),
    Role.METRICS: frozenset({Right.METRICS_READ}),
    Role.PUSH: frozenset({Right.EVENTS_PUSH}),
    Role.TRIGGERS: frozenset({Right.RECORDINGS_TRIGGER}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A person or a machine, as of the moment of a request."""

    name: str
    role: Role
    grants: frozenset[Right] = frozenset()
    """Rights in addition to those of the role."""
    scope: CameraScope = UNLIMITED
    """The cameras that the person may see."""
    token: str = field(default="", compare=False)
    """The id of the token of this request, or `session:` and the id of its session."""
    added_at_ns: int = field(default=0, compare=False)
    """When the person was added (UTC)."""

    def has_made(self, name: str, at_ns: int) -> bool:
        """Return whether this person made what `name` made at a time.

        A person who is added under the name of a removed one inherits nothing from that one.
        """
        return self.name == name and at_ns >= self.added_at_ns

    @property
    def rights(self) -> frozenset[Right]:
        return RIGHTS[self.role] | self.grants

    def may(self, right: Right) -> bool:
        return right in self.rights
