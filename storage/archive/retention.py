"""Which archived events are older than their camera's maximum, and under no hold."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from domain.clock import NS_PER_MS
from domain.errors import DataLoss, NotFound
from domain.recordings.holds import LONGEST_EVENT_NS, StandingHolds
from storage.archive.archive import Archive
from storage.archive.day import ArchiveFile

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TooOld:
    """The events of a file that are to be deleted. If they are all of its events, `ids` may be
    empty.
    """

    ids: tuple[str, ...] = ()
    count: int = 0


def too_old(
    archive: Archive, file: ArchiveFile, cutoff_ns: Callable[[str], int], held: StandingHolds
) -> TooOld:
    """Return which events of a file started before their camera's cutoff and are under no hold.

    Of a file that cannot be read, the catalogue decides whether all of it is too old; otherwise
    nothing is. Raises StoreError if the object store is unreachable.
    """
    if not any(
        least_ms * NS_PER_MS < cutoff_ns(camera) for camera, least_ms in file.cameras.items()
    ):
        return TooOld()
    try:
        times = archive.times(file)
    except (DataLoss, NotFound) as error:
        is_all = _is_all_too_old(file, cutoff_ns, held)
        what = "it is deleted" if is_all else "what is too old of it stays"
        _log.error("%s cannot be read, so %s: %s", file.key, what, error)
        return TooOld((), file.rows) if is_all else TooOld()
    ids = tuple(
        event_id
        for event_id, camera, start_ms, end_ms in times
        if start_ms * NS_PER_MS < cutoff_ns(camera)
        and not held.covers(camera, start_ms * NS_PER_MS, end_ms * NS_PER_MS + 1)
    )
    return TooOld(ids, len(ids))


def _is_all_too_old(
    file: ArchiveFile, cutoff_ns: Callable[[str], int], held: StandingHolds
) -> bool:
    from_ns, to_ns = file.from_ms * NS_PER_MS, file.to_ms * NS_PER_MS
    return all(
        to_ns < cutoff_ns(camera) and not held.covers(camera, from_ns, to_ns + LONGEST_EVENT_NS)
        for camera in file.cameras
    )
