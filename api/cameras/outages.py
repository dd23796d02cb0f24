"""The route of outages: which cameras were not recorded in a range, how long, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field

from api.access.api_context import ApiContext, Context, Visible
from api.cameras.camera_nodes import CUT_OFF_NS
from api.cameras.cameras import CameraFilter, camera_filter, check_span
from api.cameras.coverage import SETTLED_AFTER_NS, gaps_of
from api.requests.answers import Answer
from api.requests.cursors import MAX_ITEMS, ListLimit, ascending
from api.requests.languages import MESSAGE_OF_DETAIL, Messages
from api.requests.parameters import Next, RangeFrom, RangeTo
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_MS, S_PER_DAY
from domain.errors import NodeOffline, NotFound
from domain.messages.message import Message
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.outages import CauseOfOutage, Outage, outages_of
from domain.stored_model import WallNs

LONGEST_OUTAGES_S = 7 * S_PER_DAY
LONGEST_EXAMINED_S = S_PER_DAY
MOST_EXAMINED = 20
"""A page examines so many cameras: their nodes read the names of two or three days of each."""
UnknownToo = Annotated[
    bool,
    Query(
        description="examine what is recorded of each camera, and also list gaps that no node "
        f"logged, with the cause `unknown`; at most {LONGEST_EXAMINED_S} s, and a page has the "
        f"outages of {MOST_EXAMINED} cameras, so it may be empty and have a `next`"
    ),
]


class CauseOfOutageView(Answer):
    """The gaps of one cause."""

    cause: GapCause
    detail: str = Field(description="a sentence for people about the longest gap; may be empty")
    message: Message = Field(description=MESSAGE_OF_DETAIL)
    gaps: int = Field(description="the number of gaps")
    missing_ms: int = Field(description="the time that was not recorded")
    first_at: WallNs = Field(description="the start of the first gap within the range")
    last_at: WallNs = Field(description="the end of the last gap within the range")

    @classmethod
    def of(cls, one: CauseOfOutage, messages: Callable[[Message], Message]) -> CauseOfOutageView:
        return cls(
            cause=one.cause,
            detail=(message := messages(Message(one.detail))),
            message=message,
            gaps=one.gaps,
            missing_ms=one.missing_ns // NS_PER_MS,
            first_at=one.first_ns,
            last_at=one.last_ns,
        )


class OutageView(Answer):
    """What one camera should have recorded and did not."""

    camera: str
    missing_ms: int = Field(description="the time that was not recorded, of all causes")
    ongoing: bool = Field(description="it lasts until now")
    causes: list[CauseOfOutageView] = Field(
        description="the cause of most of the missing time first"
    )

    @classmethod
    def of(cls, outage: Outage, now_ns: int, messages: Callable[[Message], Message]) -> OutageView:
        return cls(
            camera=outage.camera_id,
            missing_ms=outage.missing_ns // NS_PER_MS,
            ongoing=outage.last_ns >= now_ns - SETTLED_AFTER_NS,
            causes=[CauseOfOutageView.of(one, messages) for one in outage.causes],
        )


class OutageList(Answer):
    """One page of outages."""

    items: list[OutageView] = Field(description="by camera")
    next: str | None = Field(description="cursor of the next page; null on the last")
    offline: list[str] = Field(
        description="nodes, and `objects` for the object store, that do not respond; outages of "
        "their cameras may be missing here"
    )
    examined: int = Field(
        default=0, description="with `unknown`: the number of cameras that this page examined"
    )
    unexamined: list[str] = Field(
        default=[],
        description="with `unknown`: cameras of this page of whose recordings no place responds",
    )


def list_outages(
    context: Context,
    visible: Visible,
    filter_: Annotated[CameraFilter, Depends(camera_filter)],
    from_ns: RangeFrom,
    to_ns: RangeTo,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
    *,
    unknown: UnknownToo = False,
    messages: Messages,
) -> OutageList:
    """List the cameras that were not recorded in a range although they should have been.

    The range ends now at the latest, and has at most 7 days, with `unknown` one day.
    """
    check_span(from_ns, to_ns, LONGEST_EXAMINED_S if unknown else LONGEST_OUTAGES_S)
    now_ns = context.clock.wall_ns()
    shown = {
        camera.id
        for camera in context.registry().registry.cameras
        if camera.id in visible and filter_.matches(camera)
    }
    if unknown:
        search = ("examined", filter_, from_ns, to_ns)
        cameras = ascending(shown, str, search, visible, min(limit, MOST_EXAMINED), next_)
        found = _examine(context, visible, cameras.items, (from_ns, min(to_ns, now_ns)))
        return OutageList(
            items=[OutageView.of(one, now_ns, messages) for one in found.outages],
            next=cameras.next,
            offline=sorted(found.silent),
            examined=len(cameras.items),
            unexamined=found.unexamined,
        )
    gaps, silent = _gaps_of_nodes(context, from_ns, min(to_ns, now_ns))
    outages = [one for one in outages_of(gaps).values() if one.camera_id in shown]
    search = ("outages", filter_, from_ns, to_ns)
    page = ascending(outages, lambda one: one.camera_id, search, visible, limit, next_)
    return OutageList(
        items=[OutageView.of(one, now_ns, messages) for one in page.items],
        next=page.next,
        offline=sorted(silent if visible.is_all else silent & _holders(context, shown)),
    )


@dataclass(slots=True)
class _Examined:
    """What the recordings of some cameras say of a range."""

    outages: list[Outage] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """Nodes, and `objects` for the object store, that do not respond."""
    unexamined: list[str] = field(default_factory=list)
    """Cameras of which no place responds."""


def _examine(
    context: ApiContext, visible: VisibleCameras, cameras: list[str], span: tuple[int, int]
) -> _Examined:
    """Return the outages of some cameras within a range, also of unknown cause."""
    examined, silent_nodes = _Examined(), set[str]()
    for camera_id in cameras:
        known = context.known_camera(camera_id, visible)
        try:
            gaps, silent = gaps_of(context, known, *span, silent_nodes)
        except NodeOffline:
            examined.unexamined.append(camera_id)
            continue
        examined.silent.update(silent)
        examined.outages += outages_of(gaps).values()
    return examined


def _gaps_of_nodes(context: ApiContext, from_ns: int, to_ns: int) -> tuple[list[Gap], set[str]]:
    """Return what the nodes logged, and the nodes that do not respond."""
    gaps: list[Gap] = []
    silent: set[str] = set()
    for lease in context.leases.nodes():
        try:
            gaps += context.node_client.gaps(lease.node_api_url, lease.node, from_ns, to_ns)
        except (NodeOffline, NotFound):  # a node of an earlier version has no such route
            if lease.seen_ns + CUT_OFF_NS > from_ns:
                silent.add(lease.node)
    return gaps, silent


def _holders(context: ApiContext, cameras: set[str]) -> set[str]:
    """Return the nodes that hold some of these cameras."""
    return {lease.node for lease in context.leases.held(sorted(cameras)).values()}
