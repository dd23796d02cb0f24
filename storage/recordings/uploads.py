"""Uploads finished segments to the object store: those that each camera's policy requires, the
important ones first, at a limited rate.

What is uploaded is what the store lists. Nothing else records it, so nothing can disagree after a
crash. A camera's day is listed once, and the uploads of this process are added. A segment counts
once the store confirms it.

The most important cameras come first, and of equally important ones the oldest segment, because a
full disk deletes it next. The recording index of an hour follows its segments.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from domain.clock import Clock
from domain.errors import ObjectsFull, StoreError
from domain.log import FloodGate
from domain.paths.segment_name import SegmentName
from domain.recordings.recording_metrics import (
    SEGMENTS_UPLOADED,
    UPLOAD_BYTES,
    UPLOAD_RETRIES,
    UPLOADS_WAITING,
)
from domain.recordings.triggers import keeps_everything
from domain.registry import Camera
from domain.registry.camera_priority import Importance, importance_of
from domain.settings import Settings
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.name_set import NameSet
from storage.recordings.recorded_ranges import Range
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.trigger_log import is_kept

BATCH = 20
"""Segments that are uploaded before the order is computed again: during hours of catching up, new
segments of important cameras come first.
"""
LOOK_AGAIN_S = 5.0
_NAMES_PER_S = 500
"""A day's folder is read less often the more names it has; otherwise reading the names of hundreds
of cameras would use a core by evening.
"""
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 30.0
READ_AGAIN_S = 600.0
"""A file that the disk cannot read is tried again after this long. A failing disk may take seconds
for each try.
"""
BYTES_PER_MB = 10**6
_log = logging.getLogger(__name__)
Kept = Callable[[str, int, int], Sequence[Range]]
"""A function that returns the ranges of a camera that are kept around its triggers."""


class HourUploads(Protocol):
    """Uploads what is kept of whole hours: the recording index."""

    def add(self, camera_id: str, start_ns: int) -> None:
        """Record that the store has a segment that begins at `start_ns`."""

    def run_once(self, stop: threading.Event) -> int:
        """Upload what is due, and return the number of bytes. Raises ObjectsUnavailable or
        OSError.
        """


@dataclass(slots=True)
class _Day:
    """A camera's day on this disk. `stored` is None until the store was listed."""

    folder: Path
    stored: NameSet | None = None
    waiting: list[SegmentName] = field(default_factory=list)
    names: int = 0
    read_s: float = float("-inf")
    changed_ns: int = -1


