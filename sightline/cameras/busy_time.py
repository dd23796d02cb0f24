"""Measures how long at least one of several cameras works: the wall time that their work takes."""

from __future__ import annotations

import threading

from domain.clock import Clock


class BusyTime:
    """The time in which any camera works. It is thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._working: set[str] = set()
        self._since_s = self._earlier_s = 0.0
        """When the first of them began, and the time before that."""

    def begin(self, camera_id: str) -> None:
        """Note that a camera works from now on. It may work already."""
        with self._lock:
            if not self._working:
                self._since_s = self._clock.monotonic_s()
            self._working.add(camera_id)

    def end(self, camera_id: str) -> None:
        """Note that a camera works no more. It need not have worked."""
        with self._lock:
            if self._working == {camera_id}:
                self._earlier_s += self._clock.monotonic_s() - self._since_s
            self._working.discard(camera_id)

    def total_s(self) -> float:
        """Return the time so far."""
        with self._lock:
            now_s = self._clock.monotonic_s() if self._working else self._since_s
            return self._earlier_s + now_s - self._since_s
