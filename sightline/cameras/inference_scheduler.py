"""Schedules the frame analyses of a worker's checkpoints on a limited number of cores.

A camera waits with one frame, and its decoder waits with it; later packets stay encoded in a
bounded queue, which counts what it drops. `turns.py` decides whose turn is next. While the analyses
are late, the rate of all of them is lowered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.clock import NS_PER_S, Clock
from domain.metrics import ANALYSED_FRAMES_RATIO, ANALYSIS_DELAY_S
from sightline.cameras.turns import InView, Turns

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


class InferenceScheduler:
    """Grants turns to the cameras of a worker, `concurrency` of them concurrently. Thread-safe."""

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._clock = clock
        self._turns = Turns(concurrency, clock)
        self._lock = threading.Lock()
        self._backlog = RateController()

    @property
    def part(self) -> float:
        """The part of the configured analysis rate, below 1 while this worker is behind."""
        return self._backlog.part

    @contextmanager
    def turn(self, camera_id: str, in_view: InView, arrived_ns: int | None) -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs.

        `in_view` is what the last frame showed. `arrived_ns` is the arrival time (UTC) of the
        frame's packet. It is None for a packet that the decode gate held, which does not show how
        far this worker is behind.
        """
        with self._turns.turn(camera_id, in_view):
            self._add_delay(arrived_ns, self._clock.monotonic_s())
            yield

    def is_waiting(self, camera_id: str) -> bool:
        """Return whether this camera waits for a turn."""
        return self._turns.is_waiting(camera_id)

    def forget(self, camera_id: str) -> None:
        """Forget a camera that this worker no longer runs."""
        self._turns.forget(camera_id)

    def _add_delay(self, arrived_ns: int | None, now_s: float) -> None:
        if arrived_ns is None:
            return
        behind_s = (self._clock.wall_ns() - arrived_ns) / NS_PER_S
        with self._lock:
            if self._backlog.feed(min(behind_s, _MAX_DELAY_S), now_s):
                ANALYSED_FRAMES_RATIO.set(self._backlog.part)
                ANALYSIS_DELAY_S.set(self._backlog.behind_s)
