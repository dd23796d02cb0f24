"""Computes when to reconnect: exponential backoff with jitter, so that neither one camera nor a
group of them retries rapidly. Pure.
"""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_S = 0.5
MAX_S = 5.0
"""The longest wait. A camera is back within ten seconds of the end of its fault: this wait, plus
the time of a connection that started before.
"""
HEALTHY_S = 10.0
"""A session with this many seconds of media was healthy, and resets the count of failures."""


class Backoff:
    """The waits between the sessions of one camera.

    Each wait is between half and all of its step, which is `FIRST_S` doubled with every failure in
    a row, at most `MAX_S`. Cameras that failed together therefore do not reconnect together.
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._failures = 0

    @property
    def failures(self) -> int:
        """The number of consecutive sessions with too little media to be healthy."""
        return self._failures

    def next_s(self, media_s: float) -> float:
        """Return how long to wait after a session with `media_s` seconds of media."""
        if media_s >= HEALTHY_S:
            self._failures = 0
        step_s = min(MAX_S, FIRST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return self._uniform(step_s / 2, step_s)
