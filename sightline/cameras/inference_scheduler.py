"""Schedules the frame analyses of a worker's checkpoints on a limited number of cores.

A camera waits with one frame, and its decoder waits with it; later packets stay encoded in a
bounded queue, which counts what it drops. The next turn goes to the request with the earliest due
time. A request is due when it is made, a little later if the camera tracks nothing, and later by
the camera's mean analysis time, so that a crowded scene does not take the time of the others. Later
requests have later due times in the end, so no camera waits without end.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.clock import NS_PER_S, Clock
from domain.metrics import ANALYSED_FRAMES_RATIO, ANALYSIS_DELAY_S

PATIENCE_S = 0.1
"""A camera with nothing in view yields to tracking cameras that request up to this much later."""
MAX_COST_S = 0.1
_COST_WEIGHT = 0.2
_MAX_DELAY_S = 10.0
"""A frame that seems to have waited longer arrived before this machine's clock was set."""
BEHIND_S, CAUGHT_UP_S = 0.25, 0.1
"""Bounds of the mean delay from a packet's arrival to its analysis.

Above the first the analysis rate is too high; below the second it may rise.
"""
MIN_PART = 0.5
"""A lower rate saves no time (`docs/analytics.md`).

Each look then covers more of the frame, and reads the plate to recognise it.
"""
SLOWER, FASTER = 0.8, 0.05
"""The rate falls by a factor within seconds, and rises slowly by a step."""
STEP_S = 1.0


def next_part(part: float, behind_s: float) -> float:
    """Return the part of the analysis rate for the next `STEP_S`.

    In the last step the part was `part` and the mean delay `behind_s`.
    """
    if behind_s > BEHIND_S:
        return max(MIN_PART, part * SLOWER)
    if behind_s < CAUGHT_UP_S:
        return min(1.0, part + FASTER)
    return part


@dataclass(slots=True)
class RateController:
    """Lowers the analysis rate of all checkpoints of a worker while it is behind.

    So no checkpoint loses a passing. Not thread-safe.
    """

    part: float = 1.0
    behind_s: float = 0.0
    """The mean delay of the last whole step."""
    _since_s: float | None = None
    _sum_s: float = 0.0
    _looks: int = 0

    def feed(self, behind_s: float, now_s: float) -> bool:
        """Add the delay of a look that starts now; return whether that ended a step.

        A negative delay counts as 0.
        """
        if self._since_s is None:
            self._since_s = now_s
        self._sum_s += max(0.0, behind_s)
        self._looks += 1
        if now_s - self._since_s < STEP_S:
            return False
        self.behind_s = self._sum_s / self._looks
        self.part = next_part(self.part, self.behind_s)
        self._since_s, self._sum_s, self._looks = now_s, 0.0, 0
        return True


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """One camera's request for a turn; `cost_s` is the mean duration of its looks."""

    camera_id: str
    requested_s: float
    is_followed: bool
    cost_s: float = 0.0
    granted: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def due_s(self) -> float:
        patience_s = 0.0 if self.is_followed else PATIENCE_S
        return self.requested_s + patience_s + min(self.cost_s, MAX_COST_S)


def first_due(waiting: Sequence[TurnRequest]) -> TurnRequest:
    """Return the request whose turn is next; of equal due times, the oldest one.

    Raises ValueError where `waiting` is empty.
    """
    return min(waiting, key=lambda request: (request.due_s, request.requested_s))


class InferenceScheduler:
    """Grants turns to the cameras of a worker, `concurrency` of them concurrently. Thread-safe."""

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._free = max(1, concurrency)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[TurnRequest] = []
        self._cost_s: dict[str, float] = {}
        self._backlog = RateController()

    @property
    def part(self) -> float:
        """The part of the configured analysis rate, below 1 while this worker is behind."""
        return self._backlog.part

    @contextmanager
    def turn(self, camera_id: str, is_followed: bool, arrived_ns: int | None) -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs.

        `arrived_ns` is the arrival time (UTC) of the frame's packet. It is None for a packet that
        the decode gate held, which does not show how far this worker is behind.
        """
        self._wait(camera_id, is_followed)
        began_s = self._clock.monotonic_s()
        try:
            self._add_delay(arrived_ns, began_s)
            yield
        finally:
            self._release(camera_id, self._clock.monotonic_s() - began_s)

    def forget(self, camera_id: str) -> None:
        """Forget a camera that this worker no longer runs."""
        with self._lock:
            self._cost_s.pop(camera_id, None)

    def _wait(self, camera_id: str, is_followed: bool) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            request = TurnRequest(
                camera_id, self._clock.monotonic_s(), is_followed, self._cost_s.get(camera_id, 0.0)
            )
            self._waiting.append(request)
        request.granted.wait()

    def _release(self, camera_id: str, duration_s: float) -> None:
        """Update the camera's mean duration and grant the turn to the next request."""
        with self._lock:
            before_s = self._cost_s.get(camera_id, duration_s)
            self._cost_s[camera_id] = before_s + _COST_WEIGHT * (duration_s - before_s)
            if not self._waiting:
                self._free += 1
                return
            following = first_due(self._waiting)
            self._waiting.remove(following)
        following.granted.set()

    def _add_delay(self, arrived_ns: int | None, now_s: float) -> None:
        if arrived_ns is None:
            return
        behind_s = (self._clock.wall_ns() - arrived_ns) / NS_PER_S
        with self._lock:
            if self._backlog.feed(min(behind_s, _MAX_DELAY_S), now_s):
                ANALYSED_FRAMES_RATIO.set(self._backlog.part)
                ANALYSIS_DELAY_S.set(self._backlog.behind_s)
