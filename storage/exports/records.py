"""Exports of recordings: records in the object store of what was requested, read and hashed.

An export has no copy of any picture: its file is computed from the recordings when it is
downloaded. The record holds the size and the hashes of each member, and the gaps with their causes.
The id of an export begins with the day of its creation, so that the exports of the last days are
listed without reading older ones.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.clock import NS_PER_DAY, NS_PER_HOUR, Clock
from domain.derived_keys import derived_key
from domain.errors import NotFound, RateLimited, RecordConflict
from domain.messages.message import Message, with_parts
from domain.paths.object_keys import EXPORTS_PREFIX, day_of
from domain.people import Person
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing
from storage.site.signed_records import SignedRecord, SignedRecords

NO_EXPORT = "there is no export {export}; GET /v1/exports lists those that you may see"
LISTED_AFTER_END_DAYS = 7
"""An export is listed for so many days after it has expired."""
_RETRY_AFTER_S = 60.0


class ExportState(StrEnum):
    """The state of an export in its record; one whose time has passed is expired as well."""

    WAITING = "waiting"  # its recordings are being read, or will be
    READY = "ready"  # it can be downloaded
    INCOMPLETE = "incomplete"  # recordings changed or were deleted since they were read
    FAILED = "failed"  # it cannot be made; `why` says why
    DELETED = "deleted"  # a person deleted it


class ExportRange(StoredModel):
    """A requested range [from, to) of one camera."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs

    @property
    def length_ns(self) -> int:
        return self.to - self.from_


