"""Whether the seconds that a clip needs are recorded, are still coming, or will not come."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from domain.clock import Clock

STOPPED_AFTER_S = 20.0
"""A recording that has not moved for this long has stopped: a clip takes what there is."""


class Progress(Enum):
    COMING = auto()
    RECORDED = auto()
    STOPPED = auto()


class RecordingProgress:
    """Watches how far each camera is recorded. `recorded_until` gives UTC ns, or None where nothing records the camera now."""

    def __init__(self, recorded_until: Callable[[str], int | None], clock: Clock) -> None:
        self._recorded_until = recorded_until
        self._clock = clock
        self._seen: dict[str, tuple[int | None, float]] = {}

    def of(self, camera_id: str, needed_ns: int) -> Progress:
        """Whether `camera_id` is recorded up to `needed_ns`."""
        until_ns, now_s = self._recorded_until(camera_id), self._clock.monotonic_s()
        last_ns, since_s = self._seen.get(camera_id, (until_ns, now_s))
        if until_ns != last_ns:
            since_s = now_s
        self._seen[camera_id] = (until_ns, since_s)
        if until_ns is not None and until_ns >= needed_ns:
            return Progress.RECORDED
        return Progress.STOPPED if now_s - since_s >= STOPPED_AFTER_S else Progress.COMING
