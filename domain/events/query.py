"""A parsed and validated search of events, which the index answers page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.camera_scope import ALL_CAMERAS, VisibleCameras
from domain.events.event import Direction, Event, Kind
from domain.geo import Circle, Polygon
from domain.plates import PlateColor


@dataclass(frozen=True, slots=True)
class EventQuery:
    """What a search must match; an absent field does not restrict it. Events are ordered by id,
    that is by start and then by camera.
    """

    kind: Kind | None = None
    from_ns: int | None = None
    """The earliest start, included, in UTC nanoseconds."""
    to_ns: int | None = None
    """The latest start, excluded, in UTC nanoseconds."""
    camera: str | None = None
    area: str | None = None
    """An area with all areas below it: `danjiangkou` finds `danjiangkou/junzhou`."""
    class_: Literal["A", "B", "C"] | None = None
    plate: str | None = None
    """A `search_pattern`: a whole plate, or one with `?` and `*`."""
    color: PlateColor | None = None
    min_confidence: float | None = None
    direction: Direction | None = None
    """The direction of travel; empty finds events without a direction."""
    lane: int | None = None
    """The number of the registry's lane in which it was seen best; 0 finds events outside all
    lanes.
    """
    order: Literal["newest", "oldest"] = "newest"
    near: Circle | None = None
    """The circle that contains the camera."""
    within: Polygon | None = None
    fuzzy: bool = False
    """Whether a whole plate also finds its likely misreadings. They are ordered by
    `misreadings.MatchKind`, and then by id.
    """
    visible: VisibleCameras = ALL_CAMERAS
    """The cameras whose events may be found. `EventStore` sets it to the scope of the person."""


@dataclass(frozen=True, slots=True)
class EventPage:
    events: tuple[Event, ...]
    next: str | None
    """An opaque cursor of the next page; None on the last. Events that arrive later do not shift
    it.
    """
