"""The thread of a worker that writes recordings: the recorders of its cameras take turns."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from domain.clock import Clock
from domain.metrics import JOB_FAILURES

TICK_S = 0.1
"""The least time between two turns, which several recorders share."""
_GATHER_S = 0.05
"""The wait for further recorders that become due, because cameras are read together."""
_MAX_WAIT_S = 1.0
MAX_BYTES = 256 << 20
"""The largest amount of unwritten data of all cameras of a worker."""
_log = logging.getLogger(__name__)


class RecordingSink(Protocol):
    """The interface of a recorder towards the writer."""

    camera_id: str
    due_s: float
    """When its next turn is due; another thread may set it."""

    @property
    def waiting_bytes(self) -> int:
        """The size of its unwritten data."""

    def step(self, now_s: float) -> bool:
        """Write the data that is due. Return False if there will be no more."""

    def abandon(self) -> None:
        """Give up the open files and start again, because a software fault stopped a step."""


class DiskWriter:
    """Calls recorders when they are due, in one thread, and survives their errors. A disk that
    hangs blocks only this thread. The data that recorders hold is bounded; the rest is lost and
    counted.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recorders: tuple[RecordingSink, ...] = ()
        self._lock = threading.Lock()
        self._next_s = 0.0
        self._wake_up = threading.Event()

    def add(self, recorder: RecordingSink) -> None:
        with self._lock:
            self._recorders = (*self._recorders, recorder)

    def schedule(self, due_s: float) -> None:
        """Schedule a recorder for `due_s`. Any thread may call it."""
        if due_s < self._next_s and not self._wake_up.is_set():
            self._wake_up.set()

    def wake(self) -> None:
        """Wake the thread, because `stop` was set."""
        self._wake_up.set()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop`, which must be set only after all recorders are closed."""
        while not stop.is_set():
            self._wake_up.clear()
            now_s = self._clock.monotonic_s()
            self._next_s = now_s + _MAX_WAIT_S
            self._next_s = min(
                [
                    self._next_s,
                    *[max(now_s + TICK_S, recorder.due_s) for recorder in self._recorders],
                ]
            )
            if self._clock.wait(self._wake_up, self._next_s - now_s):
                self._clock.wait(stop, _GATHER_S)
            self.step()
        self.step()

    def step(self) -> None:
        """Call each recorder that is due."""
        now_s = self._clock.monotonic_s()
        ended = {
            id(recorder)
            for recorder in self._recorders
            if recorder.due_s <= now_s and not self._step(recorder, now_s)
        }
        if ended:
            with self._lock:
                self._recorders = tuple(
                    recorder for recorder in self._recorders if id(recorder) not in ended
                )

    def has_room(self) -> bool:
        """Return whether the unwritten data may still grow. It asks all recorders, so only a
        recorder beyond its share calls it.
        """
        return self.waiting_part() < 1.0

    def waiting_part(self) -> float:
        """Return the unwritten data as a part of the limit, 0 to 1."""
        return sum(recorder.waiting_bytes for recorder in self._recorders) / MAX_BYTES

    def _step(self, recorder: RecordingSink, now_s: float) -> bool:
        try:
            return recorder.step(now_s)
        except Exception:  # noqa: BLE001 - logged with its traceback and counted
            _log.exception(
                "%s: recording failed; it resumes at the next keyframe", recorder.camera_id
            )
            JOB_FAILURES.labels(recorder.camera_id, "record").inc()
            recorder.abandon()
            return True
