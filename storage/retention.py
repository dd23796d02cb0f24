"""Deletes what is older than its camera's maximum, unless a legal hold covers it, and recordings
that no trigger claimed in time.

The job is idempotent. It may be killed between any two steps and run again, by any node, also
concurrently. While the holds are unknown, it deletes nothing. Of an event, the journal first
records the deletion, then the index entry is removed, then the objects, the sidecar last. Nothing
therefore shows an event whose clip is deleted, no rebuilt index has it again, and what a killed run
left is found by what still exists. A recording is one file or object, which exists or not.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from domain.clock import NS_PER_DAY, NS_PER_S, Clock
from domain.errors import StoreError
from domain.metrics import RETENTION_DELETIONS
from domain.paths.object_keys import day_of
from domain.recordings.triggers import keeps_everything
from domain.registry import Camera, Registry
from domain.settings import Settings
from storage.archive.archiver import Archiver
from storage.audit.stored_lines import StoredAudit
from storage.clients.s3 import ObjectStore
from storage.events.journal import Journal
from storage.events.journal_retention import JournalRetention
from storage.events.retention import EventRetention
from storage.index.event_index import EventIndex
from storage.recordings.disk_quota import MOST_REFUSED, MOST_REFUSED_OF_CAMERA
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.retention import forget_nodes, too_old
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.stored_segments import StoredSegment, StoredSegments
from storage.recordings.trigger_log import TriggerLog, is_kept
from storage.recordings.virtual.index_retention import hours_without_segments
from storage.recordings.virtual.stored_index import StoredIndex
from storage.site.holds import FreshHeld, Holds


@dataclass(slots=True)
class Report:
    """What was deleted, or would be. `held` counts what is older than its maximum and stays under a
    legal hold.
    """

    recordings: int = 0
    unclaimed_recordings: int = 0
    stored_recordings: int = 0
    events: int = 0
    bytes: int = 0
    held: int = 0
    audit_objects: int = 0


class Ages:
    """The time before which nothing of a camera may be left."""

    def __init__(self, registry: Registry, now_ns: int) -> None:
        self._now_ns = now_ns
        self._days = {camera.id: camera.longest_retention_days for camera in registry.cameras}
        self.longest_days = registry.longest_retention_days

    def cutoff_ns(self, camera_id: str) -> int:
        """Return the cutoff: what ended before it is too old. A camera that left the registry has
        the longest maximum of all.
        """
        return self._now_ns - self._days.get(camera_id, self.longest_days) * NS_PER_DAY


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything from which retention deletes. `ledger`, `triggers` and `gaps` are this node's; the
    rest is the site's.
    """

    ledger: Ledger
    triggers: TriggerLog
    gaps: GapLog
    objects: ObjectStore
    index: EventIndex
    journal: Journal
    holds: Holds
    clip_ranges: Callable[[], Sequence[tuple[str, int, int]]] = list
    """The ranges (camera, from_ns, to_ns) from which a clip is still to be cut."""
    archiver: Archiver | None = None


@dataclass(slots=True)
class _Run:
    ages: Ages
    held: FreshHeld
    stop: threading.Event
    dry: bool
    report: Report = field(default_factory=Report)
    refusals: list[StoreError] = field(default_factory=list)
    """What this disk refused."""
    refused_of: Counter[str] = field(default_factory=Counter)
    """How many files of each camera it refused to delete."""

    @contextmanager
    def other_cameras_continue(self) -> Iterator[None]:
        """Note an error of this disk that concerns one camera."""
        try:
            yield
        except OSError as error:
            self.note_refusal(StoreError("the disk refuses: {error}", error=error))

    def note_refusal(self, error: StoreError) -> None:
        """Note an error of this disk. Raise it if the disk has refused `MOST_REFUSED` times."""
        self.refusals.append(error)
        if len(self.refusals) >= MOST_REFUSED:
            raise error


