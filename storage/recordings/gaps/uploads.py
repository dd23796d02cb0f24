"""Brings this node's logs of gaps into the object store, so that what it knew outlives it.

A log is uploaded whole when it has grown: at most once a round, so that a camera which flaps costs
two small calls a round and no more. What is there is known from the store's listing alone, asked
once for each camera; a round that is cut off anywhere is done by the next.
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
"""No more logs than this in a second: a switch that fails gives hundreds of gaps in one moment."""
_log = logging.getLogger(__name__)


class GapUploads:
    """One for each node; `run` is one thread's."""

    def __init__(self, gaps: GapLog, stored: StoredGaps, node: str, clock: Clock) -> None:
        self._gaps = gaps
        self._stored = stored
        self._node = node
        self._clock = clock
        self._there: dict[str, dict[str, int]] = {}
        """By camera and day, how much of each log here the store has; a camera that was not
        asked for yet is missing.
        """
        self._say = FloodGate(_log.warning, clock, every_s=60.0)

    def run(self, stop: threading.Event) -> None:
        """Upload until `stop`; a store that is away is asked again each round."""
        while not stop.is_set():
            try:
                self.run_once(stop)
            except (StoreError, OSError) as error:
                self._say("gaps", f"what was not recorded, and why, waits to be uploaded: {error}")
            self._clock.wait(stop, ROUND_EVERY_S)

    def run_once(self, stop: threading.Event) -> int:
        """Upload every log that grew, then say that all is there; how many. Raises StoreError
        or OSError: the next round goes on.
        """
        begun_ms, done = self._clock.wall_ns() // NS_PER_MS, 0
        cameras = self._gaps.cameras()
        for camera_id in cameras:
            for day, size_bytes in self._gaps.days(camera_id).items():
                if self._known(camera_id, stop).get(day) == size_bytes:
                    continue
                self._stored.add(camera_id, self._node, day, self._gaps.read(camera_id, day))
                self._there[camera_id][day] = size_bytes
                done += 1
                if self._clock.wait(stop, 1 / CALLS_PER_S):
                    return done
        beats = {
            camera_id: beat_ns // NS_PER_MS
            for camera_id in cameras
            if (beat_ns := self._gaps.last_beat_ns(camera_id))
        }
        if beats:
            self._stored.say_of_node(self._node, NodeGaps(until_ms=begun_ms, beats_ms=beats))
        return done

    def _known(self, camera_id: str, stop: threading.Event) -> dict[str, int]:
        known = self._there.get(camera_id)
        if known is None:
            known = {
                log.day: log.stat.size_bytes
                for log in self._stored.of_camera(camera_id, self._node)
            }
            self._there[camera_id] = known
            self._clock.wait(stop, 1 / CALLS_PER_S)
        return known
