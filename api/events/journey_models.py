"""The response models of journeys and impossible legs."""

from __future__ import annotations

from pydantic import Field

from api.events.models import EventView, MatchView
from api.events.unanalysed import UnanalysedView
from api.requests.answers import Answer
from domain.events.journeys import Leg
from domain.events.trusted_models import construct_trusted
from domain.registry.nearby_cameras import NearCamera
from domain.stored_model import WallNs


class NearCameraView(Answer):
    """A camera near the route, by distance alone."""

    id: str
    name: str
    distance_m: float = Field(description="in a straight line from the sighting before it")

    @classmethod
    def of(cls, near: NearCamera) -> NearCameraView:
        return construct_trusted(
            cls, {"id": near.camera.id, "name": near.camera.name, "distance_m": near.distance_m}
        )


class LegView(Answer):
    """The leg from one sighting to the next."""

    from_event: str
    to_event: str
    from_camera: str
    to_camera: str
    distance_m: float = Field(description="in a straight line")
    seconds: float = Field(
        description="between the best frames; below zero where the cameras' clocks disagree"
    )
    speed_kmh: float | None = Field(description="at least; null where no time passed")
    impossible: bool = Field(description="no vehicle could: a cloned plate, or a misreading")
    passed: list[NearCameraView] = Field(
        description="cameras that the vehicle probably passed, in the order of the way"
    )

    @classmethod
    def of(cls, leg: Leg, passed: list[NearCameraView]) -> LegView:
        return construct_trusted(
            cls, {**{name: getattr(leg, name) for name in _LEG}, "passed": passed}
        )


_LEG = [name for name in LegView.model_fields if name != "passed"]


class Journey(Answer):
    """One page of a journey."""

    plate: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    sightings: list[EventView] = Field(description="oldest first")
    matches: list[MatchView] = Field(
        description="with `fuzzy`: for each sighting, what ties it to the plate"
    )
    legs: list[LegView] = Field(
        description="one fewer than the sightings; on a later page the first comes from the page "
        "before"
    )
    expected: list[NearCameraView] = Field(
        description="after the last sighting of the last page: the cameras nearest, which should "
        "see it next"
    )
    truncated: bool = Field(description="there are more sightings after the last; `next` goes on")
    likely_truncated: bool = Field(
        description="there were more likely misreadings of this page's time than were looked at; "
        "ask for less time"
    )
    next: str | None = Field(description="cursor of the next page; null on the last")
    unanalysed: UnanalysedView | None = Field(
        description="the times in which checkpoints may have missed sightings; null on the pages "
        "after the first"
    )


class ImpossibleView(Answer):
    """A leg that no vehicle could drive."""

    plate: str
    sightings: list[EventView] = Field(description="both ends, the earlier first")
    leg: LegView


class ImpossibleList(Answer):
    """One page of impossible legs."""

    items: list[ImpossibleView] = Field(description="those that ended last first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    exact: bool = Field(
        description="false: hours were left to be looked at, or had more than are noted; ask "
        "again, or for less"
    )
    unlooked_hours: int = Field(description="hours of the range that are not looked at yet")
