"""Limits the disk space of recordings by one stated rule of what is deleted first. Recordings
under a legal hold are never deleted.

1. uploaded: copies that the object store also has, the oldest first
2. past_minimum: those older than their camera's `retention_days`
3. early: the oldest of the least important camera (C before B before A, ordinary before
   checkpoint, then the lower priority)
4. clip_waiting: if events themselves could soon not be written, those from which a clip is still
   to be cut

Events are never deleted for recordings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path

from domain.alarms import AlarmName
from domain.clock import NS_PER_DAY, Clock, rfc3339
from domain.errors import StoreError
from domain.log import FloodGate
from domain.messages.message import Message
from domain.recordings.holds import StandingHolds
from domain.recordings.recording_metrics import SEGMENTS_EVICTED
from domain.registry import Camera
from domain.registry.camera_priority import UNKNOWN, Importance, importance_of
from domain.settings import Settings
from storage.recordings.free_space_reserve import (
    BYTES_PER_GB,
    CRITICAL_PART,
    SCARCE_PART,
    free_bytes,
    reserve_bytes,
    reserve_load,
)
from storage.recordings.ledger import Ledger, Segment

ClipRanges = Callable[[], list[tuple[str, int, int]]]
"""A function that returns the ranges (camera, from_ns, to_ns) from which a clip is still to be
cut.
"""
_WAITING = 1_000
_EXAMINED = 50_000
"""The most segments, oldest first, that are searched for uploaded ones. If none of them is, uploads
are behind, and a disk holds millions.
"""
_REMEMBERED_S = 60.0
_TRY_AGAIN_S = 60.0
"""A file that could not be deleted is tried again after this long."""
MOST_REFUSED_OF_CAMERA = 3
"""With more of them the disk refuses all files of a camera, for example because another user owns
its folders. Its files are then left out.
"""
MOST_REFUSED = 20
"""The most files that one run tries to delete in vain. With more of them the whole disk refuses."""
EARLY_ALARM_S = 600.0
_TOO_FULL = "the disk is too full by {lacking_gb} GB, and no finished recording is left to delete"
_NOT_RECORDED = (
    "the disk is too full by {lacking_gb} GB, and no finished recording is left to delete; cameras "
    "are not recorded, the least important first, so that events can still be written"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """What protects recordings, and how alarms are raised. The defaults protect nothing."""

    cameras: Callable[[], Sequence[Camera]] = tuple
    clip_ranges: ClipRanges = list
    held: Callable[[], StandingHolds] = lambda: StandingHolds((), 0)
    """Raises StoreError if the holds are unknown; then nothing is deleted."""
    seems_uploaded: Callable[[Segment], bool] = lambda _: False
    """This is called for many segments; `is_uploaded`, which asks the store, before an uploaded
    copy is deleted.
    """
    is_uploaded: Callable[[Segment], bool] = lambda _: False
    others_bytes: Callable[[], int] = lambda: 0
    """The other data that counts against the limit (on one machine the stores' own); recordings
    make room for it.
    """
    set_alarm: Callable[[AlarmName, Message | None], None] = lambda name, sentence: None


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """The bytes that count against the limit, as of the last run."""

    recordings_bytes: int
    other_bytes: int
    limit_bytes: int
    reserve_bytes: int


@dataclass(slots=True)
class _Next:
    """The next segments of one step of the rule, cached so that a full disk does not read all names
    at each run.
    """

    segments: list[Segment] = field(default_factory=list)
    read_s: float = float("-inf")
    found: bool = True
    """Whether there were any at the last read."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A file that could not be deleted."""

    camera_id: str
    again_s: float
    """When to try it again (monotonic seconds)."""
    error: StoreError


class DiskQuota:
    """Deletes finished segments while recordings use too much space or leave too little free."""

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock, claims: Claims) -> None:
        self._ledger = ledger
        self._clock = clock
        self._claims = claims
        self._limit_bytes = round(settings.disk_limit_gb * BYTES_PER_GB)
        self._reserve_bytes = reserve_bytes(settings)
        self._next: dict[str, _Next] = {}
        self._refused: dict[Path, _Refusal] = {}
        """The files that could not be deleted."""
        self._early_s = float("-inf")
        self._is_stuck = False
        """Whether the last run found nothing more that may be deleted."""
        self.usage: QuotaUsage | None = None
        """The usage as of the last run; None before the first."""
        self._warn = FloodGate(_log.warning, clock)
        self._log_critical = FloodGate(_log.critical, clock)

    def run_once(self) -> int:
        """Free the excess and return the freed bytes. A disk that refuses raises an alarm and is
        tried again at the next run. A file that cannot be deleted delays no other.

        A run with nothing to delete is cheap: no known file is examined again.
        """
        try:
            return self._free(self._excess_bytes())
        except (StoreError, OSError) as error:
            self._is_stuck = True
            sentence = Message("recordings cannot be kept within their limit: {error}", error=error)
            self._claims.set_alarm(AlarmName.DISK_FULL, sentence)
            self._log_critical("refused", sentence)
            return 0

    def load(self) -> float:
        """Return 1 if half of the reserve is left and the last run found nothing more that may be
        deleted. Then only recording less helps.
        """
        return (
            reserve_load(self._reserve_bytes, SCARCE_PART, free_bytes(self._ledger.recordings))
            if self._is_stuck
            else 0.0
        )

    def _free(self, excess_bytes: int) -> int:
        if excess_bytes <= 0:
            self._update_alarms(0)
            return 0
        held = self._claims.held()
        now_s = self._clock.monotonic_s()
        self._refused = {path: one for path, one in self._refused.items() if one.again_s > now_s}
        freed_bytes = 0
        for why, segments in self._steps():
            if freed_bytes < excess_bytes:
                freed_bytes += self._evict(why, segments, excess_bytes - freed_bytes, held)
        if freed_bytes < excess_bytes and self._refused:
            raise next(reversed(self._refused.values())).error
        self._update_alarms(excess_bytes - freed_bytes)
        return freed_bytes

    def _steps(self) -> Iterator[tuple[str, Iterator[Segment]]]:
        """Yield the steps of the rule, each with its segments in the order of their deletion.
        Segments that clips need are only in the last.
        """
        clip_ranges = _Ranges(self._claims.clip_ranges())
        yield "uploaded", self._remembered("uploaded", self._uploaded, clip_ranges)
        yield "past_minimum", self._remembered("past_minimum", self._past_minimum, clip_ranges)
        yield "early", self._remembered("early", self._least_important_first, clip_ranges)
        if self._is_critical():
            yield "clip_waiting", self._least_important_first()

    def _remembered(
        self, why: str, read: Callable[[], Iterator[Segment]], clip_ranges: _Ranges
    ) -> Iterator[Segment]:
        """Yield the segments of `read` without those that clips need: first those read within the
        last minute, then all others.
        """
        step = self._next.setdefault(why, _Next())
        step.segments = [segment for segment in step.segments if segment.path.exists()]
        now_s = self._clock.monotonic_s()
        if now_s - step.read_s >= _REMEMBERED_S or (
            not step.segments and (step.found or why == "early")
        ):
            step.segments, step.read_s = list(islice(read(), _WAITING)), now_s
            step.found = bool(step.segments)
        yield from (segment for segment in step.segments if not clip_ranges.touch(segment))
        if step.found:
            yield from (segment for segment in read() if not clip_ranges.touch(segment))

    def _uploaded(self) -> Iterator[Segment]:
        return (
            segment
            for segment in islice(self._ledger.oldest_first(), _EXAMINED)
            if self._claims.seems_uploaded(segment)
        )

    def _past_minimum(self) -> Iterator[Segment]:
        minimum_ns = {
            camera.id: camera.retention_days * NS_PER_DAY for camera in self._claims.cameras()
        }
        shortest_ns = min(minimum_ns.values(), default=0)
        now_ns = self._clock.wall_ns()
        for segment in self._ledger.oldest_first():
            age_ns = now_ns - (segment.end_ns or now_ns)
            if age_ns < shortest_ns:
                return
            if age_ns >= minimum_ns.get(segment.camera_id, shortest_ns):
                yield segment

    def _least_important_first(self) -> Iterator[Segment]:
        known = {camera.id: importance_of(camera) for camera in self._claims.cameras()}

        def importance(camera_id: str) -> Importance:
            return known.get(camera_id, UNKNOWN)

        for _, camera_ids in groupby(
            sorted(self._ledger.cameras(), key=importance), key=importance
        ):
            yield from self._ledger.oldest_first(tuple(camera_ids))

    def _excess_bytes(self) -> int:
        over_bytes = self._over_bytes()
        self._ledger.recordings.mkdir(parents=True, exist_ok=True)
        return max(over_bytes, self._reserve_bytes - free_bytes(self._ledger.recordings))

    def _is_critical(self) -> bool:
        """Return whether segments that clips still need must be deleted too. A reserve that is used
        by other files is no reason yet.
        """
        return (
            self._over_bytes() > 0
            or free_bytes(self._ledger.recordings) < self._reserve_bytes // CRITICAL_PART
        )

    def _over_bytes(self) -> int:
        recordings_bytes, other_bytes = self._ledger.total_bytes(), self._claims.others_bytes()
        self.usage = QuotaUsage(
            recordings_bytes, other_bytes, self._limit_bytes, self._reserve_bytes
        )
        return recordings_bytes + other_bytes - self._limit_bytes

    def _evict(
        self, why: str, segments: Iterator[Segment], required_bytes: int, held: StandingHolds
    ) -> int:
        freed_bytes = 0
        for segment in segments:
            if freed_bytes >= required_bytes:
                break
            if self._is_refused(segment):
                continue
            if held.covers(
                segment.camera_id, segment.start_ns, segment.end_ns or segment.start_ns + 1
            ):
                continue
            if why == "uploaded" and not self._claims.is_uploaded(segment):
                continue
            size_bytes = self._remove(segment)
            if size_bytes:
                freed_bytes += size_bytes
                SEGMENTS_EVICTED.labels(segment.camera_id, why).inc()
                self._log_deletion(segment, why)
        return freed_bytes

    def _is_refused(self, segment: Segment) -> bool:
        """Return whether the disk has just refused to delete this file, or some of its camera."""
        if not self._refused:
            return False
        of_camera = sum(one.camera_id == segment.camera_id for one in self._refused.values())
        return segment.path in self._refused or of_camera >= MOST_REFUSED_OF_CAMERA

    def _remove(self, segment: Segment) -> int:
        """Delete a segment and return the freed bytes, 0 if the disk refuses. Raises StoreError
        once it has refused `MOST_REFUSED` files.
        """
        try:
            return self._ledger.remove(segment)
        except StoreError as error:
            again_s = self._clock.monotonic_s() + _TRY_AGAIN_S
            self._refused[segment.path] = _Refusal(segment.camera_id, again_s, error)
            if len(self._refused) >= MOST_REFUSED:
                raise
            self._log_critical("refused file", f"{error}; other recordings are deleted instead")
            return 0

    def _log_deletion(self, segment: Segment, why: str) -> None:
        what = f"the recording of {segment.camera_id} from {rfc3339(segment.start_ns)}"
        if why == "clip_waiting":
            self._log_critical(
                "protected",
                f"disk full: {what} was deleted though a clip is still to be cut from it; give it "
                "more space",
            )
        elif why != "uploaded":
            self._warn("evicted", f"disk limit reached: {what} was deleted")
        if why in ("early", "clip_waiting"):
            self._early_s = self._clock.monotonic_s()

    def _update_alarms(self, lacking_bytes: int) -> None:
        """Raise or clear the alarms after a run. An alarm about early deletions lasts for a while,
        because it would otherwise change with each run.
        """
        full: Message | None = None
        held: Message | None = None
        self._is_stuck = lacking_bytes > 0
        if self._clock.monotonic_s() - self._early_s < EARLY_ALARM_S:
            full = Message(
                "recordings younger than their `retention_days` are deleted to make room: give "
                "the disk more space"
            )
        if lacking_bytes > 0:
            full = Message(
                _NOT_RECORDED if self.load() >= 1 else _TOO_FULL,
                lacking_gb=round(lacking_bytes / BYTES_PER_GB, 2),
            )
            self._log_critical("full", full)
            if (self._is_critical() or self.load() >= 1) and self._ledger.oldest() is not None:
                held = Message(
                    "only recordings that legal holds name are left to delete, and they stay: "
                    "give the disk more space"
                )
        self._claims.set_alarm(AlarmName.DISK_FULL, full)
        self._claims.set_alarm(AlarmName.DISK_HELD, held)


class _Ranges:
    def __init__(self, ranges: Sequence[tuple[str, int, int]]) -> None:
        self._by_camera: dict[str, list[tuple[int, int]]] = {}
        for camera_id, from_ns, to_ns in ranges:
            self._by_camera.setdefault(camera_id, []).append((from_ns, to_ns))

    def touch(self, segment: Segment) -> bool:
        return any(
            segment.start_ns < to_ns and (segment.end_ns is None or segment.end_ns > from_ns)
            for from_ns, to_ns in self._by_camera.get(segment.camera_id, ())
        )
