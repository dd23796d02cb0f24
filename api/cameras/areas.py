"""The route of areas: the tree of areas with the numbers of their cameras by state."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from pydantic import Field

from api.access.api_context import Context, Visible
from api.cameras.cameras import states_of
from api.requests.answers import Answer
from api.requests.cursors import MAX_ITEMS, ListLimit, ascending
from api.requests.parameters import Next
from domain.camera_states import CameraState


class AreaView(Answer):
    """An area, with the cameras in it and in all areas below it."""

    id: str
    name: str
    parent: str | None = Field(description="the id of the area above it; null at the top")
    cameras: int = Field(description="the number of its cameras")
    states: dict[CameraState, int] = Field(
        description="the number of its cameras in each state that occurs"
    )


class AreaList(Answer):
    """One page of areas."""

    items: list[AreaView] = Field(description="by id, so that an area follows the one above it")
    next: str | None = Field(description="cursor of the next page; null on the last")


def list_areas(
    context: Context, visible: Visible, limit: ListLimit = MAX_ITEMS, next_: Next = None
) -> AreaList:
    """List areas with the numbers of their cameras by state.

    A person with a limited scope gets the areas of visible cameras, and the areas above them.
    """
    registry = context.registry().registry
    cameras = [camera for camera in registry.cameras if camera.id in visible]
    states = states_of(context, cameras)
    counts: dict[str, Counter[CameraState]] = defaultdict(Counter)
    for area in registry.areas if visible.is_all else ():
        for above in _with_parents(area):
            counts[above].update(())
    for camera in cameras:
        for area in _with_parents(camera.area):
            counts[area][states[camera.id]] += 1
    page = ascending(counts, lambda area: area, "areas", visible, limit, next_)
    names = {area: entry.name for area, entry in registry.areas.items()}
    return AreaList(
        items=[
            AreaView(
                id=area,
                name=names.get(area, area),
                parent=area.rpartition("/")[0] or None,
                cameras=counts[area].total(),
                states=dict(counts[area]),
            )
            for area in page.items
        ],
        next=page.next,
    )


def _with_parents(area: str) -> Iterator[str]:
    while area:
        yield area
        area = area.rpartition("/")[0]
