"""Compares the analysis coverage that an instance reports with the passings that it missed.

A passing is in the range in which it begins, as the coverage defines it. The whole passing would be
no test: the end of a vehicle that was found reaches into a range of which nothing is claimed, and a
missed one overlaps such a range more easily than it begins in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.site import BenchSite
from domain.clock import NS_PER_S, parse_rfc3339, rfc3339
from domain.events.event import Event
from sightline.evaluation.film import EPOCH_NS
from sightline.evaluation.truth import Pass, are_found

SETTLED_AFTER_S = 21.0
"""An instance reports its analysis coverage up to 20 s before now."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The ranges of a camera in seconds since the epoch of `compare`."""

    complete: Sequence[tuple[float, float]]
    partly: Sequence[tuple[float, float]]


def reported(site: BenchSite, camera_id: str, from_ns: int, to_ns: int) -> Reported | None:
    """Return the analysis coverage; None where the instance does not report one."""
    span = {"from": rfc3339(from_ns), "to": rfc3339(to_ns)}
    answer = site.get(f"/v1/cameras/{camera_id}/coverage", **span)
    analysed = answer.json().get("analysed") if answer is not None else None
    if analysed is None:
        return None
    return Reported(_ranges(analysed["complete"]), _ranges(analysed["partly"]))


def compare_coverage(
    ranges: Reported, passes: list[Pass], events: Sequence[Event]
) -> dict[str, int]:
    """Count the missed passings in a range of `partly`, those that only overlap one, and the found
    ones in a range of `complete`.
    """
    names = "missed", "missed_in_partly", "missed_at_partly", "found", "found_in_complete"
    counts = dict.fromkeys(names, 0)
    for one, is_found in zip(passes, are_found(events, passes), strict=True):
        if is_found:
            counts["found"] += 1
            counts["found_in_complete"] += _has(ranges.complete, one.enter_s)
        else:
            counts["missed"] += 1
            overlaps = any(
                start_s < one.leave_s and one.enter_s < end_s for start_s, end_s in ranges.partly
            )
            is_in = _has(ranges.partly, one.enter_s)
            counts["missed_in_partly"] += is_in
            counts["missed_at_partly"] += overlaps and not is_in
    return counts


def _has(ranges: Sequence[tuple[float, float]], at_s: float) -> bool:
    return any(start_s <= at_s < end_s for start_s, end_s in ranges)


def _ranges(items: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    return [
        (_since_epoch_s(parse_rfc3339(one["from"])), _since_epoch_s(parse_rfc3339(one["to"])))
        for one in items
    ]


def _since_epoch_s(wall_ns: int) -> float:
    return (wall_ns - EPOCH_NS) / NS_PER_S
