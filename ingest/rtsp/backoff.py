"""Computes when to reconnect: exponential backoff with jitter, so that neither one camera nor a
group of them retries rapidly. Pure.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from domain.camera_states import Why

FIRST_S = 0.5
MAX_S = 5.0
"""The longest wait while few cameras are unreachable, and of an urgent camera. The camera is back
within ten seconds of the end of its fault: this wait, plus the time of a connection that started
before.
"""
HEALTHY_S = 10.0
"""A session with this many seconds of media was healthy, and resets the count of failures."""
TRIES_PER_S = 100.0
"""So often a second, on average, a worker tries its unreachable cameras in all. A refused
connection costs half a millisecond, and without a bound thousands of cameras take a whole core.
"""
UNREACHABLE = frozenset({Why.REFUSED, Why.NO_ROUTE, Why.NO_ANSWER})
"""The failures of cameras that share the tries. A camera that was connected and failed does not,
because an overloaded machine or network can be the cause.
"""
_MEAN_WAIT = 0.75
"""The mean of a wait as a part of its step."""


class UnreachableCameras:
    """The cameras of one worker to which no connection could be made. They share its tries.

    Threads may add and remove cameras at the same time, because both are atomic.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, camera_id: str) -> None:
        self._ids.add(camera_id)

    def discard(self, camera_id: str) -> None:
        self._ids.discard(camera_id)

    @property
    def step_s(self) -> float:
        """The step of their waits with which they are tried `TRIES_PER_S` times a second."""
        return len(self._ids) / (_MEAN_WAIT * TRIES_PER_S)


class Backoff:
    """The waits between the sessions of one camera.

    Each wait is between half and all of its step, which is `FIRST_S` doubled with every failure in
    a row, at most `MAX_S`. Cameras that failed together therefore do not reconnect together.

    Many unreachable cameras have longer steps, `shared_step_s`, except urgent ones. A camera that
    was healthy reaches that step by doubling, so that a short fault stays short.
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._failures = 0
        self._was_healthy = False

    @property
    def failures(self) -> int:
        """The number of consecutive sessions with too little media to be healthy."""
        return self._failures

    def next_s(self, media_s: float, shared_step_s: float = 0.0, is_urgent: bool = False) -> float:
        """Return how long to wait after a session with `media_s` seconds of media.

        `shared_step_s` is the step that all unreachable cameras of the worker share; 0 after a
        session that had a connection. It does not apply to an urgent camera, for which a viewer
        or a trigger waits.
        """
        if is_urgent:
            shared_step_s = 0.0
        if media_s >= HEALTHY_S:
            self._failures = 0
            self._was_healthy = True
        step_s = min(max(MAX_S, shared_step_s), FIRST_S * 2.0 ** min(self._failures, 16))
        if not self._was_healthy:
            step_s = max(step_s, shared_step_s)
        self._failures += 1
        return self._uniform(step_s / 2, step_s)
