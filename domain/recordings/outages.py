"""The outages of cameras: what a camera should have recorded and did not, by cause. Pure.

Times are UTC nanoseconds, ends excluded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from domain.recordings.gaps import Gap, GapCause
from domain.recordings.overlay_intervals import overlay

NO_OUTAGE = frozenset({GapCause.NOT_ASKED, GapCause.DELETED, GapCause.CLOCK})
"""Causes of gaps in which nothing failed."""


@dataclass(frozen=True, slots=True)
class CauseOfOutage:
    """The gaps of one cause."""

    cause: GapCause
    detail: str
    """That of the longest gap."""
    gaps: int
    missing_ns: int
    first_ns: int
    last_ns: int
    """The end of the last gap."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What one camera did not record within a range."""

    camera_id: str
    causes: tuple[CauseOfOutage, ...]
    """The cause of most of the missing time first."""

    @property
    def missing_ns(self) -> int:
        return sum(one.missing_ns for one in self.causes)

    @property
    def last_ns(self) -> int:
        return max(one.last_ns for one in self.causes)


def outages_of(gaps: Iterable[Gap]) -> dict[str, Outage]:
    """Return the outages by camera. Time that several nodes report counts once."""
    by_camera: dict[str, list[Gap]] = defaultdict(list)
    for gap in gaps:
        by_camera[gap.camera_id].append(gap)
    found = {camera: _outage(camera, of_camera) for camera, of_camera in by_camera.items()}
    return {camera: outage for camera, outage in found.items() if outage is not None}


def _outage(camera_id: str, gaps: list[Gap]) -> Outage | None:
    visible = overlay([(gap.start_ns, gap.end_ns, (gap.cause, gap.detail)) for gap in gaps])
    by_cause: dict[GapCause, list[tuple[int, int, str]]] = defaultdict(list)
    for start_ns, end_ns, (cause, detail) in visible:
        if cause not in NO_OUTAGE:
            by_cause[cause].append((start_ns, end_ns, detail))
    causes = [_sum(cause, parts) for cause, parts in by_cause.items()]
    causes.sort(key=lambda one: one.missing_ns, reverse=True)
    return Outage(camera_id, tuple(causes)) if causes else None


def _sum(cause: GapCause, parts: list[tuple[int, int, str]]) -> CauseOfOutage:
    longest = max(parts, key=lambda part: part[1] - part[0])
    return CauseOfOutage(
        cause,
        longest[2],
        len(parts),
        sum(end_ns - start_ns for start_ns, end_ns, _ in parts),
        parts[0][0],
        parts[-1][1],
    )
