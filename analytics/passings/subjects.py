"""The differences between vehicles and faces. `analytics/passings/passings.py` has the rest, which
is the same for both.
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
    """The best picture of a track so far, as JPEGs with black masks."""

    quality: float
    wall_ns: int
    box: tuple[float, float, float, float]
    """Left, top, right and bottom in parts of the picture."""
    snapshot_jpeg: bytes
    crop_jpeg: bytes


@dataclass(slots=True)
class Record:
    """The data of one track, of limited size however long the track is."""

    track: Track
    event_id: str
    wall_source: str
    size_px: tuple[int, int]
    """The width and height of the picture."""
    shot: Shot | None = None
    readings: list[FrameReading] = field(default_factory=list)
    last_read_ns: int = 0
    unread: Crop | None = None
    """The best crop that was not read yet."""
    compared_ns: int = 0
    """The last time at which a plate was read to recognise another vehicle."""
    is_doubtful: bool = False
    """Whether it may show another vehicle since a detection whose plate could not be read."""
    color_votes: dict[PlateColor, float] = field(default_factory=dict)
    fused: Fused | None = None
    """The fusion of all readings, or None if there is a newer reading."""
    is_stay_published: bool = False
    """Whether its event was published after a minute in view."""
    published_detections: int = 0
    """The number of its detections when its event was last published, or 0."""
    is_placed: bool = False
    """Whether it is decided which passing, if any, the track continues in place."""
    continues_id: str = ""
    """The id of the event of that passing."""


class Subject(Protocol):
    """One kind of subject: vehicles or faces."""

    kind: Kind
    gate: AssociationGate

    @property
    def detector(self) -> Detector:
        """The detector of this kind."""

    def quality(self, track: Track, bgr: Picture) -> float:
        """Return the quality of the subject in this frame, in pixels of a perfect picture."""

    def crop(self, track: Track, bgr: Picture) -> Picture: ...

    def is_another(self, record: Record, found: Detections, bgr: Picture, wall_ns: int) -> bool:
        """Return whether the one detection in `found` shows another subject than the track.

        By its place, it continues the track.
        """

    def study(self, record: Record, quality: float, bgr: Picture) -> None:
        """Update the record by this frame."""

    def plate(self, record: Record) -> Plate | None:
        """Return the plate of the event, or None for a face."""

    def reading(self, record: Record) -> str:
        """Return what the pictures that were read until now say; empty if there is none. It reads
        no further picture.
        """

    def is_clear(self, record: Record) -> bool:
        """Return whether the track is evidence enough for an event by itself.

        Tracks that only move with it are then no events.
        """

    def counts(self, record: Record, clear: list[Track]) -> bool:
        """Return whether the track is evidence enough for an event, given recent `clear` tracks."""

    def is_settled(self, record: Record) -> bool:
        """Return whether no further frame would change the event of the track, apart from its end.

        It reads no further picture.
        """

    def why_unread(self, record: Record, clear: list[Track]) -> WhyUnread | None:
        """Return why the track, which ended, has no text.

        Return None if it has one, and for a face.
        """

    def continues(self, event: Event, before: Event, is_from_earlier_process: bool) -> bool:
        """Return whether `event` is the same passing as `before`, which ended shortly before."""
