"""Grants turns on the cores of a worker to its checkpoints, for decoding and for looks.

A checkpoint requests one turn at a time, and the request with the earliest due time is granted
next. A request is due when it is made, or a little later: if nothing is in view, and later still if
everything in view is settled, because the events of that are published. It is also due later by the
mean duration of the turns of its camera, so that a crowded scene or a large picture does not take
the time of the others. Later requests have later due times in the end, so no camera waits without
end.

A thread may hang in a decoder or a model. Its turn then counts as ended, so that it takes the time
of one core and not the turns of all other cameras.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from domain.clock import Clock

_log = logging.getLogger(__name__)


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
MAX_COST_S = 0.1
_COST_WEIGHT = 0.2
HANGS_AFTER_S = 10.0
"""A turn that lasts longer counts as ended. Those that end by themselves last up to some tenths of
a second.
"""
_CHECK_S = 1.0
"""How often a request that waits checks for turns that hang."""


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
    """Turns of one kind, `concurrency` of them concurrently. Each camera has one at most.

    It is thread-safe.
    """

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._free = max(1, concurrency)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[TurnRequest] = []
        self._began_s: dict[str, float] = {}
        """When the turns began that are held, by camera, without those that hang."""
        self._cost_s: dict[str, float] = {}

    @property
    def has_waiting(self) -> bool:
        """Whether a camera waits for a turn."""
        return bool(self._waiting)

    def is_waiting(self, camera_id: str) -> bool:
        """Return whether this camera waits for a turn."""
        with self._lock:
            return any(one.camera_id == camera_id for one in self._waiting)

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
            now_s = self._clock.monotonic_s()
            if self._free:
                self._free -= 1
                self._began_s[camera_id] = now_s
                return now_s
            cost_s = self._cost_s.get(camera_id, 0.0)
            request = TurnRequest(camera_id, now_s, in_view, cost_s)
            self._waiting.append(request)
        while not request.granted.wait(_CHECK_S):
            self.end_hanging()
        return self._clock.monotonic_s()

    def end(self, camera_id: str, began_s: float) -> None:
        """Update the camera's mean duration, and grant the turn to the next request."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            duration_s = now_s - began_s
            before_s = self._cost_s.get(camera_id, duration_s)
            self._cost_s[camera_id] = before_s + _COST_WEIGHT * (duration_s - before_s)
            self._pass_on(camera_id, now_s)

    def end_hanging(self) -> None:
        """Grant the turns that hang to the next requests."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            hang = [one for one, at_s in self._began_s.items() if now_s - at_s > HANGS_AFTER_S]
            for camera_id in hang:
                self._pass_on(camera_id, now_s)
        for camera_id in hang:
            _log.error(
                "%s: a picture has taken more than %.0f s to decode or to analyse; the other "
                "cameras of the worker continue without it",
                camera_id,
                HANGS_AFTER_S,
            )

    def _pass_on(self, camera_id: str, now_s: float) -> None:
        """Grant the turn of a camera to the next request, unless it hung and is granted already."""
        if self._began_s.pop(camera_id, None) is None:
            return
        if not self._waiting:
            self._free += 1
            return
        following = first_due(self._waiting)
        self._waiting.remove(following)
        self._began_s[following.camera_id] = now_s
        following.granted.set()

    def forget(self, camera_id: str) -> None:
        """Forget a camera that this worker no longer runs. A turn that its thread still holds ends:
        the next run of the camera has turns of its own.
        """
        with self._lock:
            self._cost_s.pop(camera_id, None)
            self._pass_on(camera_id, self._clock.monotonic_s())
