"""The route of outages: which cameras were not recorded in a range, how long, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from pydantic import Field

from api.access.api_context import ApiContext, Context, Visible
from api.cameras.camera_nodes import CUT_OFF_NS
from api.cameras.cameras import CameraFilter, camera_filter, check_span
from api.cameras.coverage import SETTLED_AFTER_NS
from api.requests.answers import Answer
from api.requests.cursors import MAX_ITEMS, ListLimit, ascending
from api.requests.languages import Sentences
from api.requests.parameters import Next, RangeFrom, RangeTo
from domain.clock import NS_PER_MS, S_PER_DAY
from domain.errors import NodeOffline, NotFound
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.outages import CauseOfOutage, Outage, outages_of
from domain.stored_model import WallNs

LONGEST_OUTAGES_S = 7 * S_PER_DAY


class CauseOfOutageView(Answer):
    """The gaps of one cause."""

    cause: GapCause
    detail: str = Field(description="a sentence for people about the longest gap; may be empty")
    gaps: int = Field(description="the number of gaps")
    missing_ms: int = Field(description="the time that was not recorded")
    first_at: WallNs = Field(description="the start of the first gap within the range")
    last_at: WallNs = Field(description="the end of the last gap within the range")

    @classmethod
    def of(cls, one: CauseOfOutage, sentences: Callable[[str], str]) -> CauseOfOutageView:
        return cls(
            cause=one.cause,
            detail=sentences(one.detail),
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
    def of(cls, outage: Outage, now_ns: int, sentences: Callable[[str], str]) -> OutageView:
        return cls(
            camera=outage.camera_id,
            missing_ms=outage.missing_ns // NS_PER_MS,
            ongoing=outage.last_ns >= now_ns - SETTLED_AFTER_NS,
            causes=[CauseOfOutageView.of(one, sentences) for one in outage.causes],
        )


class OutageList(Answer):
    """One page of outages."""

    items: list[OutageView] = Field(description="by camera")
    next: str | None = Field(description="cursor of the next page; null on the last")
    offline: list[str] = Field(
        description="nodes that do not respond; outages of their cameras are missing here"
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
    sentences: Sentences,
) -> OutageList:
    """List the cameras that were not recorded in a range although they should have been.

    The range ends now at the latest, and has at most 7 days.
    """
    check_span(from_ns, to_ns, LONGEST_OUTAGES_S)
    now_ns = context.clock.wall_ns()
    shown = {
        camera.id
        for camera in context.registry().registry.cameras
        if camera.id in visible and filter_.matches(camera)
    }
    gaps, silent = _gaps_of_nodes(context, from_ns, min(to_ns, now_ns))
    outages = [one for one in outages_of(gaps).values() if one.camera_id in shown]
    search = ("outages", filter_, from_ns, to_ns)
    page = ascending(outages, lambda one: one.camera_id, search, visible, limit, next_)
    return OutageList(
        items=[OutageView.of(one, now_ns, sentences) for one in page.items],
        next=page.next,
        offline=sorted(silent if visible.is_all else silent & _holders(context, shown)),
    )


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
