"""Retention of gap logs in the object store: a day is deleted once it is too old for its camera,
unless a hold covers a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.clock import NS_PER_MS
from domain.recordings.holds import StandingHolds
from storage.recordings.gaps.stored import StoredGaps, StoredLog


def too_old(
    stored: StoredGaps, cutoff_ns: Callable[[str], int], held: StandingHolds
) -> Iterator[tuple[StoredLog, bool]]:
    """Yield the logs of days that ended before their camera's cutoff, and whether a hold keeps
    each.
    """
    for camera_id in stored.cameras():
        before_ns = cutoff_ns(camera_id)
        for log in stored.of_camera(camera_id):
            if log.span[1] <= before_ns:
                yield log, held.covers(camera_id, *log.span)


def forget_nodes(stored: StoredGaps, before_ns: int) -> None:
    """Delete the records of nodes that have reported nothing since then and have no log left."""
    for node in stored.nodes():
        said = stored.node_record(node)
        if said is not None and said.until_ms * NS_PER_MS < before_ns:
            stored.forget_node(node)
