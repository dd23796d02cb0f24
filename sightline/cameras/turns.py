"""Grants turns on the cores of a worker to its checkpoints, for decoding and for looks.

A checkpoint requests one turn at a time, and the request with the earliest due time is granted
next. A request is due when it is made, or a little later: if nothing is in view, and later still if
everything in view is settled, because the events of that are published. It is also due later by the
mean duration of the turns of its camera, so that a crowded scene or a large picture does not take
the time of the others. Later requests have later due times in the end, so no camera waits without
end.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from domain.clock import Clock


class InView(Enum):
    """What a camera shows, as far as turns depend on it."""

    UNSETTLED = "unsettled"
    """Something whose event is to be published, or may still change."""
    NOTHING = "nothing"
    SETTLED = "settled"
    """Only vehicles whose plates were read with certainty, and whose events are published."""


YIELD_S = {InView.UNSETTLED: 0.0, InView.NOTHING: 0.1, InView.SETTLED: 0.3}
"""A camera yields to requests that others make up to so much later.

What is settled waits longest, because further pictures hardly change an event that is published.
Another vehicle may still come in them, so it waits only for about as long as one takes to settle.
"""
MOST_YIELD_S = max(YIELD_S.values())
MAX_COST_S = 0.1
_COST_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """One camera's request for a turn; `cost_s` is the mean duration of its turns."""

    camera_id: str
    requested_s: float
    in_view: InView
    cost_s: float = 0.0
    granted: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def due_s(self) -> float:
        return self.requested_s + YIELD_S[self.in_view] + min(self.cost_s, MAX_COST_S)


def first_due(waiting: Sequence[TurnRequest]) -> TurnRequest:
    """Return the request whose turn is next; of equal due times, the oldest one.

    Raises ValueError where `waiting` is empty.
    """
    return min(waiting, key=lambda request: (request.due_s, request.requested_s))


class Turns:
    """Turns of one kind, `concurrency` of them concurrently. Thread-safe."""

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._free = max(1, concurrency)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[TurnRequest] = []
        self._cost_s: dict[str, float] = {}

    @property
    def has_waiting(self) -> bool:
        """Whether a camera waits for a turn."""
        return bool(self._waiting)

    @contextmanager
    def turn(self, camera_id: str, in_view: InView) -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs."""
        began_s = self.begin(camera_id, in_view)
        try:
            yield
        finally:
            self.end(camera_id, began_s)

    def begin(self, camera_id: str, in_view: InView) -> float:
        """Wait for a turn, and return when it began. The caller must `end` it."""
        with self._lock:
            if self._free:
                self._free -= 1
                return self._clock.monotonic_s()
            request = TurnRequest(
                camera_id, self._clock.monotonic_s(), in_view, self._cost_s.get(camera_id, 0.0)
            )
            self._waiting.append(request)
        request.granted.wait()
        return self._clock.monotonic_s()

    def end(self, camera_id: str, began_s: float) -> None:
        """Update the camera's mean duration, and grant the turn to the next request."""
        duration_s = self._clock.monotonic_s() - began_s
        with self._lock:
            before_s = self._cost_s.get(camera_id, duration_s)
            self._cost_s[camera_id] = before_s + _COST_WEIGHT * (duration_s - before_s)
            if not self._waiting:
                self._free += 1
                return
            following = first_due(self._waiting)
            self._waiting.remove(following)
        following.granted.set()

    def forget(self, camera_id: str) -> None:
        """Forget a camera that this worker no longer runs."""
        with self._lock:
            self._cost_s.pop(camera_id, None)
