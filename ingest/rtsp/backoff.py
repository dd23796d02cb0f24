"""When to try again: exponential with jitter, so that neither one camera nor a street of them
spins. Pure.
"""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_S = 0.5
MAX_S = 5.0
"""A camera is back within ten seconds of its fault's end: this, and the time of a connection
that began before it.
"""
HEALTHY_S = 10.0
"""A session that gave this many seconds of media was healthy: what ended it is new, and the
count starts again.
"""


class Backoff:
    """The waits between the sessions of one camera.

    Each wait lies between half and all of its step (`FIRST_S` doubled with every failure in a row,
    at most `MAX_S`), so cameras that fell together do not come back together.
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._failures = 0

    @property
    def failures(self) -> int:
        """Sessions in a row that gave too little media to be called healthy."""
        return self._failures

    def next_s(self, media_s: float) -> float:
        """How long to wait after a session that gave `media_s` seconds of media."""
        if media_s >= HEALTHY_S:
            self._failures = 0
        step_s = min(MAX_S, FIRST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return self._uniform(step_s / 2, step_s)
