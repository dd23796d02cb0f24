"""Whether the seconds that a clip needs are recorded, are still expected, or will not be
recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from domain.clock import NS_PER_S, Clock

STOPPED_AFTER_S = 20.0
"""A recording without progress for this long has stopped: a clip uses what exists."""

_EDGE_NS = 120 * NS_PER_S
"""After the clock was set back, what earlier events need is no later than this after the recording
of that time.
"""


class Progress(Enum):
    COMING = auto()
    RECORDED = auto()
    STOPPED = auto()


class RecordingProgress:
    """Tracks up to when each camera is recorded. `recorded_until` returns UTC ns, or None if no
    process records the camera now.
    """

    def __init__(self, recorded_until: Callable[[str], int | None], clock: Clock) -> None:
        self._recorded_until = recorded_until
        self._clock = clock
        self._seen: dict[str, tuple[int | None, float]] = {}
        self._before: dict[str, int] = {}
        """How far a camera was recorded when the clock was set back. Earlier events need not wait
        until that time is reached again.
        """

    def of(self, camera_id: str, needed_ns: int) -> Progress:
        """Return whether `camera_id` is recorded up to `needed_ns`."""
        until_ns, now_s = self._recorded_until(camera_id), self._clock.monotonic_s()
        last_ns, since_s = self._seen.get(camera_id, (until_ns, now_s))
        if until_ns != last_ns:
            since_s = now_s
        self._seen[camera_id] = (until_ns, since_s)
        if until_ns is not None and until_ns >= needed_ns:
            return Progress.RECORDED
        if until_ns is not None and until_ns <= (last_ns or 0) - _EDGE_NS:
            self._before[camera_id] = last_ns or 0
        is_past = (
            until_ns is not None
            and until_ns + _EDGE_NS < needed_ns <= self._before.get(camera_id, 0) + _EDGE_NS
        )
        return (
            Progress.STOPPED if is_past or now_s - since_s >= STOPPED_AFTER_S else Progress.COMING
        )
