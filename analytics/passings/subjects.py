"""What differs between vehicles and faces; all else about passings is the same and stands in
`analytics/passings/passings.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from analytics.detection.detections import Detections, Detector, Picture
from analytics.plates.crop import Crop
from analytics.plates.fusion import FrameReading, Fused
from analytics.tracking.tracker import AssociationGate, Track
from domain.events.event import Event, Kind, Plate
from domain.plates import PlateColor
from domain.unread_reasons import WhyUnread


@dataclass(slots=True)
class Shot:
    """The best picture of a track so far; JPEGs with masks black."""

    quality: float
    wall_ns: int
    box: tuple[float, float, float, float]
    """Parts of the picture."""
    snapshot_jpeg: bytes
    crop_jpeg: bytes


@dataclass(slots=True)
class Record:
    """All that is kept of one track: bounded, whatever its length."""

    track: Track
    event_id: str
    wall_source: str
    size_px: tuple[int, int]
    """Width and height of the picture."""
    shot: Shot | None = None
    readings: list[FrameReading] = field(default_factory=list)
    last_read_ns: int = 0
    unread: Crop | None = None
    """The best crop that was not read."""
    asked_ns: int = 0
    """When it was last asked whether a detection is of another vehicle."""
    is_doubtful: bool = False
    """What continued it may be another vehicle: its plate could not be read yet."""
    color_votes: dict[PlateColor, float] = field(default_factory=dict)
    fused: Fused | None = None
    """What the readings say together; None when a reading came since it was worked out."""
    given: bool = False
    """Its event was given out while it was still in view."""
    told: int = 0
    """How often it had been found when its event was last given out; 0: never."""
    is_placed: bool = False
    """Whether it is decided which passing, if any, the track continues in place."""
    continues_id: str = ""
    """The event of that passing."""


class Subject(Protocol):
    kind: Kind
    gate: AssociationGate

    @property
    def detector(self) -> Detector:
        """Finds all of the kind in a picture, or in a part of one."""

    def quality(self, track: Track, bgr: Picture) -> float:
        """How good a picture of the subject this frame is, in pixels of a perfect one."""

    def crop(self, track: Track, bgr: Picture) -> Picture: ...

    def is_another(self, record: Record, found: Detections, bgr: Picture, wall_ns: int) -> bool:
        """Whether the one detection in `found`, which by its place continues the record's
        track, shows something else.
        """

    def study(self, record: Record, quality: float, bgr: Picture) -> None:
        """Learn from this frame what the event will say."""

    def plate(self, record: Record) -> Plate | None:
        """What the event says of the plate; None for a face."""

    def is_clear(self, record: Record) -> bool:
        """Whether the track is evidence enough for an event by itself, and for none of what
        only moves in step with it.
        """

    def counts(self, record: Record, clear: list[Track]) -> bool:
        """Whether the track is evidence enough for an event, beside the `clear` tracks seen
        lately.
        """

    def why_unread(self, record: Record, clear: list[Track]) -> WhyUnread | None:
        """Why the track, which ended, gives no text; None where it does, and for what has none
        to give.
        """

    def continues(self, event: Event, before: Event, from_process_before: bool) -> bool:
        """Whether `event` is the same passing as `before`, which ended shortly before it began."""