class ExportGap(StoredModel):
    """A part of a requested range that no member has."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    cause: str = Field(description="a cause of gaps, or `damaged`")
    detail: str
    message: Message | None = None
    """`detail` with its parts, if it has any."""

    @classmethod
    def of(cls, start_ns: int, end_ns: int, cause: str, detail: Message) -> ExportGap:
        return cls(
            from_=start_ns, to=end_ns, cause=cause, detail=str(detail), message=with_parts(detail)
        )

    @property
    def sentence(self) -> Message:
        return self.message or Message.of(self.detail, {})


class ExportMember(StoredModel):
    """A file of the export: one MP4 for one range and one coding."""

    name: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    start: WallNs = Field(description="the time of its time 0, where players start")
    end: WallNs = Field(description="the end of its last picture")
    size_bytes: int
    crc32: int
    sha256: str
    etag: str
    """The ETag of the recording when it was read."""
    hashed_late_ms: tuple[tuple[int, int], ...] | None = None
    """The parts, UTC ms, that the recorder did not hash; None if that is not known."""


class RangeResult(StoredModel):
    """What was read of a requested range."""

    camera_name: str
    members: tuple[ExportMember, ...]
    gaps: tuple[ExportGap, ...]
    offline: tuple[str, ...] = ()
    """The sources that did not respond, and may have more."""


class ExportRecord(SignedRecord):
    """What `state/exports/<id>/<version>.json` holds; the highest version is valid."""

    ranges: tuple[ExportRange, ...]
    person: str
    reason: str
    case: str
    created_at: WallNs
    expires_at: WallNs
    state: ExportState = ExportState.WAITING
    why: str = ""
    """Why it is incomplete or failed, in a sentence."""
    why_message: Message | None = None
    """`why` with its parts, if it has any."""
    results: Annotated[tuple[RangeResult, ...], Field(repr=False)] = ()
    """The results of the first ranges: of all if it is ready."""
    finished_at: WallNs | None = None
    deleted_by: str = ""
    deleted_at: WallNs | None = None
    schema_: int = schema_field()

    def in_state(self, state: ExportState, why: Message) -> ExportRecord:
        """Return the record in another state, with the reason for it."""
        reason = {"why": str(why), "why_message": with_parts(why)}
        return self.model_copy(update={"state": state, **reason})

    @property
    def reason_of_state(self) -> Message:
        """Why it is incomplete or failed; empty otherwise."""
        return self.why_message or Message.of(self.why, {})

    @property
    def length_ns(self) -> int:
        """The time of all ranges together."""
        return sum(one.length_ns for one in self.ranges)

    @property
    def cameras(self) -> tuple[str, ...]:
        """The ids of the cameras, each once, in their first order."""
        return tuple(dict.fromkeys(one.camera for one in self.ranges))

    @property
    def members(self) -> tuple[tuple[str, ExportMember], ...]:
        """The members in the order of the ZIP file, each with its camera."""
        return tuple(
            (requested.camera, member)
            for requested, result in zip(self.ranges, self.results, strict=False)
            for member in result.members
        )

    def is_open_at(self, wall_ns: int) -> bool:
        """Return whether it counts for the limits of its person."""
        is_kept = self.state not in (ExportState.FAILED, ExportState.DELETED)
        return is_kept and wall_ns < self.expires_at


class ExportRecords:
    """The exports of a site. Thread-safe; raises ObjectsUnavailable if the store is unreachable."""

    def __init__(
        self, objects: ObjectStore, people_key: bytes, clock: Clock, kept_days: int
    ) -> None:
        key = derived_key(people_key, "exports")
        self._records = SignedRecords(objects, ExportRecord, EXPORTS_PREFIX, key, clock)
        self._clock = clock
        self._listed_days = kept_days + LISTED_AFTER_END_DAYS

    def add(self, record: ExportRecord, is_repeated: bool = False) -> ExportRecord:
        """Store a new export. With `is_repeated`, an earlier try may have stored it under its
        id.
        """
        try:
            return self._records.add(record)
        except RecordConflict:
            known = self._records.get(record.id) if is_repeated else None
            if known is None:
                raise
            return known

    def check_limits(
        self, person: Person, record: ExportRecord, most: int, most_hours: int
    ) -> None:
        """Check that a person may create an export. Raises RateLimited."""
        now_ns = self._clock.wall_ns()
        mine = [
            one
            for one in self.recent().records
            if one.is_open_at(now_ns)
            and person.has_made(one.person, one.created_at)
            and one.id != record.id
        ]
        if len(mine) >= most:
            raise RateLimited(
                "{person} has {count} exports; delete one that is no longer needed",
                _RETRY_AFTER_S,
                person=person.name,
                count=len(mine),
            )
        open_ns = sum(one.length_ns for one in mine)
        if open_ns + record.length_ns > most_hours * NS_PER_HOUR:
            raise RateLimited(
                "the exports of {person} have {open_hours} hours of recordings, this "
                "one has {hours}, and one person may have {most_hours}; "
                "delete one that is no longer needed, or export less",
                _RETRY_AFTER_S,
                person=person.name,
                open_hours=round(open_ns / NS_PER_HOUR, 1),
                hours=round(record.length_ns / NS_PER_HOUR, 1),
                most_hours=most_hours,
            )

    def get(self, export_id: str) -> ExportRecord:
        """Return an export. Raises NotFound, and DataLoss if its record is damaged."""
        found = self._records.get(export_id)
        if found is None:
            raise NotFound(NO_EXPORT, export=repr(export_id))
        return found

    def recent(self) -> Listing[ExportRecord]:
        """Return the exports that have not expired long ago, and what is damaged."""
        now_ns = self._clock.wall_ns()
        days = [day_of(now_ns - back * NS_PER_DAY) for back in range(self._listed_days + 1)]
        listings = [self._records.all(f"{day}-") for day in days]
        return Listing(
            tuple(record for listing in listings for record in listing.records),
            tuple(damaged for listing in listings for damaged in listing.damaged),
        )

    def change(
        self,
        export_id: str,
        change: Callable[[ExportRecord], ExportRecord],
        expected_version: int | None = None,
    ) -> ExportRecord:
        """Write a changed export. Raises NotFound, and RecordChanged if its version is not the
        expected one.
        """
        absent = Message(NO_EXPORT, export=repr(export_id))
        return self._records.change(export_id, expected_version, change, absent)

    def delete(
        self, export_id: str, person: str, expected_version: int | None = None
    ) -> ExportRecord:
        """Mark an export as deleted; a deleted one stays as it is. Raises as `change`."""

        def deleted(record: ExportRecord) -> ExportRecord:
            if record.state is ExportState.DELETED:
                return record
            return record.model_copy(
                update={
                    "state": ExportState.DELETED,
                    "deleted_by": person,
                    "deleted_at": self._clock.wall_ns(),
                }
            )

        return self.change(export_id, deleted, expected_version)
