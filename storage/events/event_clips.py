"""Makes and verifies the clips of events, and reports damaged fragments of recordings."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

from domain.clock import NS_PER_MS, Clock, rfc3339
from domain.errors import DataLoss, NotFound
from domain.events.event import Event
from domain.recordings.recording_metrics import OBJECTS_DAMAGED
from storage.clients.s3 import ObjectStore
from storage.events.damaged_objects import DamagedObjects
from storage.recordings.clip_check import verify
from storage.recordings.ledger import Ledger
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.virtual.clip_sources import ClipSource, ClipSources
from storage.recordings.virtual.clips import ClipFile, make_clip
from storage.recordings.virtual.layouts import RecordingIndex
from storage.recordings.virtual.stored_index import StoredIndex

_log = logging.getLogger(__name__)


class EventClips:
    """Makes the clips of a worker's events. One thread uses it."""

    def __init__(
        self,
        ledger: Ledger,
        index: RecordingIndex,
        objects: ObjectStore,
        damaged: DamagedObjects,
        clock: Clock,
    ) -> None:
        self._sources = ClipSources(
            ledger,
            index,
            StoredSegments(objects, clock),
            StoredIndex(objects, clock),
            objects,
        )
        self._damaged = damaged

    def make(self, event: Event, from_ns: int, to_ns: int, path: Path) -> ClipFile:
        """Make the clip of an event, open it again and check that it contains the event, gaps in
        the recording aside. The segments of a late event may be in the object store alone.

        Raises NotFound if nothing of the event is recorded, DataLoss if it is damaged,
        ObjectsUnavailable, IndexUnavailable, and StoreError if the file cannot be written.
        """
        with ExitStack() as held:
            find = self._sources.everywhere if event.late else self._sources.here
            sources = find(event.camera, from_ns, to_ns, held)
            clip = make_clip(sources, from_ns, to_ns, path, self._report)
        lacking = [gap for gap in clip.gaps_ms if _contains(gap, event)]
        if lacking:
            path.unlink(missing_ok=True)
            span = f"{rfc3339(event.started_at)} and {rfc3339(event.ended_at)}"
            if any(_overlap(gap, damage) for gap in lacking for damage in clip.damaged_ms):
                raise DataLoss("the recording between {span} is damaged", span=span)
            raise NotFound("nothing is recorded between {span}", span=span)
        is_proven = not clip.hashed_late_ms
        verify(
            path,
            clip.start_ns,
            event.started_at,
            event.ended_at,
            clip.gaps_ms,
            is_proven=is_proven,
        )
        return clip

    def _report(self, source: ClipSource, fragment: int) -> None:
        """Raise the alarm for a fragment that differs from its hash. Raises IndexUnavailable."""
        OBJECTS_DAMAGED.labels("recording").inc()
        _log.critical(
            "fragment %d of %s differs from its SHA-256 and is not in a clip; compare the disk, "
            "and who can write to it",
            fragment,
            source.segment.path.name,
        )
        self._damaged.add(f"{source.state}#{fragment}")


def _contains(gap_ms: tuple[int, int], event: Event) -> bool:
    return gap_ms[0] * NS_PER_MS <= event.started_at and event.ended_at <= gap_ms[1] * NS_PER_MS


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
