"""Emergency accesses: calls that passed the requirements of a case or an approval, for review.

The calls of one person for one reason within ten minutes are one record, because a player sends
many. The audit log has each of them. A call after the review of that record begins a new one.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from enum import StrEnum
from itertools import count

from domain.clock import NS_PER_S, Clock
from domain.derived_keys import derived_key
from domain.errors import (
    NotFound,
    ObjectsUnavailable,
    RateLimited,
    RecordConflict,
    RecordEnded,
)
from domain.messages.message import Message
from domain.paths.object_keys import EMERGENCIES_PREFIX, day_of
from domain.stored_model import WallNs, schema_field
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing
from storage.site.signed_records import SignedRecord, SignedRecords

_log = logging.getLogger(__name__)
WINDOW_S = 600
MOST_WAITING = 200
"""So many records of one person and one day may wait for a review."""
_ALARM_EVERY_S = 5.0
_ID_DIGITS = 16
NO_EMERGENCY = "there is no emergency access {emergency}; GET /v1/emergencies lists all"


class Verdict(StrEnum):
    """The result of a review."""

    OPEN = "open"
    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


class EmergencyRecord(SignedRecord):
    """What `state/emergencies/<id>/<version>.json` holds; the highest version is valid."""

    person: str
    role: str
    address: str
    reason: str
    case: str
    call: str
    terms: dict[str, str]
    """The call and the terms of the first request."""
    at: WallNs
    verdict: Verdict = Verdict.OPEN
    reviewed_by: str = ""
    reviewed_at: WallNs | None = None
    note: str = ""
    schema_: int = schema_field()


class Emergencies:
    """The emergency accesses of a site. Thread-safe; raises ObjectsUnavailable without a store."""

    def __init__(self, objects: ObjectStore, people_key: bytes, clock: Clock) -> None:
        key = derived_key(people_key, "emergencies")
        self._records = SignedRecords(objects, EmergencyRecord, EMERGENCIES_PREFIX, key, clock)
        self._clock = clock
        self._open_count = 0
        self._counted_s = float("-inf")

    def add(
        self,
        person: str,
        role: str,
        address: str,
        reason: str,
        case: str,
        call: str,
        terms: dict[str, str],
    ) -> str:
        """Record an access, once for person, reason and case in ten minutes; return its id.

        A record that was reviewed covers no further access. Raises RateLimited for a person of whom
        too many wait for a review.
        """
        now_ns = self._clock.wall_ns()
        for reviews in count():
            id_ = _window_id(now_ns, person, reason, case, reviews)
            known = self._records.recent(id_)
            if known is None:
                break
            if known.verdict is Verdict.OPEN:
                return id_
        self._check_number(person, day_of(now_ns))
        record = EmergencyRecord(
            id=id_,
            person=person,
            role=role,
            address=address,
            reason=reason,
            case=case,
            call=call,
            terms=terms,
            at=now_ns,
        )
        # Another process may have recorded it in this moment.
        with suppress(RecordConflict):
            self._records.add(record)
        return id_

    def _check_number(self, person: str, day: str) -> None:
        """Check that a person invents no reasons to fill the list that others must review."""
        waiting = sum(
            one.person == person and one.verdict is Verdict.OPEN
            for one in self._records.all(f"{day}-").records
        )
        if waiting >= MOST_WAITING:
            raise RateLimited(
                "{waiting} emergency accesses of {person} wait for a review "
                "today; give the same reason again, or let some be reviewed",
                60.0,
                waiting=waiting,
                person=person,
            )

    def alarm(self) -> Message | None:
        """Return how many accesses wait for a review and what to do, or None.

        The store is read every `_ALARM_EVERY_S`; while it is unreachable, the last result stays.
        """
        now_s = self._clock.monotonic_s()
        if now_s - self._counted_s >= _ALARM_EVERY_S:
            try:
                records = self.all().records
            except ObjectsUnavailable as error:
                _log.info("emergency accesses cannot be counted: %s", error)
            else:
                self._open_count = sum(one.verdict is Verdict.OPEN for one in records)
                self._counted_s = now_s
        if not self._open_count:
            return None
        return Message(
            "{count} emergency accesses wait for a review: a person with the right `approvals` "
            "lists them by GET /v1/emergencies and reviews each",
            count=self._open_count,
        )

    def get(self, id_: str) -> EmergencyRecord:
        """Return an emergency access. Raises NotFound, DataLoss."""
        found = self._records.get(id_)
        if found is None:
            raise NotFound(NO_EMERGENCY, emergency=repr(id_))
        return found

    def all(self) -> Listing[EmergencyRecord]:
        """Return all emergency accesses, and what is damaged."""
        return self._records.all()

    def is_unjustified(self, id_: str) -> bool:
        """Return whether a review found an access unjustified, as of the last seconds."""
        record = self._records.recent(id_)
        return record is None or record.verdict is Verdict.UNJUSTIFIED

    def review(
        self,
        id_: str,
        person: str,
        verdict: Verdict,
        note: str,
        expected_version: int | None = None,
    ) -> EmergencyRecord:
        """Record the result of a review. Raises NotFound, RecordEnded, RecordChanged."""

        def reviewed(record: EmergencyRecord) -> EmergencyRecord:
            if record.verdict is not Verdict.OPEN:
                raise RecordEnded(
                    "the emergency access {emergency} was reviewed before", emergency=id_
                )
            return record.model_copy(
                update={
                    "verdict": verdict,
                    "reviewed_by": person,
                    "reviewed_at": self._clock.wall_ns(),
                    "note": note,
                }
            )

        return self._records.change(
            id_, expected_version, reviewed, Message(NO_EMERGENCY, emergency=repr(id_))
        )


def _window_id(now_ns: int, person: str, reason: str, case: str, reviews: int) -> str:
    """Return the id of a record; `reviews` is the number of reviewed records of the same window."""
    window = now_ns // (WINDOW_S * NS_PER_S)
    named = (window, person, reason, case, *([reviews] if reviews else []))
    digest = hashlib.sha256(repr(named).encode()).hexdigest()
    return f"{day_of(now_ns)}-{digest[:_ID_DIGITS]}"
