"""A legal hold protects recordings and events of one camera in a range from deletion, whatever
their age and however full the disk.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from domain.clock import NS_PER_DAY
from domain.events.event import Event
from domain.stored_model import StoredModel, WallNs, schema_field

LONGEST_EVENT_NS = NS_PER_DAY
"""The most duration of an event, which is assumed where it cannot be read."""


class Hold(StoredModel):
    """The record `state/holds/<id>/<version>.json`; the highest version is valid. A released hold
    is kept and protects nothing.
    """

    id: str = Field(examples=["20251009-5f1c0a52"])
    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    event: str = Field(
        default="",
        description="the event that it was placed for; empty where it was placed for a range",
    )
    reason: str
    until: WallNs | None = Field(
        default=None, description="when it expires; null: only when a person releases it"
    )
    placed_by: str
    placed_at: WallNs
    released_by: str = ""
    released_at: WallNs | None = None
    schema_: int = schema_field()

    def is_active_at(self, wall_ns: int) -> bool:
        return self.released_at is None and (self.until is None or wall_ns < self.until)


class StandingHolds:
    """The holds that are active at one moment, prepared for lookups."""

    def __init__(self, holds: Sequence[Hold], wall_ns: int) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = {}
        for hold in holds:
            if hold.is_active_at(wall_ns):
                self._ranges.setdefault(hold.camera, []).append((hold.from_, hold.to))

    def covers(self, camera_id: str, from_ns: int, to_ns: int) -> bool:
        """Whether a hold covers any time in [from_ns, to_ns) of this camera."""
        return any(
            from_ns < held_to_ns and held_from_ns < to_ns
            for held_from_ns, held_to_ns in self._ranges.get(camera_id, ())
        )

    def covers_event(self, event: Event) -> bool:
        """Whether a hold covers any time of the event. The event and its clip are then held
        together.
        """
        return self.covers(event.camera, event.started_at, event.ended_at + 1)
