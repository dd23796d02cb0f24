"""Requests for the approval of a second person, and the decisions (the four-eyes principle).

An approval is for one person, one call and its terms, and it ends by itself. Its id begins with
the day of the request, so that the check of a call reads the requests of two days.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from domain.access_policy.model import MOST_HOURS
from domain.access_policy.terms import are_terms_covered
from domain.clock import NS_PER_DAY, NS_PER_HOUR, Clock
from domain.derived_keys import derived_key
from domain.errors import NotFound, RateLimited, RecordConflict, RecordEnded
from domain.messages.message import Message
from domain.paths.object_keys import APPROVALS_PREFIX, day_of
from domain.people import Person
from domain.stored_model import WallNs, schema_field
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing
from storage.site.signed_records import SignedRecord, SignedRecords

NO_APPROVAL = (
    "there is no request for approval {approval}; GET /v1/approvals lists those that you may see"
)
MOST_WAITING = 100
"""So many requests of one person may wait for a decision at a time."""
assert 2 * MOST_HOURS * NS_PER_HOUR <= NS_PER_DAY, "an approval ends on the day after its request"


class Decision(StrEnum):
    """What became of a request for approval."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class ApprovalRecord(SignedRecord):
    """What `state/approvals/<id>/<version>.json` holds; the highest version is valid."""

    person: str
    call: str
    terms: dict[str, str]
    reason: str
    case: str
    requested_at: WallNs
    ends_at: WallNs
    decision: Decision = Decision.PENDING
    decided_by: str = ""
    decided_at: WallNs | None = None
    note: str = ""
    schema_: int = schema_field()

    def allows(self, person: Person, call: str, case: str, terms: dict[str, str]) -> bool:
        """Return whether it is for this call, at any time."""
        is_same = (self.call, self.case) == (call, case)
        is_own = person.has_made(self.person, self.requested_at)
        return is_same and is_own and are_terms_covered(self.terms, terms)


class Approvals:
    """The requests of a site. Thread-safe; raises ObjectsUnavailable without the store."""

    def __init__(self, objects: ObjectStore, people_key: bytes, clock: Clock) -> None:
        key = derived_key(people_key, "approvals")
        self._records = SignedRecords(objects, ApprovalRecord, APPROVALS_PREFIX, key, clock)
        self._clock = clock

    def request(self, record: ApprovalRecord, is_repeated: bool = False) -> ApprovalRecord:
        """Store a new request.

        With `is_repeated`, an earlier try may have stored it under this id. Raises RateLimited for
        a person of whom too many wait: each check of a call reads the requests of the day.
        """
        if sum(self._waits(one, record.person) for one in self._of_two_days()) >= MOST_WAITING:
            raise RateLimited(
                "{person} has {most_waiting} requests for approval that wait; "
                "let them be decided first",
                60.0,
                person=record.person,
                most_waiting=MOST_WAITING,
            )
        try:
            return self._records.add(record)
        except RecordConflict:
            known = self._records.get(record.id) if is_repeated else None
            if known is None:
                raise
            return known

    def get(self, id_: str) -> ApprovalRecord:
        """Return a request, also an ended one. Raises NotFound, DataLoss."""
        found = self._records.get(id_)
        if found is None:
            raise NotFound(NO_APPROVAL, approval=repr(id_))
        return found

    def all(self) -> Listing[ApprovalRecord]:
        """Return all requests, and what is damaged."""
        return self._records.all()

    def in_force(
        self, person: Person, call: str, case: str, terms: dict[str, str]
    ) -> ApprovalRecord | None:
        """Return an approval that allows a call now, or None."""
        now_ns = self._clock.wall_ns()
        for record in self._of_two_days():
            is_valid = record.decision is Decision.APPROVED and now_ns < record.ends_at
            if is_valid and record.allows(person, call, case, terms):
                return record
        return None

    def _of_two_days(self) -> Iterator[ApprovalRecord]:
        """Yield the requests of today and yesterday; all others have ended."""
        now_ns = self._clock.wall_ns()
        for day in (day_of(now_ns), day_of(now_ns - NS_PER_DAY)):
            yield from self._records.all(f"{day}-").records

    def _waits(self, record: ApprovalRecord, person: str) -> bool:
        is_pending = record.decision is Decision.PENDING and self._clock.wall_ns() < record.ends_at
        return is_pending and record.person == person

    def is_revoked(self, id_: str) -> bool:
        """Return whether an approval was refused after it was given, as of the last seconds."""
        record = self._records.recent(id_)
        return record is None or record.decision is not Decision.APPROVED

    def is_over(self, id_: str) -> bool:
        """Return whether an approval was refused after it was given, or its time has passed."""
        record = self._records.recent(id_)
        is_given = record is not None and record.decision is Decision.APPROVED
        return record is None or not is_given or self._clock.wall_ns() >= record.ends_at

    def decide(
        self,
        id_: str,
        person: str,
        decision: Decision,
        note: str,
        valid_ns: int,
        expected_version: int | None = None,
    ) -> ApprovalRecord:
        """Approve or refuse a request; an approval can be refused later, which ends it.

        Raises NotFound, RecordEnded, and RecordChanged if its version is not the expected one.
        """

        def decided(record: ApprovalRecord) -> ApprovalRecord:
            now_ns = self._clock.wall_ns()
            is_open = record.decision is Decision.PENDING or (
                record.decision is Decision.APPROVED and decision is Decision.REFUSED
            )
            if not is_open or now_ns >= record.ends_at:
                raise RecordEnded(
                    "the request {approval} was decided before, or has expired", approval=id_
                )
            update: dict[str, object] = {
                "decision": decision,
                "decided_by": person,
                "decided_at": now_ns,
                "note": note,
            }
            if decision is Decision.APPROVED:
                update["ends_at"] = now_ns + valid_ns
            return record.model_copy(update=update)

        return self._records.change(
            id_, expected_version, decided, Message(NO_APPROVAL, approval=repr(id_))
        )