class Uploads:
    """The uploads of one node. One thread calls `run`; others may call `seems_uploaded` and
    `waiting`.
    """

    def __init__(
        self,
        ledger: Ledger,
        stored: StoredSegments,
        index: HourUploads,
        settings: Settings,
        clock: Clock,
        cameras: Callable[[], Sequence[Camera]],
        kept: Kept,
        room: Callable[[ObjectsFull | None], None] = lambda _: None,
    ) -> None:
        """Call `room`, in the thread of `run`, after each upload that was refused for lack of
        space, and when uploads succeed.
        """
        self._ledger = ledger
        self._stored = stored
        self._index = index
        self._bytes_per_s = settings.upload_limit_mb_s * BYTES_PER_MB
        self._clock = clock
        self._cameras = cameras
        self._kept = kept
        self._room = room
        self._days: dict[tuple[str, str], _Day] = {}
        self._unreadable: dict[SegmentName, float] = {}
        """When to try the files again that could not be read (monotonic seconds)."""
        self._say = FloodGate(_log.warning, clock, every_s=10.0)
        self.failing_since_ns: int | None = None
        self.last_error = ""

    def run(self, stop: threading.Event) -> None:
        """Upload until `stop`. An unreachable store is tried again after increasing delays, 30 s at
        most; segments wait on this disk.
        """
        retry_s = 0.0
        while not stop.is_set():
            try:
                done = self.run_once(stop)
                retry_s = 0.0
            except (StoreError, OSError) as error:
                UPLOAD_RETRIES.inc()
                self._say("failed", f"uploads wait: {error}")
                self._report_upload(str(error))
                if isinstance(error, ObjectsFull):
                    self._room(error)
                retry_s = min(LAST_RETRY_S, retry_s * 2 or FIRST_RETRY_S)
                self._clock.wait(stop, retry_s)
                continue
            self._report_upload("")
            if done:
                self._room(None)
            else:
                self._clock.wait(stop, LOOK_AGAIN_S)

    def run_once(self, stop: threading.Event) -> int:
        """Upload the next few and return their number. A file that cannot be read waits, and the
        others do not wait for it. Raises ObjectsUnavailable if the store is unreachable, OSError if
        the recording index cannot be read.
        """
        self._refresh()
        done = 0
        for camera_id, day, name in self._next(BATCH):
            if stop.is_set():
                break
            done += self._upload(camera_id, day, name, stop)
        since_s = self._clock.monotonic_s()
        index_bytes = self._index.run_once(stop)
        if index_bytes:
            self._throttle(index_bytes, self._clock.monotonic_s() - since_s, stop)
        UPLOADS_WAITING.set(self.waiting())
        return done

    def seems_uploaded(self, segment: Segment) -> bool:
        """Return whether the store had this segment at the last listing, without asking it."""
        day = self._days.get((segment.camera_id, segment.path.parent.name))
        return day is not None and day.stored is not None and segment.path.name in day.stored

    def is_uploaded(self, segment: Segment) -> bool:
        """Return whether the store has this segment completely, now. If the store does not answer,
        the copy here counts as the only one.
        """
        name = SegmentName.parse(segment.path.name)
        try:
            return name is not None and self._stored.holds(name, segment.path.stat().st_size)
        except (StoreError, OSError):
            return False

    def waiting(self) -> int:
        """Return how many segments wait, as far as folders were read."""
        return sum(len(day.waiting) for day in tuple(self._days.values()))

    def oldest_waiting_ns(self) -> int | None:
        """Return the end of the oldest waiting segment, or None."""
        return min(
            (day.waiting[0].end_ns for day in tuple(self._days.values()) if day.waiting),
            default=None,
        )

    def _refresh(self) -> None:
        """Read the folders that are due. Segments whose day cannot be listed in the store wait as
        not uploaded.
        """
        cameras = {camera.id: camera for camera in self._cameras() if camera.upload != "none"}
        there = {
            (camera_id, folder.name): folder
            for camera_id in cameras
            for folder in self._ledger.days(camera_id)
        }
        self._days = {
            place: self._days.get(place) or _Day(folder) for place, folder in there.items()
        }
        for (camera_id, _), day in self._days.items():
            try:
                self._read(cameras[camera_id], day)
            except OSError as error:
                self._say(
                    f"folder of {camera_id}",
                    f"recordings of {camera_id} cannot be uploaded; examine the disk: {error}",
                )

    def _read(self, camera: Camera, day: _Day) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - day.read_s < max(LOOK_AGAIN_S, day.names / _NAMES_PER_S):
            return
        changed_ns = day.folder.stat().st_mtime_ns if day.folder.exists() else 0
        if changed_ns == day.changed_ns and _keeps_whole(camera):
            return
        if day.stored is None:
            day.stored = self._listed(camera.id, day.folder.name)
        found = [
            name
            for name in self._ledger.finished_names(day.folder, camera.id)
            if name.file_name not in day.stored
        ]
        day.waiting = sorted(self._claimed(camera, found), key=lambda name: name.start_ms)
        day.names, day.read_s, day.changed_ns = len(found) + len(day.stored), now_s, changed_ns

    def _listed(self, camera_id: str, day: str) -> NameSet:
        """Return the stored segments of a day with the same size as here; an incomplete one is
        uploaded again.
        """
        stored = NameSet()
        for segment in self._stored.on_day(camera_id, day):
            path = self._ledger.recordings / camera_id / day / segment.name.file_name
            if path.exists() and path.stat().st_size == segment.size_bytes:
                stored.add(path.name)
                self._index.add(camera_id, segment.start_ns)
        return stored

    def _claimed(self, camera: Camera, names: list[SegmentName]) -> list[SegmentName]:
        if _keeps_whole(camera) or not names:
            return names
        ranges = self._kept(
            camera.id, min(name.start_ns for name in names), max(name.end_ns for name in names)
        )
        return [name for name in names if is_kept(name.start_ns, name.end_ns, ranges)]

    def _next(self, most: int) -> Iterator[tuple[str, _Day, SegmentName]]:
        ranks = {camera.id: importance_of(camera) for camera in self._cameras()}
        now_s = self._clock.monotonic_s()
        self._unreadable = {
            name: again_s for name, again_s in self._unreadable.items() if again_s > now_s
        }
        by_rank: dict[Importance, list[tuple[SegmentName, str, _Day]]] = {}
        for (camera_id, _), day in self._days.items():
            if day.waiting and camera_id in ranks:
                readable = (name for name in day.waiting if name not in self._unreadable)
                by_rank.setdefault(ranks[camera_id], []).extend(
                    (name, camera_id, day) for name in islice(readable, most)
                )
        for rank in sorted(by_rank, reverse=True):
            for name, camera_id, day in sorted(by_rank[rank], key=lambda one: one[0].start_ms):
                if most <= 0:
                    return
                most -= 1
                yield camera_id, day, name

    def _upload(self, camera_id: str, day: _Day, name: SegmentName, stop: threading.Event) -> int:
        since_s = self._clock.monotonic_s()
        try:
            segment = self._stored.put(name, day.folder / name.file_name)
        except FileNotFoundError:  # evicted meanwhile
            day.waiting.remove(name)
            return 0
        except OSError as error:
            self._unreadable[name] = self._clock.monotonic_s() + READ_AGAIN_S
            UPLOAD_RETRIES.inc()
            self._say(
                "unreadable",
                f"{name.file_name} cannot be read, and waits for its upload; examine the disk: "
                f"{error}",
            )
            return 0
        assert day.stored is not None
        day.stored.add(name.file_name)
        day.waiting.remove(name)
        self._index.add(camera_id, name.start_ns)
        SEGMENTS_UPLOADED.labels(camera_id).inc()
        UPLOAD_BYTES.labels(camera_id).inc(segment.size_bytes)
        self._throttle(segment.size_bytes, self._clock.monotonic_s() - since_s, stop)
        return 1

    def _throttle(self, size_bytes: int, duration_s: float, stop: threading.Event) -> None:
        if self._bytes_per_s:
            self._clock.wait(stop, max(0.0, size_bytes / self._bytes_per_s - duration_s))

    def _report_upload(self, error: str) -> None:
        if error and self.failing_since_ns is None:
            self.failing_since_ns = self._clock.wall_ns()
        elif not error:
            self.failing_since_ns = None
        self.last_error = error


def _keeps_whole(camera: Camera) -> bool:
    """Return whether all recordings of a camera are uploaded, and not only those around its
    triggers.
    """
    return camera.upload == "all" and keeps_everything(camera)
