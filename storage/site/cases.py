"""Cases: the files of investigations, to which accesses to evidence belong (`X-Case`).

The id of a case follows from its number, so that two processes cannot open one number twice.
"""

from __future__ import annotations

import hashlib
import unicodedata
from enum import StrEnum

from domain.clock import Clock
from domain.derived_keys import derived_key
from domain.errors import NotFound, RecordConflict, RecordExists
from domain.messages.message import Message
from domain.paths.object_keys import CASES_PREFIX
from domain.stored_model import WallNs, schema_field
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing
from storage.site.signed_records import SignedRecord, SignedRecords

_ID_DIGITS = 32
NO_CASE = "there is no case {case}; GET /v1/cases lists all"


class CaseState(StrEnum):
    """Whether requests may name a case."""

    OPEN = "open"
    CLOSED = "closed"


class CaseRecord(SignedRecord):
    """What `state/cases/<id>/<version>.json` holds; the highest version is valid."""

    number: str
    title: str
    state: CaseState = CaseState.OPEN
    opened_by: str
    opened_at: WallNs
    closed_by: str = ""
    closed_at: WallNs | None = None
    schema_: int = schema_field()


class Cases:
    """The cases of a site. Thread-safe; raises ObjectsUnavailable if the store is unreachable."""

    def __init__(self, objects: ObjectStore, people_key: bytes, clock: Clock) -> None:
        key = derived_key(people_key, "cases")
        self._records = SignedRecords(objects, CaseRecord, CASES_PREFIX, key, clock)
        self._clock = clock

    def open(self, number: str, title: str, person: str, is_repeated: bool = False) -> CaseRecord:
        """Open a case. Raises RecordExists for a number that a case has or had.

        With `is_repeated`, an earlier try of the same request may have opened it.
        """
        now_ns = self._clock.wall_ns()
        record = CaseRecord(
            id=case_id(number), number=number, title=title, opened_by=person, opened_at=now_ns
        )
        try:
            return self._records.add(record)
        except RecordConflict as error:
            known = self._records.get(record.id)
            is_same = known is not None and (known.title, known.opened_by) == (title, person)
            if known is not None and is_repeated and is_same:
                return known
            raise RecordExists("there is a case {number} already", number=repr(number)) from error

    def get(self, id_: str) -> CaseRecord:
        """Return a case, also a closed one. Raises NotFound, and DataLoss if it is damaged."""
        found = self._records.get(id_)
        if found is None:
            raise NotFound(NO_CASE, case=repr(id_))
        return found

    def recent(self, number: str) -> CaseRecord | None:
        """Return the case of a number as of the last seconds, or None."""
        return self._records.recent(case_id(number))

    def all(self) -> Listing[CaseRecord]:
        """Return all cases, and what is damaged."""
        return self._records.all()

    def change(
        self,
        id_: str,
        person: str,
        *,
        title: str | None = None,
        state: CaseState | None = None,
        expected_version: int | None = None,
    ) -> CaseRecord:
        """Change the title, close a case, or open it again.

        Raises NotFound, and RecordChanged if its version is not the expected one.
        """

        def changed(case: CaseRecord) -> CaseRecord:
            update: dict[str, object] = {} if title is None else {"title": title}
            if state is CaseState.CLOSED and case.state is CaseState.OPEN:
                update |= {"closed_by": person, "closed_at": self._clock.wall_ns()}
            if state is CaseState.OPEN:
                update |= {"closed_by": "", "closed_at": None}
            if state is not None:
                update["state"] = state
            return case.model_copy(update=update)

        return self._records.change(
            id_, expected_version, changed, Message(NO_CASE, case=repr(id_))
        )


def case_id(number: str) -> str:
    """Return the id of the case of a number, in any of the equivalent forms of Unicode."""
    normalized = unicodedata.normalize("NFKC", number).strip()
    return hashlib.sha256(normalized.encode()).hexdigest()[:_ID_DIGITS]
