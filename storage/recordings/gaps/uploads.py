"""Uploads this node's gap logs to the object store, so that they survive the node.

A log that has grown is uploaded as a whole, at most once a round: a camera that reconnects
repeatedly costs two small calls a round. What is stored is known from the store's listing alone,
which is read once for each camera. The next round completes an interrupted one.
"""

from __future__ import annotations

import logging
import threading

from domain.clock import NS_PER_MS, Clock
from domain.errors import StoreError
from domain.log import FloodGate
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import NodeGaps, StoredGaps

ROUND_EVERY_S = 30.0
CALLS_PER_S = 20
"""The most logs in a second: a failing switch causes hundreds of gaps in one moment."""
_log = logging.getLogger(__name__)


class GapUploads:
    """The uploads of one node; one thread calls `run`."""

    def __init__(self, gaps: GapLog, stored: StoredGaps, node: str, clock: Clock) -> None:
        self._gaps = gaps
        self._stored = stored
        self._node = node
        self._clock = clock
        self._uploaded_bytes: dict[str, dict[str, int]] = {}
        """The stored size of each log here, by camera and day; a camera that was not listed yet is
        missing.
        """
        self._beats_ms: dict[str, int] = {}
        """The last heartbeat of each camera when all its logs were stored last."""
        self._say = FloodGate(_log.warning, clock, every_s=60.0)

    def run(self, stop: threading.Event) -> None:
        """Upload until `stop`; an unreachable store is tried again each round."""
        while not stop.is_set():
            try:
                self.run_once(stop)
            except (StoreError, OSError) as error:
                self._say("gaps", f"what was not recorded, and why, waits to be uploaded: {error}")
            self._clock.wait(stop, ROUND_EVERY_S)

    def run_once(self, stop: threading.Event) -> int:
        """Upload every log that has grown, record that all is stored, and return the number. Raises
        StoreError or OSError; the next round continues. A camera with a log that cannot be read
        does not delay the others: a gap of it that continues is known until its last heartbeat
        before that.
        """
        begun_ms, done = self._clock.wall_ns() // NS_PER_MS, 0
        for camera_id in self._gaps.cameras():
            try:
                done += self._upload(camera_id, stop)
                beat_ns = self._gaps.last_beat_ns(camera_id)
            except OSError as error:
                self._say(
                    camera_id,
                    f"{camera_id}: its gap logs are not uploaded, because one cannot be read; "
                    f"examine the disk, and restore the file or delete it: {error}",
                )
                continue
            if stop.is_set():
                return done
            if beat_ns:
                self._beats_ms[camera_id] = beat_ns // NS_PER_MS
        if self._beats_ms:
            self._stored.put_node_record(
                self._node, NodeGaps(until_ms=begun_ms, beats_ms=self._beats_ms)
            )
        return done

    def _upload(self, camera_id: str, stop: threading.Event) -> int:
        """Upload the logs of a camera that have grown, and return their number. Raises OSError if
        one cannot be read, after the others.
        """
        done, unread = 0, list[OSError]()
        for day, size_bytes in self._gaps.days(camera_id).items():
            if self._known(camera_id, stop).get(day) == size_bytes:
                continue
            try:
                lines = self._gaps.read(camera_id, day)
            except OSError as error:
                unread.append(error)
                continue
            self._stored.add(camera_id, self._node, day, lines)
            self._uploaded_bytes[camera_id][day] = size_bytes
            done += 1
            if self._clock.wait(stop, 1 / CALLS_PER_S):
                return done
        if unread:
            raise unread[0]
        return done

    def _known(self, camera_id: str, stop: threading.Event) -> dict[str, int]:
        known = self._uploaded_bytes.get(camera_id)
        if known is None:
            known = {
                log.day: log.stat.size_bytes
                for log in self._stored.of_camera(camera_id, self._node)
            }
            self._uploaded_bytes[camera_id] = known
            self._clock.wait(stop, 1 / CALLS_PER_S)
        return known
