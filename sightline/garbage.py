"""When the interpreter looks for garbage that refers to itself: seldom, and by the clock, for its looking stops every thread of a worker.

What is loaded at the start is left out for good. The rest is looked through once a minute, since by Python's own count of allocations a
camera that connects again and again would leave its last pictures in memory for hours.
"""

from __future__ import annotations

import gc
import threading

from domain.clock import Clock

COLLECT_EVERY_S = 60.0
_YOUNGEST = 100_000
"""New objects after which Python looks by itself, should so many come within a minute."""


def settle() -> None:
    """What is there by now stays: looking through it again and again was a tenth of what pulling costs."""
    gc.collect()
    gc.set_threshold(_YOUNGEST, 20, 20)
    gc.freeze()


class Collector:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, COLLECT_EVERY_S):
            gc.collect()
