"""Makes room in an object store that is full: of its recordings, those older than their camera's
`retention_days` go.

The least important go first, and of those the oldest, as on a full disk. What a legal hold names
never goes, nor does what is younger: what then cannot be uploaded waits on its node's disk.

Many stores have the room only later: SeaweedFS gives back what is deleted when it compacts, every
quarter of an hour. So a round deletes no more than a bound, and the site has one in half an hour,
for as long as nothing is taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from domain.alarms import AlarmName
from domain.clock import NS_PER_DAY, Clock
from domain.errors import ObjectsFull, StoreError
from domain.metrics import SEGMENTS_EVICTED
from domain.paths.object_keys import day_of
from domain.recordings.holds import StandingHolds
from domain.registry import Camera
from domain.registry.camera_priority import UNKNOWN, Importance, importance_of
from storage.clients.interval_lock import IntervalLock
from storage.recordings.free_space_reserve import BYTES_PER_GB
from storage.recordings.stored_segments import StoredSegment, StoredSegments

SURE_AFTER_S = 60.0
"""Refused for so long, while it answers: a store that is restarted refuses for a moment too."""
ROUND_EVERY_S = 1800
ROUND_BYTES = 100 * BYTES_PER_GB
"""What a hundred cameras of 4 Mbit/s upload until the next round."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreClaims:
    cameras: Callable[[], Sequence[Camera]]
    held: Callable[[], StandingHolds]
    """Raises StoreError where that is not known: then nothing is deleted."""
    say: Callable[[AlarmName, str | None], None]


class ObjectStoreQuota:
    """One for each node, told by its uploads; one thread's."""

    def __init__(
        self,
        stored: StoredSegments,
        claims: StoreClaims,
        turn: IntervalLock,
        clock: Clock,
        round_bytes: int = ROUND_BYTES,
    ) -> None:
        self._stored = stored
        self._claims = claims
        self._turn = turn
        self._clock = clock
        self._round_bytes = round_bytes
        self._since_s: float | None = None

    def note(self, refusal: ObjectsFull | None) -> None:
        """How the last upload went: refused for want of room, or taken."""
        if refusal is None:
            self._since_s = None
            self._claims.say(AlarmName.STORE_FULL, None)
            return
        now_s = self._clock.monotonic_s()
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s < SURE_AFTER_S:
            return
        self._claims.say(
            AlarmName.STORE_FULL,
            f"recordings wait on their nodes, give the object store more space: {refusal}",
        )
        try:
            if self._turn.take():
                freed_bytes = self.make_room()
                _log.critical(
                    "the object store is full: %.3f GB of recordings past their minimum deleted",
                    freed_bytes / BYTES_PER_GB,
                )
        except StoreError as error:
            _log.error("no room can be made in the object store: %s", error)

    def make_room(self) -> int:
        """One round; the bytes deleted. Raises StoreError where it is not known what is held,
        or the store does not answer.
        """
        held, freed_bytes = self._claims.held(), 0
        for segment in self._in_order():
            if freed_bytes >= self._round_bytes:
                break
            if not held.covers(segment.camera_id, segment.start_ns, segment.end_ns):
                self._stored.remove(segment)
                freed_bytes += segment.size_bytes
                SEGMENTS_EVICTED.labels(segment.camera_id, "store_full").inc()
        return freed_bytes

    def _in_order(self) -> Iterator[StoredSegment]:
        """What is past its minimum. Of cameras that matter alike day by day; a camera that the
        registry no longer has has the shortest.
        """
        cameras = {camera.id: camera for camera in self._claims.cameras()}
        if not cameras:
            raise StoreError("no registry runs, so how long anything is to be kept is not known")
        shortest = min(camera.retention_days for camera in cameras.values())
        now_ns = self._clock.wall_ns()
        places: list[tuple[Importance, str, str, int]] = []
        for camera_id in self._stored.cameras():
            camera = cameras.get(camera_id)
            cutoff_ns = now_ns - (camera.retention_days if camera else shortest) * NS_PER_DAY
            importance = importance_of(camera) if camera else UNKNOWN
            places += [
                (importance, day, camera_id, cutoff_ns)
                for day in self._stored.days(camera_id)
                if day <= day_of(cutoff_ns)
            ]
        for _, day, camera_id, cutoff_ns in sorted(places):
            yield from (
                segment
                for segment in self._stored.on_day(camera_id, day)
                if segment.end_ns <= cutoff_ns
            )
