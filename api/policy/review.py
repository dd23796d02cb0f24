"""Which requests of other people a person may see and decide: those within the own scope."""

from __future__ import annotations

from functools import cached_property

from api.access.api_context import ApiContext
from api.requests.declarations import Declaration, Declarations, Scope
from domain.camera_scope import VisibleCameras
from domain.people import Person, Right
from storage.site.approvals import ApprovalRecord
from storage.site.person_records import PersonRecord


class Reviewer:
    """A person with the right `approvals`, for one request. Blocking."""

    def __init__(
        self,
        context: ApiContext,
        declarations: Declarations,
        person: Person,
        visible: VisibleCameras,
    ) -> None:
        self._context = context
        self._declarations = declarations
        self._visible = visible
        self.person = person
        self.may_review = person.may(Right.APPROVALS)

    def covers_approval(self, record: ApprovalRecord) -> bool:
        """Return whether the scope has everything that the call may show."""
        if self._visible.is_all:
            return True
        declared = self._declarations.of_call(record.call)
        named = {one.scope for one in declared}
        if declared and named <= {Scope.CAMERA, Scope.EVENT}:
            return all(self._covers_path(one, record.terms.get("id", "")) for one in declared)
        return self.covers_person(record.person, record.requested_at)

    def covers_person(self, name: str, at_ns: int) -> bool:
        """Return whether the scope has every camera that a person may see who was there at a time.

        The cameras of a person who was removed are unknown, also if another one has the name now.
        """
        if self._visible.is_all:
            return True
        record = self._people.get(name)
        if record is None or at_ns < record.added_at:
            return False
        now = self._context.registry()
        requester = self._context.scopes.visible(record.scope, now.registry, now.former)
        if requester.ids is None or self._visible.ids is None:
            return False
        return requester.ids <= self._visible.ids

    def _covers_path(self, declaration: Declaration, id_: str) -> bool:
        if declaration.scope is Scope.CAMERA:
            return id_ in self._visible
        return self._context.events.get(id_, self._visible) is not None

    @cached_property
    def _people(self) -> dict[str, PersonRecord]:
        return {record.name: record for record in self._context.people.list()}
