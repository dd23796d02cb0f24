"""Keeps recordings within the disk they may take, by one stated rule of who gives way first; what a
legal hold names never does.

1. uploaded: copies that the object store has as well, the oldest first
2. past_minimum: those older than their camera's `retention_days`
3. early: the least important camera's oldest (C before B before A, ordinary before checkpoint, then
   the lower priority)
4. clip_waiting: where events themselves could soon not be written, those from which a clip is still
   to be cut

Events give way to nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

from domain.alarms import AlarmName
from domain.clock import NS_PER_DAY, Clock, rfc3339
from domain.errors import StoreError
from domain.log import FloodGate
from domain.metrics import SEGMENTS_EVICTED
from domain.recordings.holds import StandingHolds
from domain.registry import Camera
from domain.registry.camera_priority import UNKNOWN, Importance, importance_of
from domain.settings import Settings
from storage.recordings.free_space_reserve import (
    BYTES_PER_GB,
    DIRE_PART,
    SCARCE_PART,
    free_bytes,
    reserve_bytes,
    strain,
)
from storage.recordings.ledger import Ledger, Segment

Wanted = Callable[[], list[tuple[str, int, int]]]
"""The ranges (camera, from_ns, to_ns) of which a clip is still to be cut."""
_WAITING = 1_000
_LOOKED_AT = 50_000
"""Of the oldest segments, for an uploaded one: where there is none among them, uploads are
behind, and a disk holds millions.
"""
_REMEMBERED_S = 60.0
EARLY_TOLD_S = 600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """Who has a claim on recordings. The defaults are of a node where nobody has any."""

    cameras: Callable[[], Sequence[Camera]] = tuple
    wanted: Wanted = list
    held: Callable[[], StandingHolds] = lambda: StandingHolds((), 0)
    """Raises StoreError where that is not known: then nothing is deleted."""
    seems_uploaded: Callable[[Segment], bool] = lambda _: False
    """Asked of many; `is_uploaded`, which asks the store, before a copy goes as uploaded."""
    is_uploaded: Callable[[Segment], bool] = lambda _: False
    others_bytes: Callable[[], int] = lambda: 0
    """What else counts against the limit (on one machine the stores' own data); recordings make
    room for it.
    """
    say: Callable[[AlarmName, str | None], None] = lambda name, sentence: None


@dataclass(slots=True)
class _Next:
    """The next to go of one step of the rule, remembered, so that a full disk does not have all
    names read at each run.
    """

    segments: list[Segment] = field(default_factory=list)
    read_s: float = float("-inf")
    found: bool = True
    """Whether there were any when it was last read."""


class DiskQuota:
    """Deletes finished segments while recordings take too much or leave too little free."""

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock, claims: Claims) -> None:
        self._ledger = ledger
        self._clock = clock
        self._claims = claims
        self._limit_bytes = round(settings.disk_limit_gb * BYTES_PER_GB)
        self._reserve_bytes = reserve_bytes(settings)
        self._next: dict[str, _Next] = {}
        self._early_s = float("-inf")
        self._is_stuck = False
        """The last run found nothing more that may be deleted."""
        self._warn = FloodGate(_log.warning, clock)
        self._cry = FloodGate(_log.critical, clock)

    def run_once(self) -> int:
        """Free what is too much now; the bytes freed. A disk that refuses is said, and asked again
        at the next run.

        Cheap where nothing has to go: no file that was seen before is asked for again.
        """
        try:
            return self._free(self._excess_bytes())
        except (StoreError, OSError) as error:
            self._is_stuck = True
            self._claims.say(
                AlarmName.DISK_FULL, f"recordings cannot be kept within their limit: {error}"
            )
            self._cry("refused", f"recordings cannot be kept within their limit: {error}")
            return 0

    def strain(self) -> float:
        """1 where half of the reserve is left and the last run found nothing more that may be
        deleted: only recording less helps then.
        """
        return (
            strain(self._reserve_bytes, SCARCE_PART, free_bytes(self._ledger.recordings))
            if self._is_stuck
            else 0.0
        )

    def _free(self, excess_bytes: int) -> int:
        if excess_bytes <= 0:
            self._judge(0)
            return 0
        held = self._claims.held()
        freed_bytes = 0
        for why, segments in self._steps():
            if freed_bytes < excess_bytes:
                freed_bytes += self._evict(why, segments, excess_bytes - freed_bytes, held)
        self._judge(excess_bytes - freed_bytes)
        return freed_bytes

    def _steps(self) -> Iterator[tuple[str, Iterator[Segment]]]:
        """The rule, a step after the other, each with its segments in the order in which they
        go. What clips need is in the last alone.
        """
        wanted = _Ranges(self._claims.wanted())
        yield "uploaded", self._remembered("uploaded", self._uploaded, wanted)
        yield "past_minimum", self._remembered("past_minimum", self._past_minimum, wanted)
        yield "early", self._remembered("early", self._least_important_first, wanted)
        if self._is_dire():
            yield "clip_waiting", self._least_important_first()

    def _remembered(
        self, why: str, read: Callable[[], Iterator[Segment]], wanted: _Ranges
    ) -> Iterator[Segment]:
        """What `read` gives but for what clips need: the first of it as it was read within the
        last minute, then all of it anew.
        """
        step = self._next.setdefault(why, _Next())
        step.segments = [segment for segment in step.segments if segment.path.exists()]
        now_s = self._clock.monotonic_s()
        if now_s - step.read_s >= _REMEMBERED_S or (
            not step.segments and (step.found or why == "early")
        ):
            step.segments, step.read_s = list(islice(read(), _WAITING)), now_s
            step.found = bool(step.segments)
        yield from (segment for segment in step.segments if not wanted.touch(segment))
        if step.found:
            yield from (segment for segment in read() if not wanted.touch(segment))

    def _uploaded(self) -> Iterator[Segment]:
        return (
            segment
            for segment in islice(self._ledger.oldest_first(), _LOOKED_AT)
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

    def _is_dire(self) -> bool:
        """Whether what clips still need must go too. A reserve that somebody else's files have
        eaten into is no reason yet.
        """
        return (
            self._over_bytes() > 0
            or free_bytes(self._ledger.recordings) < self._reserve_bytes // DIRE_PART
        )

    def _over_bytes(self) -> int:
        return self._ledger.total_bytes() + self._claims.others_bytes() - self._limit_bytes

    def _evict(
        self, why: str, segments: Iterator[Segment], wanted_bytes: int, held: StandingHolds
    ) -> int:
        freed_bytes = 0
        for segment in segments:
            if freed_bytes >= wanted_bytes:
                break
            if held.covers(
                segment.camera_id, segment.start_ns, segment.end_ns or segment.start_ns + 1
            ):
                continue
            if why == "uploaded" and not self._claims.is_uploaded(segment):
                continue
            size_bytes = self._ledger.remove(segment)
            if size_bytes:
                freed_bytes += size_bytes
                SEGMENTS_EVICTED.labels(segment.camera_id, why).inc()
                self._tell(segment, why)
        return freed_bytes

    def _tell(self, segment: Segment, why: str) -> None:
        what = f"the recording of {segment.camera_id} from {rfc3339(segment.start_ns)}"
        if why == "clip_waiting":
            self._cry(
                "protected",
                f"disk full: {what} was deleted though a clip is still to be cut from it; give it "
                "more space",
            )
        elif why != "uploaded":
            self._warn("evicted", f"disk limit reached: {what} was deleted")
        if why in ("early", "clip_waiting"):
            self._early_s = self._clock.monotonic_s()

    def _judge(self, lacking_bytes: int) -> None:
        """What people must be told after a run; that recordings went early for a while, or it
        would come and go with each.
        """
        full, held = None, None
        self._is_stuck = lacking_bytes > 0
        if self._clock.monotonic_s() - self._early_s < EARLY_TOLD_S:
            full = (
                "recordings younger than their `retention_days` are deleted to make room: give "
                "the disk more space"
            )
        if lacking_bytes > 0:
            full = (
                f"the disk is too full by {lacking_bytes / BYTES_PER_GB:.2f} GB, and no "
                "finished recording is left to delete"
            )
            if self.strain() >= 1:
                full += (
                    "; cameras are not recorded, the least important first, so that events "
                    "can still be written"
                )
            self._cry("full", full)
            if (self._is_dire() or self.strain() >= 1) and self._ledger.oldest() is not None:
                held = (
                    "only recordings that legal holds name are left to delete, and they stay: "
                    "give the disk more space"
                )
        self._claims.say(AlarmName.DISK_FULL, full)
        self._claims.say(AlarmName.DISK_HELD, held)


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
