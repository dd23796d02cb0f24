"""Makes room in a full object store: of its recordings, those older than their camera's
`retention_days` are deleted.

The least important are deleted first, and of those the oldest, as on a full disk. Held or younger
recordings are never deleted; segments that then cannot be uploaded wait on their node's disk.

Many stores free the space only later: SeaweedFS frees it when it compacts, every quarter of an
hour. A round therefore deletes a limited amount, and a site does one in half an hour while uploads
are refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from domain.alarms import AlarmName
from domain.clock import NS_PER_DAY, Clock
from domain.errors import ObjectsFull, StoreError
from domain.messages.message import Message
from domain.paths.object_keys import day_of
from domain.recordings.holds import StandingHolds
from domain.recordings.recording_metrics import SEGMENTS_EVICTED
from domain.registry import Camera
from domain.registry.camera_priority import UNKNOWN, Importance, importance_of
from storage.clients.interval_lock import IntervalLock
from storage.recordings.free_space_reserve import BYTES_PER_GB
from storage.recordings.stored_segments import StoredSegment, StoredSegments

SURE_AFTER_S = 60.0
"""Refusals must last this long while the store answers: a restarted store also refuses for a
moment.
"""
ROUND_EVERY_S = 1800
ROUND_BYTES = 100 * BYTES_PER_GB
"""What a hundred cameras of 4 Mbit/s upload until the next round."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreClaims:
    cameras: Callable[[], Sequence[Camera]]
    held: Callable[[], StandingHolds]
    """Raises StoreError if the holds are unknown; then nothing is deleted."""
    set_alarm: Callable[[AlarmName, Message | None], None]


class ObjectStoreQuota:
    """The quota of one node, which its uploads notify; one thread uses it."""

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

    def on_upload(self, refusal: ObjectsFull | None) -> None:
        """Record the result of the last upload: refused for lack of space, or accepted."""
        if refusal is None:
            self._since_s = None
            self._claims.set_alarm(AlarmName.STORE_FULL, None)
            return
        now_s = self._clock.monotonic_s()
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s < SURE_AFTER_S:
            return
        self._claims.set_alarm(
            AlarmName.STORE_FULL,
            Message(
                "recordings wait on their nodes, give the object store more space: {refusal}",
                refusal=refusal,
            ),
        )
        try:
            if self._turn.acquire():
                self._do_turn()
        except StoreError as error:
            _log.error("no room can be made in the object store: %s", error)

    def _do_turn(self) -> None:
        """Do the round of the site's turn. A turn in which nothing is deleted because of an error
        is given back, so that the next refusal tries again.
        """
        freed_bytes = 0
        try:
            for size_bytes in self._delete():
                freed_bytes += size_bytes
        except StoreError:
            if not freed_bytes:
                self._turn.release()
            raise
        finally:
            if freed_bytes:
                _log.critical(
                    "the object store is full: %.3f GB of recordings past their minimum deleted",
                    freed_bytes / BYTES_PER_GB,
                )

    def make_room(self) -> int:
        """Do one round and return the deleted bytes. Raises StoreError if the holds are unknown or
        the store does not answer.
        """
        return sum(self._delete())

    def _delete(self) -> Iterator[int]:
        """Delete recordings until the round has its size, and yield the size of each."""
        held, freed_bytes = self._claims.held(), 0
        for segment in self._in_order():
            if freed_bytes >= self._round_bytes:
                break
            if not held.covers(segment.camera_id, segment.start_ns, segment.end_ns):
                self._stored.remove(segment)
                freed_bytes += segment.size_bytes
                SEGMENTS_EVICTED.labels(segment.camera_id, "store_full").inc()
                yield segment.size_bytes

    def _in_order(self) -> Iterator[StoredSegment]:
        """Yield what is past its minimum: equally important cameras day by day. A camera that left
        the registry has the shortest minimum.
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
