"""Routes of cameras: their registry entries, their states and their coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from api.access.api_context import ApiContext, Context, Visible
from api.cameras.coverage import coverage_of
from api.cameras.models import CameraList, CameraView, CoverageView
from api.requests.cursors import read_cursor, write_cursor
from api.requests.languages import Messages
from api.requests.numbers import WholeNumber
from api.requests.parameters import (
    AreaOf,
    CameraId,
    ClassOf,
    NearOf,
    Next,
    RangeFrom,
    RangeTo,
    WithinOf,
)
from api.requests.shapes import parse_circle, parse_polygon
from api.requests.times import check_order
from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_S, S_PER_DAY
from domain.errors import NodeOffline, QueryInvalid
from domain.geo import Circle, Polygon
from domain.messages.message import Message
from domain.registry import Camera, Registry
from storage.recordings.coverage import CoverageRequest
from storage.site.leases import Lease

LONGEST_COVERAGE_S = 31 * S_PER_DAY
FormerToo = Annotated[bool, Query(description="also cameras that the registry has no more")]
StateOf = Annotated[CameraState | None, Query(description="cameras in this state")]
_STATES_PER_READ = 1_000
CameraLimit = Annotated[WholeNumber, Query(ge=1, le=1000, description="most cameras of a page")]


@dataclass(frozen=True, slots=True)
class CameraFilter:
    """The filters of a request for cameras, apart from their states."""

    area: str | None
    class_: str | None
    near: Circle | None
    within: Polygon | None

    def matches(self, camera: Camera) -> bool:
        lon, lat = camera.location.lon, camera.location.lat
        return (
            (self.area is None or is_in_area(camera, self.area))
            and (self.class_ is None or camera.class_ == self.class_)
            and (self.near is None or self.near.contains(lon, lat))
            and (self.within is None or self.within.contains(lon, lat))
        )


def is_in_area(camera: Camera, area: str) -> bool:
    return camera.area == area or camera.area.startswith(f"{area}/")


async def camera_filter(
    area: AreaOf = None, class_: ClassOf = None, near: NearOf = None, within: WithinOf = None
) -> CameraFilter:
    """Return the filter of a request. Raises QueryInvalid."""
    circle = None if near is None else parse_circle(near)
    polygon = None if within is None else parse_polygon(within)
    return CameraFilter(area, class_, circle, polygon)


def list_cameras(
    context: Context,
    visible: Visible,
    filter_: Annotated[CameraFilter, Depends(camera_filter)],
    state: StateOf = None,
    former: FormerToo = False,
    limit: CameraLimit = 500,
    next_: Next = None,
    *,
    messages: Messages,
) -> CameraList:
    """List cameras by id, with their states."""
    search = ("cameras", filter_, state, former)
    after = "" if next_ is None else read_cursor(search, visible, next_)
    now = context.registry()
    left = {one.camera.id: one for one in now.former.values()} if former else {}
    cameras = (*now.registry.cameras, *(one.camera for one in left.values()))
    found = sorted(
        (
            camera
            for camera in cameras
            if camera.id > after and camera.id in visible and filter_.matches(camera)
        ),
        key=lambda camera: camera.id,
    )
    if state is not None:
        states = states_of(context, found)
        found = [camera for camera in found if states[camera.id] is state]
    page = found[:limit]
    statuses = context.states.get([camera.id for camera in page])
    cursor = write_cursor(search, visible, page[-1].id) if len(found) > limit else None
    items = [
        _former_view(now.registry, camera, left[camera.id].left_at)
        if camera.id in left
        else _view(now.registry, camera, statuses.get(camera.id), messages)
        for camera in page
    ]
    return CameraList(items=items, next=cursor)


def read_camera(
    context: Context, visible: Visible, camera_id: CameraId, messages: Messages
) -> CameraView:
    """Return one camera with its state.

    A camera that left the registry is returned with its last entry and the time at which it left.
    """
    known, registry = context.known_camera(camera_id, visible), context.registry().registry
    if known.left_ns is not None:
        return _former_view(registry, known.camera, known.left_ns)
    status = context.states.get([camera_id]).get(camera_id)
    return _view(registry, known.camera, status, messages)


def read_coverage(
    context: Context,
    visible: Visible,
    camera_id: CameraId,
    from_ns: RangeFrom,
    to_ns: RangeTo,
    messages: Messages,
) -> CoverageView:
    """Return the recorded parts of a range with their place, and the gaps with their causes.

    The range ends now at the latest, and has at most 31 days.
    """
    known = context.known_camera(camera_id, visible)
    check_span(from_ns, to_ns, LONGEST_COVERAGE_S)
    now_ns = context.clock.wall_ns()
    answer = coverage_of(context, known, from_ns, to_ns)
    return CoverageView.of(
        CoverageRequest(camera_id, from_ns, to_ns),
        answer.account,
        answer.offline,
        answer.analysis,
        now_ns,
        messages,
    )


def states_of(context: ApiContext, cameras: Sequence[Camera]) -> dict[str, CameraState]:
    """Return the state of each camera; `unknown` where no node reports it."""
    states = dict.fromkeys((camera.id for camera in cameras), CameraState.UNKNOWN)
    for start in range(0, len(cameras), _STATES_PER_READ):
        ids = [camera.id for camera in cameras[start : start + _STATES_PER_READ]]
        states |= {name: status.state for name, status in context.states.get(ids).items()}
    return states


def _view(
    registry: Registry,
    camera: Camera,
    status: CameraStatus | None,
    messages: Callable[[Message], Message],
) -> CameraView:
    area = registry.areas.get(camera.area)
    return CameraView.of(camera, area.name if area else camera.area, status, messages)


def _former_view(registry: Registry, camera: Camera, left_ns: int) -> CameraView:
    view = _view(registry, camera.model_copy(update={"enabled": False}), None, Message)
    return view.model_copy(update={"left_registry_at": left_ns})


def holder(context: ApiContext, camera_id: str) -> Lease:
    """Return the lease of the node that holds a camera. Raises NodeOffline where none does."""
    lease = context.leases.holder(camera_id)
    if lease is None:
        raise NodeOffline("no node is connected to this camera, so there is no video")
    return lease


def check_span(from_ns: int, to_ns: int, longest_s: int) -> None:
    """Check the order and the length of a range. Raises QueryInvalid."""
    check_order(from_ns, to_ns)
    if to_ns - from_ns > longest_s * NS_PER_S:
        raise QueryInvalid(
            "to",
            "lies {span_s} s after `from`; request at most {longest_s} s",
            span_s=round((to_ns - from_ns) / NS_PER_S),
            longest_s=longest_s,
        )
