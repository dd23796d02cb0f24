"""Checks the invariants of storage and reports each violation; docs/storage.md numbers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.clock import Clock, SystemClock
from domain.errors import DataLoss
from domain.events.event import Correction, Event, Sidecar
from domain.paths.data_layout import Layout
from domain.paths.object_keys import EVENTS_PREFIX, SIDECAR, event_object, is_correction
from domain.recordings.holds import StandingHolds
from domain.registry import Registry
from domain.settings import Settings
from storage.age_check import AgeCheck
from storage.archive.archive import Archive
from storage.archive.check import ArchiveCheck
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.events.corrections import read_record
from storage.events.journal import (
    Journal,
    JournalPart,
    corrections,
    covered,
    deleted,
    stored_keys,
    stored_part,
)
from storage.events.sidecars import sidecar_at
from storage.events.spool import Spool
from storage.findings import Breach, Finding
from storage.index.check import check_index
from storage.index.event_index import EventIndex
from storage.loss_check import find_losses
from storage.object_check import ObjectCheck
from storage.record_check import RecordCheck, foreign_objects
from storage.recordings.gaps.stored import StoredGaps
from storage.site.holds import Holds, KnownHolds
from storage.stored_index_check import StoredIndexCheck

_PAGE = 500


def check(
    objects: ObjectStore,
    redis: Redis,
    layout: Layout | None = None,
    deep: bool = False,
    progress: Callable[[int], None] | None = None,
    registry: Registry | None = None,
    clock: Clock | None = None,
    seen: Callable[[Finding], None] | None = None,
) -> list[Finding]:
    """Return every violation; the list is empty if there is none. Entries of this node's spool are
    in progress and no violation.

    The objects are read to compare their SHA-256; `deep` also opens each clip and looks for its
    event in it. If something is found, everything is read again, and only what both passes found is
    reported: on a running system the rest was in progress.

    `progress` is called with the number of finished events. `seen` is called with each finding of
    the first pass, before the second confirms it. With a `registry`, the maximum age is checked
    too.
    """
    clock = clock or SystemClock()
    with (
        TemporaryDirectory(prefix="sightline-check-") as folder,
        closing(Archive.open(objects, redis, Path(folder), Settings(), clock)) as old,
    ):

        def find() -> Iterator[Finding]:
            rows = ArchiveCheck(old, objects)
            return _Check(objects, redis, layout, deep, progress, registry, clock, rows).run()

        first: list[Finding] = []
        for finding in find():
            first.append(finding)
            if seen is not None:
                seen(finding)
        again = set(find()) if first else set()
    return sorted(finding for finding in first if finding in again)


class _Check:
    """One pass over everything."""

    def __init__(
        self,
        objects: ObjectStore,
        redis: Redis,
        layout: Layout | None,
        deep: bool,
        progress: Callable[[int], None] | None,
        registry: Registry | None,
        clock: Clock,
        archive: ArchiveCheck,
    ) -> None:
        self._objects = objects
        self._archive = archive
        self._redis = redis
        self._index = EventIndex(redis)
        self._layout = layout
        self._deep = deep
        self._progress = progress
        self._in_spool: set[str] = set()
        self._seen: set[str] = set()
        self._journaled: dict[str, int] = {}
        self._deleted: set[str] = set()
        self._corrected_by: dict[str, Correction] = {}
        self._ages = None if registry is None else AgeCheck(objects, layout, registry, clock)
        self._clock = clock
        self._holds = KnownHolds(())
        self._held = StandingHolds((), 0)

    def run(self) -> Iterator[Finding]:
        yield from self._losses()
        # In this order: an event leaves the spool after its journal line, which follows its
        # sidecar.
        yield from self._read_holds()
        yield from self._spool()
        yield from self._journals()
        yield from self._events()
        yield from self._rows()
        yield from self._archived()
        yield from (
            Finding(Breach.INDEX_DAMAGED, where, message)
            for where, message in check_index(self._redis)
        )
        yield from RecordCheck(self._objects, self._redis, self._clock).find()
        yield from self._recordings()
        yield from self._gap_logs()

    def _read_holds(self) -> Iterator[Finding]:
        known = Holds(self._objects, self._clock).known()
        for damaged in known.damaged:
            remedy = (
                "retention deletes nothing until the object is repaired or the hold is "
                f"released (`DELETE /v1/holds/{damaged.record_id}`)"
            )
            yield Finding(Breach.HOLD_DAMAGED, damaged.key, f"{damaged.why}; {remedy}")
        yield from foreign_objects(known.foreign)
        self._holds = known
        self._held = StandingHolds(known.holds, self._clock.wall_ns())

    def _recordings(self) -> Iterator[Finding]:
        yield from StoredIndexCheck(self._objects, self._clock, self._deep).find()
        if self._ages is None:
            return
        for hour in () if self._holds.damaged else self._ages.layouts():
            what = "it is older than its camera's maximum, and its recordings are deleted"
            yield Finding(Breach.TOO_OLD, hour.stat.key, what)
        for old in () if self._holds.damaged else self._ages.recordings(self._held):
            what = (
                f"{old.count} recordings {old.where} are older than its maximum, and no hold "
                "names them"
            )
            yield Finding(Breach.TOO_OLD, f"{old.camera_id}/{old.day}", what)
        for event_id in self._ages.missing(self._holds.holds):
            yield Finding(
                Breach.HELD_MISSING, event_id, "a legal hold was placed for it, and it is not there"
            )

    def _gap_logs(self) -> Iterator[Finding]:
        stored = StoredGaps(self._objects)
        for log in (log for camera_id in stored.cameras() for log in stored.of_camera(camera_id)):
            damaged = stored.read(log)[1]
            if damaged:
                yield Finding(
                    Breach.GAP_LOG_DAMAGED, log.stat.key, f"{damaged} of its lines cannot be read"
                )
        for log in (
            () if self._ages is None or self._holds.damaged else self._ages.gap_logs(self._held)
        ):
            yield Finding(
                Breach.TOO_OLD,
                log.stat.key,
                "it is older than its camera's maximum, and no hold names any of it",
            )

    def _spool(self) -> Iterator[Finding]:
        if self._layout is None:
            return
        spool = Spool(self._layout, SystemClock())
        self._in_spool = {entry.event_id for entry in spool.pending(spool.cameras())}
        for path in spool.damaged():
            yield Finding(
                Breach.SPOOL_DAMAGED,
                path.name,
                f"could not be read and was set aside; look at {path}, then delete it",
            )

    def _journals(self) -> Iterator[Finding]:
        parts: list[JournalPart] = []
        if self._layout is not None:
            parts += Journal(self._layout.journal, SystemClock()).parts()
        for key in stored_keys(self._objects):
            try:
                parts.append(stored_part(self._objects, key))
            except DataLoss as error:
                yield Finding(Breach.JOURNAL_DAMAGED, key, str(error))
        self._journaled = covered(parts)
        self._deleted = deleted(parts)
        self._corrected_by = corrections(parts)
        for part in parts:
            if part.damaged_lines:
                yield Finding(
                    Breach.JOURNAL_DAMAGED,
                    part.name,
                    f"{part.damaged_lines} of its lines cannot be read",
                )

    def _events(self) -> Iterator[Finding]:
        """Yield every event with an object in the store. Keys are sorted, so an event's objects are
        adjacent.
        """
        found = groupby(
            self._objects.list(EVENTS_PREFIX), key=lambda found: found.key.rpartition("/")[0]
        )
        for done, (folder, stats) in enumerate(found, 1):
            event_id = folder.rpartition("/")[2]
            self._seen.add(event_id)
            if event_id in self._deleted:
                yield Finding(
                    Breach.DELETION_UNFINISHED,
                    event_id,
                    f"it is deleted, and {folder} has objects still; run retention again",
                )
            elif event_id not in self._in_spool:
                yield from self._event(folder, event_id, {stat.key: stat for stat in stats})
            if self._progress is not None:
                self._progress(done)

    def _event(self, folder: str, event_id: str, stats: dict[str, ObjectStat]) -> Iterator[Finding]:
        key = f"{folder}/{SIDECAR}"
        if key not in stats:
            yield Finding(
                Breach.OBJECTS_WITHOUT_SIDECAR,
                event_id,
                f"{folder} has objects, and no sidecar says what they are",
            )
            return
        try:
            sidecar = sidecar_at(self._objects, key)
        except DataLoss as error:
            yield Finding(Breach.SIDECAR_DAMAGED, event_id, str(error))
            return
        yield from self._corrected(sidecar, stats)
        if self._is_too_old(sidecar.event):
            yield Finding(
                Breach.TOO_OLD,
                event_id,
                "it is older than its camera's maximum, and no hold names it",
            )
        if self._journaled.get(event_id, 0) < sidecar.event.ended_at:
            yield Finding(
                Breach.NOT_JOURNALED,
                event_id,
                "no journal line says that it was kept: a rebuilt index would lack it",
            )
        yield from ObjectCheck(self._objects, self._deep).differences(sidecar, stats)

    def _is_too_old(self, event: Event) -> bool:
        is_known = self._ages is not None and not self._holds.damaged
        old = (
            is_known
            and self._ages is not None
            and self._ages.is_too_old(event.camera, event.ended_at)
        )
        return old and not self._held.covers_event(event)

    def _corrected(self, sidecar: Sidecar, stats: dict[str, ObjectStat]) -> Iterator[Finding]:
        """Return the row that sidecar and newest correction require; the sidecar itself has no
        correction.
        """
        event, keys = sidecar.event, [key for key in stats if is_correction(key)]
        correction: Correction | None = None
        if keys:
            try:
                correction = read_record(self._objects, max(keys)).correction
            except DataLoss as error:
                yield Finding(
                    Breach.CORRECTION_DAMAGED, event.id, f"{error}; what was read of it stands"
                )
                return
            if self._corrected_by.get(event.id) != correction:
                yield Finding(
                    Breach.NOT_JOURNALED,
                    event.id,
                    "no journal line says how it was corrected: a rebuilt index would lack that",
                )
        yield from self._row(event.model_copy(update={"corrected": correction}))

    def _row(self, event: Event) -> Iterator[Finding]:
        row = self._index.get(event.id) or self._archive.event(event.camera, event.id)
        if row is None:
            yield Finding(
                Breach.OBJECTS_WITHOUT_INDEX,
                event.id,
                "its objects are kept, and the index lacks it; rebuild the index",
            )
        elif row != event:
            yield Finding(
                Breach.INDEX_DIFFERS,
                event.id,
                "the index says other things of it than its sidecar; rebuild the index",
            )

    def _rows(self) -> Iterator[Finding]:
        """Yield rows of the index that nothing else knows."""
        after: str | None = None
        while ids := self._index.ids(after, _PAGE):
            after = ids[-1]
            for event_id in ids:
                is_known = event_id in self._seen or event_id in self._in_spool
                if not is_known and not self._has_come(event_id):
                    yield Finding(
                        Breach.INDEX_WITHOUT_OBJECTS,
                        event_id,
                        "the index has it; the object store and the spool do not",
                    )

    def _has_come(self, event_id: str) -> bool:
        """Return whether an event came after spool and object store were read."""
        row = self._index.get(event_id)
        if row is None:
            return False
        # In this order, as in `run`.
        if self._layout is not None:
            pending = Spool(self._layout, SystemClock()).pending([row.camera])
            if any(entry.event_id == event_id for entry in pending):
                return True
        return self._objects.stat(event_object(row.camera, event_id, SIDECAR)) is not None

    def _archived(self) -> Iterator[Finding]:
        for fault in self._archive.faults():
            yield Finding(Breach(f"archive_{fault.what}"), fault.subject, fault.message)
        for event_id in self._archive.ids():
            if event_id in self._deleted:
                yield Finding(
                    Breach.DELETION_UNFINISHED,
                    event_id,
                    "it is deleted, and the archive has it still; run retention again",
                )
            elif event_id not in self._seen and event_id not in self._in_spool:
                yield Finding(
                    Breach.INDEX_WITHOUT_OBJECTS,
                    event_id,
                    "the archive has it; the object store does not",
                )

    def _losses(self) -> Iterator[Finding]:
        losses = find_losses(self._objects, self._redis, self._layout, self._clock)
        return (Finding(Breach(loss.what), loss.subject, loss.message) for loss in losses)
