"""A range of a checkpoint's time in which only a part of what passed would have been found.

A passing counts to the range in which it begins, as in a search. Passings shorter than
`SHORTEST_PASSING_NS` are in no claim.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from domain.clock import NS_PER_MS
from domain.recordings.gaps import GapCause
from domain.recordings.overlay_intervals import overlay

SHORTEST_PASSING_NS = 1_500 * NS_PER_MS
"""A vehicle or person that is in view for so long is found in a range that counts as analysed. At
50 km/h this is 21 m of road on which a plate can be read.
"""
SEEN_ENOUGH_NS = 500 * NS_PER_MS
"""So much of a passing in analysed time gives an event. A worker that is behind makes five looks a
second, and three of them, or two with a clear reading, are evidence enough. A second vehicle is
found within this time while another one is tracked.
"""


class PartlyCause(StrEnum):
    """Why passings may be missing."""

    OVERLOAD = "overload"  # its worker was behind, and left out groups of pictures
    DECODER = "decoder"  # pictures could not be decoded
    CAMERA_DOWN = "camera_down"  # the camera sent nothing, or the network lost it
    RESTART = "restart"  # no process ran the camera, or its models were not loaded yet
    UNKNOWN = "unknown"
    STANDING_VEHICLE = "standing_vehicle"  # one stood in view, and may have hidden others
    SETTLED = "settled"  # its worker was behind, and every plate in view had been read
    ANALYSIS_STOPPED = "analysis_stopped"  # the analysis of the camera hung or failed


class PartlyAnalysed(NamedTuple):
    """[start_ns, end_ns) in wall time (UTC)."""

    start_ns: int
    end_ns: int
    cause: PartlyCause


class Analysed(NamedTuple):
    """[start_ns, end_ns) was analysed: what passed would have been found."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class AnalysisCoverage:
    """The ranges of a time range, which together cover it."""

    analysed: tuple[Analysed, ...]
    partly: tuple[PartlyAnalysed, ...]


_CAUSES = {
    GapCause.CAMERA_DOWN: PartlyCause.CAMERA_DOWN,
    GapCause.NETWORK: PartlyCause.CAMERA_DOWN,
    GapCause.DECODER: PartlyCause.DECODER,
    GapCause.RESTART: PartlyCause.RESTART,
    GapCause.UNKNOWN: PartlyCause.UNKNOWN,
}
"""What a gap of the recording says about the analysis. After other causes, such as a full disk,
the camera was analysed although it was not recorded.
"""


def cause_of_gap(cause: GapCause) -> PartlyCause | None:
    """Return why a gap of the recording limited the analysis too, or None if it did not."""
    return _CAUSES.get(cause)


def cover(
    from_ns: int,
    to_ns: int,
    partly: Sequence[PartlyAnalysed],
    again: Sequence[Analysed] = (),
) -> AnalysisCoverage:
    """Return the coverage of [from_ns, to_ns). Of ranges that overlap, the later one counts.

    The ranges `again` were analysed from the recording afterwards, and count before all others.
    """
    layers: list[tuple[int, int, PartlyCause | None]] = [(from_ns, to_ns, None)]
    layers += [(max(one.start_ns, from_ns), min(one.end_ns, to_ns), one.cause) for one in partly]
    layers += [(max(one.start_ns, from_ns), min(one.end_ns, to_ns), None) for one in again]
    seen = overlay(layers)
    return AnalysisCoverage(
        tuple(Analysed(start_ns, end_ns) for start_ns, end_ns, cause in seen if cause is None),
        tuple(
            PartlyAnalysed(start_ns, end_ns, cause)
            for start_ns, end_ns, cause in seen
            if cause is not None
        ),
    )


def summary(coverage: AnalysisCoverage, most: int) -> AnalysisCoverage:
    """Return a coverage with at most `most` ranges; the same object if it has no more.

    Only the longest analysed ranges are kept, so that it never claims more than was analysed. What
    is between two of them is one partly analysed range, with the cause that took the longest.
    """
    if len(coverage.analysed) + len(coverage.partly) <= most:
        return coverage
    ranges: list[Analysed | PartlyAnalysed] = [*coverage.analysed, *coverage.partly]
    longest = sorted(coverage.analysed, key=lambda one: one.start_ns - one.end_ns)
    kept = sorted(longest[: max(0, most // 2 - 1)])
    starts_ns = [min(one.start_ns for one in ranges), *(one.end_ns for one in kept)]
    ends_ns = [*(one.start_ns for one in kept), max(one.end_ns for one in ranges)]
    lengths_ns: list[Counter[PartlyCause]] = [Counter() for _ in starts_ns]
    for one in coverage.partly:
        between = bisect_right(starts_ns, one.start_ns) - 1
        lengths_ns[between][one.cause] += one.end_ns - one.start_ns
    return AnalysisCoverage(
        tuple(kept),
        tuple(
            PartlyAnalysed(start_ns, end_ns, lengths.most_common(1)[0][0])
            for start_ns, end_ns, lengths in zip(starts_ns, ends_ns, lengths_ns, strict=True)
            if lengths
        ),
    )
