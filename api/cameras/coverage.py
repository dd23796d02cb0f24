"""The coverage of a camera over all places that may have recordings.

These are the nodes that held the camera, and the object store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.access.api_context import ApiContext, KnownCamera
from api.cameras.camera_nodes import holders
from api.cameras.damaged_parts import damaged_parts
from api.nodes.coverage import NodeAccount
from domain.clock import NS_PER_DAY, NS_PER_S, moment
from domain.errors import NodeOffline, ObjectsUnavailable
from domain.messages.message import Message, joined_names
from domain.paths.object_keys import day_start_ns
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.missed_passings import NEAR_NS, partly_of
from domain.recordings.partly_analysed import Analysed, AnalysisCoverage, PartlyAnalysed, cover
from domain.registry import Camera
from storage.recordings.coverage import Coverage, CoverageRequest, account, without_damaged
from storage.recordings.recorded_ranges import Range, merge

SETTLED_AFTER_NS = 8 * NS_PER_S
"""Recordings and gaps that are younger than this may not be on disk yet.

Such a moment is never reported as a gap.
"""
ANALYSIS_SETTLED_AFTER_NS = 20 * NS_PER_S
"""What was not analysed is on disk within this time. Younger times are in no range."""
ALIVE_NS = 10 * NS_PER_S
"""A camera that no process has run for this long counts as without a process."""


@dataclass(frozen=True, slots=True)
class CoverageResult:
    """The coverage of a range, and the places that may have more."""

    account: Coverage
    offline: tuple[str, ...]
    """Nodes that held the camera and do not respond, and `objects` for the object store."""
    analysis: AnalysisCoverage | None
    """When passings would have been found; None for a camera that is no checkpoint."""


@dataclass(frozen=True, slots=True)
class _Sources:
    """What the nodes and the object store reported of a range."""

    nodes: Sequence[NodeAccount]
    stored: Sequence[Range]
    stored_gaps: Sequence[Gap]
    """Gaps that nodes wrote to the object store.

    They stand for nodes that do not respond or have lost their logs.
    """
    first_stored_ns: int | None
    offline: tuple[str, ...]
    stored_partly: Sequence[PartlyAnalysed] = ()
    """What nodes wrote to the object store about their analysis, as with `stored_gaps`."""
    stored_again: Sequence[Analysed] = ()


def coverage_of(
    context: ApiContext,
    known: KnownCamera,
    from_ns: int,
    to_ns: int,
    silent: set[str] | None = None,
) -> CoverageResult:
    """Return the coverage of [from_ns, to_ns), up to now.

    Nodes in `silent` are not asked, and those that do not respond are added to it. Raises
    NodeOffline where no place that may have recordings responds.
    """
    now_ns = context.clock.wall_ns()
    until_ns = max(from_ns, min(to_ns, now_ns))
    camera = known.camera
    near = CoverageRequest(
        camera.id, max(0, from_ns - NEAR_NS), max(from_ns, min(until_ns + NEAR_NS, now_ns))
    )
    found = _query_sources(
        context, camera.id, near.from_ns, near.to_ns, set() if silent is None else silent
    )
    local = merge(part for node in found.nodes for part in node.recorded)
    reported = [
        *_inferred_gaps(known, found, from_ns, now_ns),
        *found.stored_gaps,
        *_node_gaps(found.nodes),
        *_gap_since_removal(known, now_ns),
    ]
    result = account(CoverageRequest(camera.id, from_ns, until_ns), local, found.stored, reported)
    damaged = damaged_parts(context, known, (from_ns, until_ns))
    result = without_damaged(result, camera.id, damaged)
    gaps = tuple(
        _with_offline_detail(found.offline, gap)
        for gap in result.gaps
        if gap.start_ns < now_ns - SETTLED_AFTER_NS
    )
    analysed_until_ns = min(until_ns, now_ns - ANALYSIS_SETTLED_AFTER_NS)
    analysis = (
        _analysis(
            found,
            account(near, local, found.stored, reported).gaps,
            (from_ns, analysed_until_ns),
        )
        if camera.checkpoint and from_ns < analysed_until_ns
        else None
    )
    return CoverageResult(replace(result, gaps=gaps), found.offline, analysis)


def gaps_of(
    context: ApiContext, known: KnownCamera, from_ns: int, to_ns: int, silent: set[str]
) -> tuple[Sequence[Gap], Sequence[str]]:
    """Return the gaps of [from_ns, to_ns) as the coverage has them, and what does not respond.

    The object store is read only where the nodes leave something unexplained: its listings cost
    more than all else. So a part whose content is damaged is not always a gap here.

    `silent` is as for `coverage_of`, so a node that hangs is waited for once, although many cameras
    are examined. Raises NodeOffline as `coverage_of` does.
    """
    until_ns = max(from_ns, min(to_ns, context.clock.wall_ns() - SETTLED_AFTER_NS))
    nodes, offline = _query_nodes(context, known.camera.id, from_ns, until_ns, silent)
    request = CoverageRequest(known.camera.id, from_ns, until_ns)
    if nodes and not offline:
        local = [part for node in nodes for part in node.recorded]
        gaps = account(request, local, [], _node_gaps(nodes)).gaps
        if all(gap.cause is not GapCause.UNKNOWN for gap in gaps):
            return gaps, ()
    found = coverage_of(context, known, from_ns, to_ns, silent)
    return found.account.gaps, found.offline


def _analysis(found: _Sources, gaps: Sequence[Gap], span: tuple[int, int]) -> AnalysisCoverage:
    """Return when passings would have been found. Gaps of the recording count as far as their
    cause limits the analysis too.
    """
    logged = [
        *found.stored_partly,
        *(one for node in found.nodes for one in node.partly_analysed),
    ]
    again = [*found.stored_again, *(one for node in found.nodes for one in node.analysed_again)]
    return cover(*span, partly_of(gaps, logged), again)


def _query_nodes(
    context: ApiContext, camera_id: str, from_ns: int, to_ns: int, silent: set[str]
) -> tuple[list[NodeAccount], list[str]]:
    """Return the accounts of the nodes that held a camera, and those that do not respond."""
    nodes, offline = [], []
    for holder in reversed(holders(context, camera_id, from_ns)):
        lease = holder.lease
        if lease.node not in silent:
            try:
                nodes.append(
                    context.node_client.account(
                        lease.node_api_url, lease.node, camera_id, from_ns, to_ns
                    )
                )
                continue
            except NodeOffline:
                silent.add(lease.node)
        if holder.may_have_recordings:
            offline.append(lease.node)
    return nodes, offline


def _query_sources(
    context: ApiContext, camera_id: str, from_ns: int, to_ns: int, silent: set[str]
) -> _Sources:
    nodes, offline = _query_nodes(context, camera_id, from_ns, to_ns, silent)
    stored: list[Range] = []
    gaps: tuple[Gap, ...] = ()
    partly: tuple[PartlyAnalysed, ...] = ()
    again: tuple[Analysed, ...] = ()
    first_ns = None
    try:
        first_ns, stored = _stored(context, camera_id, from_ns, to_ns)
        settled_ns = min(to_ns, context.clock.wall_ns() - SETTLED_AFTER_NS)
        if offline or _has_unexplained(
            CoverageRequest(camera_id, from_ns, max(from_ns, settled_ns)), nodes, stored
        ):
            logged = context.stored_gaps.logged(camera_id, from_ns, to_ns)
            gaps, partly, again = logged.gaps, logged.partly, logged.again
    except ObjectsUnavailable:
        offline.append("objects")
    if not nodes and not stored and not gaps:
        raise NodeOffline(
            "no node that has recordings of {camera} answers, and the object "
            "store knows nothing of that time",
            camera=camera_id,
        )
    return _Sources(nodes, stored, gaps, first_ns, tuple(offline), partly, again)


def _node_gaps(nodes: Sequence[NodeAccount]) -> list[Gap]:
    return [gap for node in nodes for gap in node.gaps]


def _has_unexplained(
    request: CoverageRequest, nodes: Sequence[NodeAccount], stored: Sequence[Range]
) -> bool:
    """Return whether there is a gap that no responding node can explain."""
    local = [part for node in nodes for part in node.recorded]
    return any(
        gap.cause is GapCause.UNKNOWN
        for gap in account(request, local, stored, _node_gaps(nodes)).gaps
    )


def _stored(
    context: ApiContext, camera_id: str, from_ns: int, to_ns: int
) -> tuple[int | None, list[Range]]:
    """Return the start of the first day in the store, and the stored ranges of the request."""
    days = context.stored.days(camera_id)
    if not days:
        return None, []
    first_ns, last_ns = day_start_ns(days[0]), day_start_ns(days[-1]) + 2 * NS_PER_DAY
    found = (
        context.stored.between(camera_id, max(from_ns, first_ns), min(to_ns, last_ns))
        if first_ns < to_ns and from_ns < last_ns
        else ()
    )
    return first_ns, merge((segment.start_ns, segment.end_ns) for segment in found)


def _inferred_gaps(known: KnownCamera, found: _Sources, from_ns: int, now_ns: int) -> list[Gap]:
    """Return gaps that no log contains, the weakest explanation first."""
    camera, gaps = known.camera, list[Gap]()
    alive_ns = max(
        (node.alive_ns for node in found.nodes if node.alive_ns is not None), default=None
    )
    if alive_ns is not None and now_ns - alive_ns > ALIVE_NS:
        gaps.append(_without_process(known, alive_ns, now_ns))
    firsts = [
        first
        for first in (found.first_stored_ns, *(node.first_ns for node in found.nodes))
        if first is not None
    ]
    kept_ns = now_ns - known.kept_days * NS_PER_DAY
    if firsts:
        detail = Message("recordings are kept for {days} days", days=known.kept_days)
        gaps.append(Gap(camera.id, min(firsts), kept_ns, GapCause.DELETED, detail))
    gaps += [_deleted(camera, node.deleted) for node in found.nodes if node.deleted is not None]
    if found.nodes and not found.offline:  # a node that is offline may know of earlier times
        first_ns = min(firsts, default=now_ns)
        detail = Message("nothing is known of it before {first}", first=moment(first_ns))
        gaps.append(Gap(camera.id, min(from_ns, first_ns), first_ns, GapCause.NOT_ASKED, detail))
    return [gap for gap in gaps if gap.start_ns < gap.end_ns]


def _without_process(known: KnownCamera, alive_ns: int, now_ns: int) -> Gap:
    camera = known.camera
    if not camera.enabled:
        return Gap(
            camera.id,
            alive_ns,
            now_ns,
            GapCause.NOT_ASKED,
            Message("the camera is switched off in the registry"),
        )
    detail = Message("no process looks after the camera")
    return Gap(camera.id, alive_ns, now_ns, GapCause.RESTART, detail)


def _gap_since_removal(known: KnownCamera, now_ns: int) -> list[Gap]:
    """Return the gap since the camera left the registry; it overrides what nodes report."""
    if known.left_ns is None or known.left_ns >= now_ns:
        return []
    detail = Message(
        "the camera is no longer in the registry since {left}", left=moment(known.left_ns)
    )
    return [Gap(known.camera.id, known.left_ns, now_ns, GapCause.NOT_ASKED, detail)]


def _deleted(camera: Camera, deleted: Range) -> Gap:
    """Return the gap of deleted recordings.

    A camera that keeps only triggered recordings deletes mostly ranges without a trigger.
    """
    if camera.record == "events":
        detail = Message("no trigger asked for it")
        return Gap(camera.id, *deleted, GapCause.NOT_ASKED, detail)
    detail = Message("it was recorded, and deleted when its time was over or the disk was full")
    return Gap(camera.id, *deleted, GapCause.DELETED, detail)


def _with_offline_detail(offline: Sequence[str], gap: Gap) -> Gap:
    if gap.cause is not GapCause.UNKNOWN or not offline:
        return gap
    detail = Message("{offline}, which may have it, does not answer", offline=joined_names(offline))
    return gap.with_detail(detail)
