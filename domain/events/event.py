"""The event: one vehicle or one face that passes one camera. Its JSON is the contract of the HTTP
API, journals and sidecars.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from pydantic import Field

from domain.clock import NS_PER_MS
from domain.plates import PlateColor
from domain.stored_model import StoredModel, WallNs, schema_field

SCHEMA = 1
Kind = Literal["vehicle", "face"]
Direction = Literal["", "toward", "away", "left", "right"]


class Location(StoredModel):
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    heading: float | None = Field(
        default=None, ge=0, lt=360, description="degrees clockwise from north that the camera looks"
    )


class Alternative(StoredModel):
    text: str
    confidence: float = Field(ge=0, le=1)


class Plate(StoredModel):
    text: str = Field(
        description="empty where the plate could not be read; the best guess is then among the "
        "alternatives"
    )
    color: PlateColor
    confidence: float = Field(ge=0, le=1)
    alternatives: tuple[Alternative, ...] = ()


class Correction(StoredModel):
    """A person's correction of a plate. The original reading is kept, and a search finds both."""

    text: str = Field(
        description="the plate as that person reads it; empty where a correction was taken back, "
        "so that what was read stands"
    )
    original: str = Field(description="what was read; empty where nothing was")
    by: str
    at: WallNs
    version: int = Field(ge=1, description="1 for the first, and one more for each that followed")


class ClipState(IntEnum):
    """How far the clip of an event is; the index stores the number."""

    PENDING = 0
    MISSING = 1
    READY = 2


_CLIP_STATES, _CORRECTIONS = 4, 64


def event_version(ended_ms: int, clip_state: int, correction: int = 0) -> int:
    """Return the number that decides between two versions of one event: the higher one wins.

    The later end decides first, then the state of the clip, then the version of the correction.
    The index's scripts compare by the same rule, without the correction, which Redis stores
    separately.
    """
    published = ended_ms * _CLIP_STATES + clip_state
    return published * _CORRECTIONS + min(_CORRECTIONS - 1, correction)


class Event(StoredModel):
    id: str
    kind: Kind
    camera: str
    class_: Literal["A", "B", "C"] = Field(alias="class")
    area: str
    location: Location
    started_at: WallNs
    best_at: WallNs
    ended_at: WallNs
    plate: Plate | None = Field(
        default=None, description="what was read, without corrections: see `corrected`"
    )
    corrected: Correction | None = Field(
        default=None,
        description="the reading of a person; null without a correction",
    )
    confidence: float = Field(
        ge=0, le=1, description="of the detection: that there is a plate or a face"
    )
    box: tuple[float, float, float, float] = Field(
        description="left, top, right, bottom as parts of the picture, at best_at"
    )
    direction: Direction = Field(
        default="",
        description="direction of travel, as the camera sees it: toward it, away from it, to the "
        "picture's left or right; empty: unknown",
    )
    lane: int = Field(
        default=0,
        ge=0,
        description="number, from 1, of the registry's lane that it was seen best in; 0: in none",
    )
    crossed: tuple[int, ...] = Field(
        default=(),
        description="count lines of the registry that it crossed, by their numbers from 1: n from "
        "the line's left to its right, as seen "
        "along it from its first point; -n the other way",
    )
    wall_source: str = "receiver"
    late: bool = Field(
        default=False,
        exclude_if=lambda late: not late,  # programs before 0.1.0 refuse unknown fields
        description="whether it was found in the recording afterwards, because live analysis was "
        "overloaded or stopped at that time",
    )
    clip_ready: bool = False
    clip_missing: str = Field(
        default="", description="why there will never be a clip; empty otherwise"
    )
    schema_: int = schema_field(SCHEMA)

    @property
    def reading(self) -> str:
        """The corrected plate or, without a correction, the plate that was read; empty if there is
        neither.
        """
        if self.corrected is not None and self.corrected.text:
            return self.corrected.text
        return self.plate.text if self.plate is not None else ""

    @property
    def clip_state(self) -> ClipState:
        if self.clip_ready:
            return ClipState.READY
        return ClipState.MISSING if self.clip_missing else ClipState.PENDING

    @property
    def version(self) -> int:
        """The number by which two versions of this event compare (`event_version`)."""
        correction = 0 if self.corrected is None else self.corrected.version
        return event_version(self.ended_at // NS_PER_MS, self.clip_state, correction)

    def to_json(self) -> str:
        """Return the event as journals, sidecars and the index store it: every field, compact, keys
        as in the API.
        """
        return self.model_dump_json(by_alias=True)


@dataclass(frozen=True, slots=True)
class Passing:
    """The event that analytics makes of a track, and its pictures as JPEG with privacy masks
    applied.
    """

    event: Event
    snapshot_jpeg: bytes
    crop_jpeg: bytes


class Sidecar(StoredModel):
    """The record next to an event's objects: the event, and the size and SHA-256 of each object
    when it was stored.
    """

    event: Event
    objects: dict[str, ObjectDigest]
    gaps_ms: tuple[tuple[int, int], ...] = Field(
        default=(), description="parts of the requested time that the clip lacks, UTC ms"
    )
    damaged_ms: tuple[tuple[int, int], ...] = Field(
        default=(),
        exclude_if=lambda damaged: not damaged,  # programs before 0.1.0 refuse unknown fields
        description="parts of `gaps_ms` that were recorded and differ from their SHA-256",
    )
    hashed_late_ms: tuple[tuple[int, int], ...] | None = Field(
        default=None,
        exclude_if=lambda late: late is None,
        description="parts of the clip, UTC ms, that the recorder did not hash, so that nothing "
        "proves what was recorded; absent if it is not known",
    )
    clip_start_at: WallNs = 0
    clip_end_at: WallNs = 0


class ObjectDigest(StoredModel):
    key: str
    size_bytes: int
    sha256: str


Sidecar.model_rebuild()