class Retention:
    def __init__(
        self, kept: Kept, registry: Callable[[], Registry], settings: Settings, clock: Clock
    ) -> None:
        self._kept = kept
        self._registry = registry
        self._audit_ns = settings.audit_days * NS_PER_DAY
        self._wait_ns = round(settings.trigger_wait_s * NS_PER_S)
        self._clock = clock
        self._stored = StoredSegments(kept.objects, clock)

    def run_node(self, stop: threading.Event | None = None, dry: bool = False) -> Report:
        """Delete what is on this node. Raises StoreError if the holds are unknown, and then nothing
        was deleted, or if the disk refused a part, and then the rest was deleted.
        """
        run = self._begin(stop, dry)
        for camera_id in self._kept.ledger.cameras():
            with run.other_cameras_continue():
                self._recordings(run, camera_id)
        for camera in self._registry().cameras:
            with run.other_cameras_continue():
                self._triggered(run, camera)
        for camera_id in () if dry else self._kept.gaps.cameras():
            with run.other_cameras_continue():
                self._kept.gaps.forget_before(camera_id, run.ages.cutoff_ns(camera_id), run.held)
        if run.refusals:
            raise run.refusals[0]
        return run.report

    def _triggered(self, run: _Run, camera: Camera) -> None:
        """Delete what no trigger of a camera claimed, and its old triggers."""
        if not keeps_everything(
            camera
            # on demand too: the end of what was asked for, and all of a checkpoint, which clips
            # are cut from
        ):
            self._unclaimed(run, camera)
        if not run.dry:
            self._kept.triggers.forget_before(camera.id, run.ages.cutoff_ns(camera.id))

    def run_site(self, stop: threading.Event | None = None, dry: bool = False) -> Report:
        """Delete what is in the object store, and events wherever they are. Raises StoreError if a
        store is unreachable; the next run continues.
        """
        run = self._begin(stop, dry)
        for segment in self._old_stored(run):
            self._stored_recording(run, segment)
        self._stored_index(run)
        self._stored_gaps(run)
        self._archived(run)
        EventRetention(
            self._kept.objects, self._kept.index, self._kept.journal, run.held, run.stop, dry
        ).run(run.ages.cutoff_ns, run.report)
        if not run.dry:
            JournalRetention(self._kept.objects, run.stop).run(
                day_of(self._clock.wall_ns() - run.ages.longest_days * NS_PER_DAY)
            )
        run.report.audit_objects += StoredAudit(self._kept.objects).remove_before(
            self._clock.wall_ns() - self._audit_ns, run.stop, dry
        )
        return run.report

    def _archived(self, run: _Run) -> None:
        """Delete from the archive first, so that it shows no event whose clip is deleted."""
        if self._kept.archiver is None or run.dry:
            return
        if self._kept.archiver.retain(run.ages.cutoff_ns, run.held, run.stop) is None:
            raise StoreError(
                "events are being moved to the archive; what is too old of them goes after that"
            )

    def _begin(self, stop: threading.Event | None, dry: bool) -> _Run:
        registry = self._registry()
        if not registry.cameras:
            raise StoreError("no registry runs, so how long anything is to be kept is not known")
        return _Run(
            Ages(registry, self._clock.wall_ns()),
            FreshHeld(self._kept.holds, self._clock),
            stop or threading.Event(),
            dry,
        )

    def _recordings(self, run: _Run, camera_id: str) -> None:
        cutoff_ns = run.ages.cutoff_ns(camera_id)
        for segment in self._kept.ledger.oldest_first((camera_id,), cutoff_ns):
            if run.stop.is_set():
                return
            if segment.end_ns is not None and segment.end_ns <= cutoff_ns:
                run.report.recordings += self._remove(run, segment, "recording")
        ledger = self._kept.ledger
        days = [day for day in ledger.days(camera_id) if day.name <= day_of(cutoff_ns)]
        for segment in ledger.open_segments(camera_id, days):
            # A process that died left it, and no process has run the camera here since.
            changed_ns = segment.path.stat().st_mtime_ns
            if changed_ns <= cutoff_ns and not run.stop.is_set():
                abandoned = replace(segment, end_ns=max(changed_ns, segment.start_ns + 1))
                run.report.recordings += self._remove(run, abandoned, "recording")

    def _unclaimed(self, run: _Run, camera: Camera) -> None:
        """Delete recordings of a camera that records on triggers: those that no trigger claimed in
        time, and that no clip needs.
        """
        before_ns = self._clock.wall_ns() - self._wait_ns
        segments = [
            s
            for s in self._kept.ledger.oldest_first((camera.id,), before_ns)
            if s.end_ns is not None and s.end_ns <= before_ns
        ]
        if not segments:
            return
        last_ns = max(segment.end_ns or 0 for segment in segments)
        claimed = [*self._kept.triggers.kept_ranges(camera.id, segments[0].start_ns, last_ns)]
        claimed += [
            (from_ns, to_ns)
            for camera_id, from_ns, to_ns in self._kept.clip_ranges()
            if camera_id == camera.id
        ]
        for segment in segments:
            if not run.stop.is_set() and not is_kept(
                segment.start_ns, segment.end_ns or 0, claimed
            ):
                run.report.unclaimed_recordings += self._remove(run, segment, "unclaimed_recording")

    def _remove(self, run: _Run, segment: Segment, what: str) -> int:
        if run.held.covers(
            segment.camera_id, segment.start_ns, segment.end_ns or segment.start_ns + 1
        ):
            run.report.held += 1
            return 0
        if run.dry:
            run.report.bytes += segment.path.stat().st_size
            return 1
        if run.refused_of[segment.camera_id] >= MOST_REFUSED_OF_CAMERA:
            return 0
        try:
            size_bytes = self._kept.ledger.remove(segment)
        except StoreError as error:
            run.refused_of[segment.camera_id] += 1
            run.note_refusal(error)
            return 0
        run.report.bytes += size_bytes
        RETENTION_DELETIONS.labels(what).inc()
        return 1

    def _stored_index(self, run: _Run) -> None:
        """Delete the layouts of the hours whose recordings are deleted."""
        index = StoredIndex(self._kept.objects, self._clock)
        for hour in hours_without_segments(index, self._stored, run.ages.cutoff_ns):
            if run.stop.is_set() or run.dry:
                return
            index.remove(hour)
            RETENTION_DELETIONS.labels("recording_index").inc()

    def _stored_gaps(self, run: _Run) -> None:
        stored = StoredGaps(self._kept.objects)
        for log, is_held in too_old(stored, run.ages.cutoff_ns, run.held):
            if run.stop.is_set() or run.dry:
                return
            if not is_held:
                stored.remove(log)
                RETENTION_DELETIONS.labels("gap_log").inc()
        forget_nodes(stored, self._clock.wall_ns() - run.ages.longest_days * NS_PER_DAY)

    def _old_stored(self, run: _Run) -> Iterator[StoredSegment]:
        for camera_id in self._stored.cameras():
            cutoff_ns = run.ages.cutoff_ns(camera_id)
            for day in self._stored.days(camera_id):
                if day > day_of(cutoff_ns):
                    break
                for segment in self._stored.on_day(camera_id, day):
                    if run.stop.is_set():
                        return
                    if segment.end_ns <= cutoff_ns:
                        yield segment

    def _stored_recording(self, run: _Run, segment: StoredSegment) -> None:
        if run.held.covers(segment.camera_id, segment.start_ns, segment.end_ns):
            run.report.held += 1
            return
        if not run.dry:
            self._stored.remove(segment)
            RETENTION_DELETIONS.labels("stored_recording").inc()
        run.report.stored_recordings += 1
        run.report.bytes += segment.size_bytes
