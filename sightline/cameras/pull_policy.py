"""Decides whether a camera is pulled and recorded now.

It depends on the camera's policy, its viewers, its triggers, and load shedding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.camera_states import Shed
from domain.clock import Clock
from domain.media.fanout import Sink
from domain.media.packet_batch import PacketOrBatch
from domain.media.packets import AudioPacket
from domain.messages.message import Message
from domain.recordings.gaps import GapCause
from domain.registry import Camera
from sightline.cluster.worker_balance import is_always_pulled

LINGER_S = 30.0
"""A camera stays pulled for this long after its last viewer left, so that a new view is fast."""


class PullPolicy:
    """The pull policy of one camera. Thread-safe.

    `is_requested` returns whether a trigger requires a recording now. It is called only for cameras
    on demand.
    """

    def __init__(self, camera: Camera, is_requested: Callable[[], bool], clock: Clock) -> None:
        self._is_always = is_always_pulled(camera)
        self._is_requested = is_requested
        self._clock = clock
        self._viewers = 0
        self._last_viewed_s: float | None = None
        self._lock = threading.Lock()
        self.shed = Shed.NOTHING

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count a viewer while the block runs."""
        with self._lock:
            self._viewers += 1
        try:
            yield
        finally:
            with self._lock:
                self._viewers -= 1
                self._last_viewed_s = self._clock.monotonic_s()

    def is_recorded(self) -> bool:
        """Return whether the camera is recorded now.

        A view alone records nothing: the recordings of a camera on demand belong to its owner.
        """
        return not self.shed.is_of_recording and (self._is_always or self._is_requested())

    def why_not_recorded(self) -> tuple[GapCause, str] | None:
        """Return the cause and a detail; None while the camera is recorded."""
        if self.shed is Shed.RECORDING_FOR_DISK:
            return GapCause.DISK, Message("given up, since the disk was full")
        if self.shed is Shed.RECORDING:
            return GapCause.SHED, Message("given up under pressure of the processor")
        return (
            None
            if self.is_recorded()
            else (GapCause.NOT_ASKED, Message("no recording was requested"))
        )

    def is_pulled(self) -> bool:
        return self._is_watched() or self.is_recorded()

    def _is_watched(self) -> bool:
        with self._lock:
            lingers = (
                self._last_viewed_s is not None
                and self._clock.monotonic_s() - self._last_viewed_s < LINGER_S
            )
            return self._viewers > 0 or lingers


class SinkGate:
    """Passes packets to another sink while it is open, from the first keyframe after it opened."""

    def __init__(self, sink: Sink) -> None:
        self.is_open = False
        self._goes_on = False
        self._sink = sink

    def put(self, *received: PacketOrBatch) -> None:
        if not self.is_open:
            self._goes_on = False
            return
        if not self._goes_on:
            first = next((at for at, one in enumerate(received) if one.is_keyframe), len(received))
            received = received[first:]
        if received:
            self._goes_on = True
            self._sink.put(*received)

    def put_audio(self, packet: AudioPacket) -> None:
        if self._goes_on:
            self._sink.put_audio(packet)
