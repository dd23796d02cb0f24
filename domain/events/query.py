"""A search of events, understood and checked; the index answers it, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.events.event import Direction, Event, Kind
from domain.geo import Circle, Polygon
from domain.plates import PlateColor


@dataclass(frozen=True, slots=True)
class EventQuery:
    """What to find; an absent field does not restrict. Events are ordered by id, that is by
    start and then by camera.
    """

    kind: Kind | None = None
    from_ns: int | None = None
    """Started at or after; UTC nanoseconds."""
    to_ns: int | None = None
    """Started before."""
    camera: str | None = None
    area: str | None = None
    """An area and all below it: `danjiangkou` finds `danjiangkou/junzhou`."""
    class_: Literal["A", "B", "C"] | None = None
    plate: str | None = None
    """A `search_pattern`: with `?` and `*`, or exact."""
    color: PlateColor | None = None
    min_confidence: float | None = None
    direction: Direction | None = None
    """Which way it went; empty: of which that is not told."""
    lane: int | None = None
    """The number of the registry's lane that it was seen best in; 0: in none."""
    order: Literal["newest", "oldest"] = "newest"
    near: Circle | None = None
    """The camera stands within it."""
    within: Polygon | None = None
    fuzzy: bool = False
    """Of a whole plate: also find what one likely misreading makes of it, in the order of
    `misreadings.Tie`, and within each by id.
    """


@dataclass(frozen=True, slots=True)
class EventPage:
    events: tuple[Event, ...]
    next: str | None
    """Where the next page begins, to be passed on as it is; None on the last. Stable: events
    that arrive later never shift it.
    """
