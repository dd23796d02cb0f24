"""One camera's recorder: takes packets from its tap in batches and keeps the segments coming, whatever the disk does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from domain.clock import Clock
from domain.errors import StoreError
from domain.fanout import Tap
from domain.layout import Layout
from domain.log import FloodGate
from domain.media import Packet
from domain.metrics import PACKETS_DROPPED
from domain.settings import Settings
from ingest.segments import Segments

BATCH_S = 0.25
"""The pause between batches: a wake-up for several packets costs what one for each does."""
_log = logging.getLogger(__name__)


class Recorder:
    """Runs in a thread of its own until its tap is closed and drained; never raises for a disk that refuses.

    After an error of the disk what was not yet in the file is lost and counted, and recording starts again at the next keyframe.
    """

    def __init__(self, camera_id: str, tap: Tap, layout: Layout, fence: Callable[[], int], settings: Settings, clock: Clock) -> None:
        self._camera_id = camera_id
        self._tap = tap
        self._clock = clock
        self._idle_s = settings.source_timeout_s
        self._segments = Segments(camera_id, layout.recordings_of(camera_id), fence, settings.segment_s)
        self._warn = FloodGate(_log.warning, clock)
        self._pause = threading.Event()
        self._counted_packets = 0
        self._last_s = clock.monotonic_s()

    @property
    def recorded_until_ns(self) -> int:
        """Wall time (UTC ns) up to which what the camera sent can be read from disk by others; 0 before there is anything."""
        return self._segments.recorded_until_ns

    @property
    def lost_packets(self) -> int:
        """Packets taken that are in no file: the disk refused, or no keyframe had come. What the tap dropped, it counts itself."""
        return self._segments.lost_packets

    def run(self) -> None:
        try:
            while self.step(BATCH_S):
                self._clock.wait(self._pause, BATCH_S)
        finally:
            self._close()

    def step(self, timeout_s: float) -> bool:
        """Record what waits in the tap, or comes within `timeout_s`; False once the tap is closed and drained."""
        was_closed = self._tap.closed  # asked first: what came before the closing is still to be taken
        packets = self._tap.take(timeout_s)
        self._record(packets)
        if packets:
            self._last_s = self._clock.monotonic_s()
        elif self._clock.monotonic_s() - self._last_s > self._idle_s:
            self._close()
        return bool(packets) or not was_closed

    def _record(self, packets: list[Packet]) -> None:
        for packet in packets:
            try:
                self._segments.put(packet)
            except StoreError as error:
                self._warn(self._camera_id, f"camera {self._camera_id}: {error}; recording goes on at the next keyframe")
        self._count_lost()

    def _close(self) -> None:
        try:
            self._segments.close()
        except StoreError as error:
            self._warn(self._camera_id, f"camera {self._camera_id}: {error}")
        self._count_lost()

    def _count_lost(self) -> None:
        lost = self._segments.lost_packets - self._counted_packets
        if lost > 0:
            PACKETS_DROPPED.labels(self._camera_id, "recorder").inc(lost)
            self._warn(f"{self._camera_id} lost", f"camera {self._camera_id}: {lost} packets are in no recording")
            self._counted_packets += lost
