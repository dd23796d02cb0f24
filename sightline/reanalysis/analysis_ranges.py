"""Which ranges of a checkpoint live analysis left out, and the recording was not analysed since.

A vehicle that stood in view hides others in the recording too, so its time is none of them.
"""

from __future__ import annotations

from domain.clock import NS_PER_MS, NS_PER_S
from domain.recordings.missed_passings import NEAR_NS, partly_of
from domain.recordings.partly_analysed import PartlyCause, cover
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.recorded_ranges import Range, merge

SETTLED_AFTER_NS = 30 * NS_PER_S
"""Younger ranges may lack segments and lines of the log. Of what is in view for longer, live
analysis has a draft in the spool.
"""
LEAST_NS = 500 * NS_PER_MS
"""A part of this length that a recording lacks at the edge of an analysed range is left out."""


def unanalysed(
    gaps: GapLog, stored: StoredGaps, camera_id: str, from_ns: int, to_ns: int
) -> list[Range]:
    """Return these ranges within [from_ns, to_ns), by the logs of this node and of all nodes in the
    object store. Raises ObjectsUnavailable.
    """
    near = camera_id, max(0, from_ns - NEAR_NS), to_ns + NEAR_NS
    # A process logs its ranges without those of the one before it, which may adjoin.
    logs = stored.logged(*near), gaps.logged(*near)
    partly = partly_of([], [one for log in logs for one in log.partly])
    again = [one for log in logs for one in log.again]
    left = cover(from_ns, to_ns, partly, again).partly
    found = merge(
        (one.start_ns, one.end_ns) for one in left if one.cause is not PartlyCause.STANDING_VEHICLE
    )
    edges_ns = {edge_ns for one in again for edge_ns in (one.start_ns, one.end_ns)}
    return [one for one in found if one[1] - one[0] >= LEAST_NS or not edges_ns & set(one)]
