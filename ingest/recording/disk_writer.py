"""The one thread of a worker in which recordings are written: the recorders of its cameras take
turns.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from domain.clock import Clock
from domain.metrics import JOB_FAILURES

TICK_S = 0.1
"""No turns come sooner one after the other: recorders share them."""
_TOGETHER_S = 0.05
"""What is told of comes with more of its kind: cameras are read together."""
_LONGEST_S = 1.0
MAX_BYTES = 256 << 20
"""What all cameras of a worker may hold that is not written yet."""
_log = logging.getLogger(__name__)


class RecordingSink(Protocol):
    """A recorder, as the writer sees it."""

    camera_id: str
    due_s: float
    """When its next turn is wanted; it may be set by another thread."""

    @property
    def waiting_bytes(self) -> int:
        """What it holds that is not written yet."""

    def step(self, now_s: float) -> bool:
        """Write what is due; False once there will be no more."""

    def abandon(self) -> None:
        """A step failed by a fault of ours: give up the open files, and begin anew."""


class DiskWriter:
    """Gives recorders their turns as they are due, in one thread, whatever one of them does. A disk
    that hangs holds up this thread and nothing else: what recorders hold is bounded, and what they
    cannot hold is lost and counted.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recorders: tuple[RecordingSink, ...] = ()
        self._lock = threading.Lock()
        self._next_s = 0.0
        self._woken = threading.Event()

    def add(self, recorder: RecordingSink) -> None:
        with self._lock:
            self._recorders = (*self._recorders, recorder)

    def expect(self, due_s: float) -> None:
        """A recorder is due then. From any thread."""
        if due_s < self._next_s and not self._woken.is_set():
            self._woken.set()

    def wake(self) -> None:
        """`stop` was set."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`, which is to be set when all recorders are closed."""
        while not stop.is_set():
            self._woken.clear()
            now_s = self._clock.monotonic_s()
            self._next_s = now_s + _LONGEST_S
            self._next_s = min(
                [
                    self._next_s,
                    *[max(now_s + TICK_S, recorder.due_s) for recorder in self._recorders],
                ]
            )
            if self._clock.wait(self._woken, self._next_s - now_s):
                self._clock.wait(stop, _TOGETHER_S)
            self.step()
        self.step()

    def step(self) -> None:
        """One turn for each recorder that is due."""
        now_s = self._clock.monotonic_s()
        ended = {
            id(recorder)
            for recorder in self._recorders
            if recorder.due_s <= now_s and not self._goes_on(recorder, now_s)
        }
        if ended:
            with self._lock:
                self._recorders = tuple(
                    recorder for recorder in self._recorders if id(recorder) not in ended
                )

    def has_room(self) -> bool:
        """Whether what waits to be written may still grow. For the rare one that holds more
        than its share: it asks all others.
        """
        return self.waiting_part() < 1.0

    def waiting_part(self) -> float:
        """How much of what may wait to be written does, 0 to 1."""
        return sum(recorder.waiting_bytes for recorder in self._recorders) / MAX_BYTES

    def _goes_on(self, recorder: RecordingSink, now_s: float) -> bool:
        try:
            return recorder.step(now_s)
        except Exception:  # noqa: BLE001 - logged with its traceback and counted
            _log.exception(
                "%s: recording failed; it resumes at the next keyframe", recorder.camera_id
            )
            JOB_FAILURES.labels(recorder.camera_id, "record").inc()
            recorder.abandon()
            return True
