"""The steps by which one event is kept: pictures, clip, sidecar, journal. Each is idempotent; what
a crash left undone is done again.

The store is asked what it has only once, by the sidecar, which is written last of the objects:
where it holds this state of the event or a later one, all objects are there. Within a process
`Work` remembers how far it came, so that waiting costs nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from domain.clock import NS_PER_MS, NS_PER_S, Clock, rfc3339
from domain.errors import DataLoss, NotFound, ObjectsUnavailable
from domain.events.event import Event, ObjectDigest, Sidecar
from domain.metrics import CLIPS_MISSING
from domain.paths.object_keys import CLIP, CROP, SIDECAR, SNAPSHOT, event_object
from domain.settings import Settings
from storage.clients.s3 import ObjectStore
from storage.events.journal import Journal, JournalPut
from storage.events.spool import SpoolEntry
from storage.recordings.clips import Cut, cut, verify
from storage.recordings.ledger import Ledger
from storage.recordings.recording_progress import Progress, RecordingProgress

_log = logging.getLogger(__name__)
NOTHING_AFTER_S = 60
"""An event of which nothing is recorded this long after its end will never have a clip."""


@dataclass(frozen=True, slots=True)
class Clip:
    digest: ObjectDigest | None
    made: Cut | None
    missing: str = ""


@dataclass(slots=True)
class Work:
    """One entry of the spool on its way, and how far it came. Changed by one lane at a time,
    field by field.
    """

    entry: SpoolEntry
    event: Event
    step: str = ""
    """What is being done, for counting what failed."""
    indexed: bool = False
    """Searchable, with `clip_ready: false`."""
    finished: bool = False
    """The index has the event as its sidecar says it."""
    asked: bool = False
    objects: dict[str, ObjectDigest] = field(default_factory=dict)
    clip: Clip | None = None
    """The clip in the store, or why there will be none: settled once, however often the steps
    after it fail.
    """
    sidecar: Sidecar | None = None
    journaled: bool = False


class PublishSteps:
    """The object store's side of keeping; one thread uses it."""

    def __init__(
        self,
        objects: ObjectStore,
        journal: Journal,
        ledger: Ledger,
        settings: Settings,
        clock: Clock,
        recorded_until: Callable[[str], int | None],
    ) -> None:
        self._objects = objects
        self._journal = journal
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._progress = RecordingProgress(recorded_until, clock)

    def advance(self, work: Work) -> None:
        """Take an event as far as it goes now: to its journal line, or until its clip must wait.

        Raises StoreError or OSError where a step failed; called again, it goes on with that step.
        """
        if work.sidecar is None:
            self._ask(work)
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

    def _ask(self, work: Work) -> None:
        """A replay of what is kept already, or a crash just before the journal line: then the
        sidecar is there.
        """
        if work.asked:
            return
        work.step = "sidecar"
        sidecar = read_sidecar(self._objects, work.event.camera, work.event.id)
        if sidecar is not None and sidecar.event.ended_at >= work.event.ended_at:
            work.sidecar = sidecar
        work.asked = True

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
        """The clip, in the store; or why there is none; or None while it must wait."""
        work.step = "clip"
        event = work.event
        to_ns = event.ended_at + round(self._settings.clip_after_s * NS_PER_S)
        if self._progress.of(event.camera, to_ns) is Progress.COMING:
            return None
        path = work.entry.path / CLIP
        try:
            made = self._cut(event, to_ns, path)
        except (NotFound, DataLoss) as error:
            return self._without(event, error)
        try:
            return Clip(self._put_clip(event, path, made), made)
        finally:
            path.unlink(missing_ok=True)

    def _cut(self, event: Event, to_ns: int, path: Path) -> Cut:
        """Cut, opened again and found to hold the event, but for what was never recorded of it.
        Raises NotFound where that is all of it.
        """
        from_ns = event.started_at - round(self._settings.clip_before_s * NS_PER_S)
        made = cut(self._ledger.segments(event.camera, from_ns, to_ns), from_ns, to_ns, path)
        if any(
            a * NS_PER_MS <= event.started_at and event.ended_at <= b * NS_PER_MS
            for a, b in made.gaps_ms
        ):
            path.unlink(missing_ok=True)
            raise NotFound(
                f"nothing is recorded between {rfc3339(event.started_at)} and "
                f"{rfc3339(event.ended_at)}"
            )
        verify(path, made.start_ns, event.started_at, event.ended_at, made.gaps_ms)
        return made

    def _without(self, event: Event, error: NotFound | DataLoss) -> Clip | None:
        if self._clock.wall_ns() - event.ended_at < NOTHING_AFTER_S * NS_PER_S:
            return None
        _log.warning(
            "event %s of camera %s is kept without a clip: %s", event.id, event.camera, error
        )
        CLIPS_MISSING.labels(event.camera).inc()
        why = "the recording is damaged" if isinstance(error, DataLoss) else "nothing was recorded"
        return Clip(None, None, why)

    def _put_clip(self, event: Event, path: Path, made: Cut) -> ObjectDigest:
        key = event_object(event.camera, event.id, CLIP)
        self._objects.put_file(key, path, "video/mp4")
        kept = self._objects.stat(key)
        if kept is None or kept.size_bytes != made.size_bytes:
            raise ObjectsUnavailable(f"the object store did not keep {key} as it was given")
        return ObjectDigest(key=key, size_bytes=made.size_bytes, sha256=made.sha256)

    def _put_sidecar(self, work: Work, clip: Clip) -> None:
        work.step = "sidecar"
        event = work.event.model_copy(
            update={"clip_ready": clip.digest is not None, "clip_missing": clip.missing}
        )
        objects = dict(work.objects) | ({} if clip.digest is None else {CLIP: clip.digest})
        sidecar = Sidecar(event=event, objects=objects)
        if clip.made is not None:
            times = {
                "gaps_ms": clip.made.gaps_ms,
                "clip_start_at": clip.made.start_ns,
                "clip_end_at": clip.made.end_ns,
            }
            sidecar = Sidecar(event=event, objects=objects, **times)
        key = event_object(event.camera, event.id, SIDECAR)
        self._objects.put(key, sidecar.model_dump_json(by_alias=True).encode(), "application/json")
        work.sidecar = sidecar


def read_sidecar(objects: ObjectStore, camera_id: str, event_id: str) -> Sidecar | None:
    """The sidecar of an event, None where there is none, or where what is there is none (then
    it is to be written again).
    """
    key = event_object(camera_id, event_id, SIDECAR)
    try:
        return Sidecar.model_validate_json(objects.get(key))
    except NotFound:
        return None
    except ValidationError:
        _log.error("%s is no sidecar", key)
        return None
