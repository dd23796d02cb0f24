"""The boxes and readings of one analysed picture, for people who watch the camera live.

They are made only while a viewer requests them. A feed never blocks the analysis, and each of its
queues is bounded: a message that is lost delays no other, because the next one replaces it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import DataLoss
from domain.media.viewer_metrics import LIVE_DETECTIONS_DROPPED

MAX_WAITING = 32
"""The messages that wait for one receiver: those of some seconds."""
MAX_BOXES = 64
"""The boxes of one message, the most certain ones first."""


class LiveDetection(BaseModel):
    """One vehicle or person in a picture."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["vehicle", "face"]
    track: int = Field(description="the same number in all pictures of one vehicle or person")
    box: tuple[float, float, float, float] = Field(
        description="left, top, right, bottom as parts of the picture"
    )
    confidence: float = Field(ge=0, le=1, description="that there is a plate or a face")
    plate: str = Field(default="", description="what was read until this picture; empty for a face")


class LiveDetections(BaseModel):
    """What one analysed picture shows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    wall_ns: int
    """The time of the picture."""
    items: tuple[LiveDetection, ...]


def write_detections(detections: LiveDetections) -> bytes:
    return detections.model_dump_json().encode()


def read_detections(data: bytes) -> LiveDetections:
    """Raises DataLoss if the bytes are something else."""
    try:
        return LiveDetections.model_validate_json(data)
    except ValidationError as error:
        raise DataLoss("live detections arrive in another form") from error


class DetectionQueue:
    """The detections that wait for one receiver. Thread-safe."""

    def __init__(self, receiver: str, on_ready: Callable[[], None]) -> None:
        """`on_ready` is called in the thread that puts, when there is something to take."""
        self._dropped = LIVE_DETECTIONS_DROPPED.labels(receiver)
        self._on_ready = on_ready
        self._lock = threading.Lock()
        self._waiting: deque[LiveDetections] = deque()

    def put(self, detections: LiveDetections) -> None:
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self._dropped.inc()
            self._waiting.append(detections)
        self._on_ready()

    def wake(self) -> None:
        self._on_ready()

    def take(self) -> list[LiveDetections]:
        """Return all that wait, in order."""
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
            return waiting


class DetectionFeed:
    """Distributes the detections of one camera to its receivers. Thread-safe."""

    def __init__(self) -> None:
        self.has_ended = False
        """Whether the camera has ended, so that nothing more is put."""
        self._lock = threading.Lock()
        self._queues: tuple[DetectionQueue, ...] = ()

    @property
    def is_watched(self) -> bool:
        """Whether there is a receiver. Without one, nothing needs to be computed."""
        return bool(self._queues)

    def join(self, queue: DetectionQueue) -> None:
        with self._lock:
            self._queues = (*self._queues, queue)

    def leave(self, queue: DetectionQueue) -> None:
        with self._lock:
            self._queues = tuple(one for one in self._queues if one is not queue)

    def put(self, detections: LiveDetections) -> None:
        for queue in self._queues:
            queue.put(detections)

    def end(self) -> None:
        self.has_ended = True
        for queue in self._queues:
            queue.wake()
