"""The steps by which one event is published: pictures, clip, sidecar, journal. Each is idempotent;
after a crash the remaining ones are done.

The store is asked only once what it has, by the sidecar, which is written after all other objects.
If it has this state of the event or a later one, all objects exist. Within a process `Work` records
the progress, so that waiting costs nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.clock import NS_PER_S, Clock
from domain.errors import DataLoss, NotFound, ObjectsUnavailable
from domain.events.event import Event, ObjectDigest, Sidecar
from domain.messages.message import Message
from domain.paths.object_keys import CLIP, CROP, SIDECAR, SNAPSHOT, event_object
from domain.recordings.recording_metrics import CLIPS_MISSING
from domain.settings import Settings
from storage.clients.s3 import ObjectStore
from storage.events.event_clips import EventClips
from storage.events.feed import Feed
from storage.events.journal import Journal, JournalPut
from storage.events.sidecars import sidecar_at
from storage.events.spool import SpoolEntry
from storage.index.event_index import EventIndex
from storage.recordings.recording_progress import Progress, RecordingProgress
from storage.recordings.virtual.clips import ClipFile

_log = logging.getLogger(__name__)
DEFERRED_S = 180.0
"""A clip is deferred for at most so long after its event while the worker is behind. A load that
lasts longer defers nothing more: clips are then made as fast as events come.
"""
_DAMAGED = Message("the recording is damaged")
_NOT_RECORDED = Message("nothing was recorded")
NOTHING_AFTER_S = 60
"""An event without any recording this long after its end never gets a clip."""


@dataclass(frozen=True, slots=True)
class PublishTargets:
    """Where events are published."""

    index: EventIndex
    feed: Feed
    objects: ObjectStore
    journal: Journal


@dataclass(frozen=True, slots=True)
class PublishedCameras:
    """The cameras whose events are published, as the process that records them knows them."""

    ids: Callable[[], Sequence[str]]
    """Return them; it is called at every pass."""
    recorded_until: Callable[[str], int | None]
    """Return the wall time (UTC ns) up to which a camera is recorded, or None if no process
    records it.
    """
    is_behind: Callable[[], bool] = lambda: False
    """Return whether live analysis needs the processor: clips are then deferred for some minutes.
    """


@dataclass(frozen=True, slots=True)
class Clip:
    digest: ObjectDigest | None
    file: ClipFile | None
    missing: str = ""


@dataclass(slots=True)
class Work:
    """One spool entry in progress. One loop at a time changes it, field by field."""

    entry: SpoolEntry
    event: Event
    step: str = ""
    """The current step, by which failures are counted."""
    indexed: bool = False
    """Whether it is searchable, with `clip_ready: false`."""
    finished: bool = False
    """Whether the index has the event as its sidecar describes it."""
    is_sidecar_read: bool = False
    objects: dict[str, ObjectDigest] = field(default_factory=dict)
    clip: Clip | None = None
    """The clip in the store, or why there is none. It is decided once, even if later steps fail."""
    sidecar: Sidecar | None = None
    journaled: bool = False


class PublishSteps:
    """The steps that write to the object store; one thread uses it."""

    def __init__(
        self,
        targets: PublishTargets,
        clips: EventClips,
        cameras: PublishedCameras,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._objects = targets.objects
        self._journal = targets.journal
        self._clips = clips
        self._is_behind = cameras.is_behind
        self._settings = settings
        self._clock = clock
        self._progress = RecordingProgress(cameras.recorded_until, clock)

    def advance(self, work: Work) -> None:
        """Do the steps of an event up to its journal line, or until its clip must wait.

        Raises StoreError or OSError if a step failed; the next call continues with that step.
        """
        if work.sidecar is None:
            self._read_sidecar(work)
        if work.sidecar is None:
            self._put_pictures(work)
            work.clip = work.clip or self._clip(work)
            if work.clip is None:
                return
            self._put_sidecar(work, work.clip)
        if work.sidecar is not None and not work.journaled:
            work.step = "journal"
            self._journal.append(JournalPut(event=work.sidecar.event, objects=work.sidecar.objects))
            work.journaled = True

    def _read_sidecar(self, work: Work) -> None:
        """Read the sidecar, which exists if the event was published before, or if a crash preceded
        the journal line.
        """
        if work.is_sidecar_read:
            return
        work.step = "sidecar"
        sidecar = read_sidecar(self._objects, work.event.camera, work.event.id)
        if sidecar is not None and sidecar.event.ended_at >= work.event.ended_at:
            work.sidecar = sidecar
        work.is_sidecar_read = True

    def _put_pictures(self, work: Work) -> None:
        work.step = "pictures"
        for name in (SNAPSHOT, CROP):
            if name not in work.objects:
                data = (work.entry.path / name).read_bytes()
                key = event_object(work.event.camera, work.event.id, name)
                self._objects.put(key, data, "image/jpeg")
                work.objects[name] = ObjectDigest(
                    key=key, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
                )

    def _clip(self, work: Work) -> Clip | None:
        """Return the clip in the store, or why there is none; None while it must wait."""
        work.step = "clip"
        event = work.event
        to_ns = event.ended_at + round(self._settings.clip_after_s * NS_PER_S)
        if self._progress.of(event.camera, to_ns) is Progress.COMING or self._is_deferred(event):
            return None
        from_ns = event.started_at - round(self._settings.clip_before_s * NS_PER_S)
        path = work.entry.path / CLIP
        try:
            made = self._clips.make(event, from_ns, to_ns, path)
        except (NotFound, DataLoss) as error:
            return self._without_clip(event, error)
        try:
            return Clip(self._put_clip(event, path, made), made)
        finally:
            path.unlink(missing_ok=True)

    def _is_deferred(self, event: Event) -> bool:
        """Return whether the clip waits because live analysis needs the processor. Its recording
        is not deleted meanwhile, because it is in `Spool.clip_ranges`.
        """
        age_ns = self._clock.wall_ns() - event.ended_at
        return age_ns < DEFERRED_S * NS_PER_S and self._is_behind()

    def _without_clip(self, event: Event, error: NotFound | DataLoss) -> Clip | None:
        if self._clock.wall_ns() - event.ended_at < NOTHING_AFTER_S * NS_PER_S:
            return None
        _log.warning(
            "event %s of camera %s is kept without a clip: %s", event.id, event.camera, error
        )
        CLIPS_MISSING.labels(event.camera).inc()
        why = _DAMAGED if isinstance(error, DataLoss) else _NOT_RECORDED
        return Clip(None, None, str(why))

    def _put_clip(self, event: Event, path: Path, made: ClipFile) -> ObjectDigest:
        key = event_object(event.camera, event.id, CLIP)
        self._objects.put_file(key, path, "video/mp4")
        kept = self._objects.stat(key)
        if kept is None or kept.size_bytes != made.size_bytes:
            raise ObjectsUnavailable("the object store did not keep {key} as it was given", key=key)
        return ObjectDigest(key=key, size_bytes=made.size_bytes, sha256=made.sha256)

    def _put_sidecar(self, work: Work, clip: Clip) -> None:
        work.step = "sidecar"
        event = work.event.model_copy(
            update={"clip_ready": clip.digest is not None, "clip_missing": clip.missing}
        )
        objects = dict(work.objects) | ({} if clip.digest is None else {CLIP: clip.digest})
        sidecar = Sidecar(event=event, objects=objects)
        if clip.file is not None:
            times = {
                "gaps_ms": clip.file.gaps_ms,
                "damaged_ms": clip.file.damaged_ms,
                "hashed_late_ms": clip.file.hashed_late_ms,
                "clip_start_at": clip.file.start_ns,
                "clip_end_at": clip.file.end_ns,
            }
            sidecar = Sidecar(event=event, objects=objects, **times)
        key = event_object(event.camera, event.id, SIDECAR)
        self._objects.put(key, sidecar.model_dump_json(by_alias=True).encode(), "application/json")
        work.sidecar = sidecar


def read_sidecar(objects: ObjectStore, camera_id: str, event_id: str) -> Sidecar | None:
    """Return the sidecar of an event.

    Returns None if it is missing or damaged; it is then written again.
    """
    try:
        return sidecar_at(objects, event_object(camera_id, event_id, SIDECAR))
    except NotFound:
        return None
    except DataLoss as error:
        _log.error("%s", error)
        return None
