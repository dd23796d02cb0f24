"""The request and response models of exports of recordings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.requests.answers import Answer
from api.requests.languages import MESSAGE_OF_DETAIL, Messages
from api.requests.times import BodyMoment
from domain.messages.message import Message
from domain.stored_model import WallNs
from storage.clients.versioned_records import DamagedRecord
from storage.exports.records import ExportRecord

MOST_RANGES = 64
"""The most ranges of one export."""

State = Literal["waiting", "reading", "ready", "incomplete", "failed", "deleted", "expired"]


class ExportRangeAsked(BaseModel):
    """A range of one camera in the body of a request for an export."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    camera: str = Field(min_length=1, max_length=64, examples=["junzhou-east-gate"])
    from_: BodyMoment = Field(alias="from")
    to: BodyMoment


class ExportAsked(BaseModel):
    """The body of a request for an export."""

    model_config = ConfigDict(extra="forbid")

    ranges: list[ExportRangeAsked] = Field(
        min_length=1, max_length=MOST_RANGES, description="each of at most a day"
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="why; it is in the manifest and the audit log"
    )


class ExportRangeView(Answer):
    """A requested range of one camera."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs


class ExportView(Answer):
    """An export of recordings."""

    id: str = Field(examples=["20261124-5f1c0a52"])
    state: State = Field(
        description="`waiting` and `reading`: the recordings are being read; `ready`: the file "
        "can be downloaded; `incomplete`: recordings changed or were deleted since they were "
        "read; `failed`: it cannot be made; `deleted` and `expired`: it has ended"
    )
    why: str | None = Field(
        description="why it is incomplete or failed, in the language of the client"
    )
    message: Message | None = Field(description="`why` as a template and its parts")
    progress: float | None = Field(
        description="the part that was read, from 0 to 1; null unless it is waiting or being read"
    )
    person: str = Field(description="the person who created it")
    reason: str
    case: str | None
    created_at: WallNs
    finished_at: WallNs | None = Field(description="when all was read")
    expires_at: WallNs
    ranges: list[ExportRangeView]
    size_bytes: int | None = Field(description="of the file; null unless it is ready")
    file: str | None = Field(description="the address of the file; null unless it is ready")
    file_count: int = Field(description="the recordings that were read so far")
    gap_count: int = Field(description="the gaps that were found so far")

    @classmethod
    def of(
        cls,
        record: ExportRecord,
        state: State,
        progress: float | None,
        size_bytes: int | None,
        messages: Messages,
    ) -> ExportView:
        """`messages` returns a message in the language of the client."""
        return cls(**_fields(record, state, progress, size_bytes, messages))


class ExportFileView(Answer):
    """A recording in the file of an export."""

    camera: str
    name: str = Field(description="its path in the ZIP file")
    from_: WallNs = Field(alias="from")
    to: WallNs
    start: WallNs = Field(description="the time of its first picture that is shown")
    end: WallNs
    size_bytes: int
    sha256: str


class ExportGapView(Answer):
    """A part of a requested range that is in no file."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    cause: str = Field(description="a cause of gaps of the coverage")
    detail: str | None = Field(description="a sentence for people, in the language of the client")
    message: Message | None = Field(description=MESSAGE_OF_DETAIL)


class ExportDetails(ExportView):
    """An export with its files and its gaps."""

    files: list[ExportFileView]
    gaps: list[ExportGapView]
    offline: list[str] = Field(
        description="nodes that did not respond when it was read, and `objects` for the object "
        "store; they may have some of the gaps"
    )

    @classmethod
    def of(
        cls,
        record: ExportRecord,
        state: State,
        progress: float | None,
        size_bytes: int | None,
        messages: Messages,
    ) -> ExportDetails:
        """`messages` returns a message in the language of the client."""
        pairs = list(zip(record.ranges, record.results, strict=False))
        files = [
            ExportFileView(
                camera=camera,
                **{
                    name: getattr(member, name)
                    for name in ExportFileView.model_fields
                    if name != "camera"
                },
            )
            for camera, member in record.members
        ]
        gaps = [
            ExportGapView(
                camera=requested.camera,
                from_=gap.from_,
                to=gap.to,
                cause=gap.cause,
                detail=str(detail := messages(gap.sentence)) or None,
                message=detail or None,
            )
            for requested, result in pairs
            for gap in result.gaps
        ]
        offline = sorted({name for _, result in pairs for name in result.offline})
        fields = _fields(record, state, progress, size_bytes, messages)
        return cls(**fields, files=files, gaps=gaps, offline=offline)


class UnreadableExport(Answer):
    """An export whose record cannot be read or is not authentic."""

    key: str = Field(description="the object in the store that is damaged")
    why: str

    @classmethod
    def of(cls, damaged: DamagedRecord) -> UnreadableExport:
        return cls(key=damaged.key, why=damaged.why)


class ExportList(Answer):
    """One page of exports."""

    items: list[ExportView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    damaged: list[UnreadableExport] = Field(
        default=[], description="records that cannot be read or are not authentic"
    )


def _fields(
    record: ExportRecord,
    state: State,
    progress: float | None,
    size_bytes: int | None,
    messages: Messages,
) -> dict[str, Any]:
    is_ready = state == "ready"
    why = messages(record.reason_of_state)
    return {
        "id": record.id,
        "state": state,
        "why": str(why) or None,
        "message": why or None,
        "progress": progress,
        "person": record.person,
        "reason": record.reason,
        "case": record.case or None,
        "created_at": record.created_at,
        "finished_at": record.finished_at,
        "expires_at": record.expires_at,
        "ranges": [
            ExportRangeView(camera=one.camera, from_=one.from_, to=one.to) for one in record.ranges
        ],
        "size_bytes": size_bytes,
        "file": f"/v1/exports/{record.id}/file" if is_ready else None,
        "file_count": len(record.members),
        "gap_count": sum(len(result.gaps) for result in record.results),
    }
