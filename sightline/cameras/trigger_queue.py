"""Queues the triggers of a worker's cameras from threads that must not wait, and logs them."""

from __future__ import annotations

import logging
import threading
from collections import deque

from domain.clock import NS_PER_S, Clock
from domain.errors import StoreError
from domain.log import FloodGate
from domain.recordings.recording_metrics import TRIGGERS, TRIGGERS_LOST
from domain.recordings.triggers import LONGEST_NS, Trigger
from domain.registry.model import TriggerSource
from storage.recordings.trigger_log import TriggerLog

AHEAD_NS = 10 * NS_PER_S
"""A trigger is logged this far ahead, so that one that continues makes one line in ten seconds."""
MAX_QUEUED = 1_000
RETRY_S = 0.25
"""How often triggers are retried that the disk refused."""
IDLE_S = 10.0
_log = logging.getLogger(__name__)


class TriggerQueue:
    """Any thread calls `fire`; a thread of its own calls `run`, which ends when all is written."""

    def __init__(self, triggers: TriggerLog, clock: Clock) -> None:
        self._log = triggers
        self._clock = clock
        self._waiting: deque[Trigger] = deque()
        self._covered: dict[tuple[str, TriggerSource], tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def fire(
        self, camera_id: str, source: TriggerSource, start_ns: int, end_ns: int, reason: str = ""
    ) -> None:
        """Queue a trigger from `start_ns` to `end_ns`, which may continue. It never waits."""
        key = (camera_id, source)
        with self._lock:
            from_ns, until_ns = self._covered.get(key, (0, 0))
            if from_ns <= start_ns and end_ns <= until_ns:
                return
            if len(self._waiting) >= MAX_QUEUED:
                TRIGGERS_LOST.labels(camera_id).inc()
                self._warn(
                    "full",
                    f"{camera_id}: a trigger is lost: the disk refuses writes, the queue is full",
                )
                return
            trigger = Trigger(
                camera_id,
                source,
                max(start_ns, end_ns - LONGEST_NS + AHEAD_NS),
                end_ns + AHEAD_NS,
                reason,
            )
            joins = from_ns <= trigger.start_ns <= until_ns
            self._covered[key] = (from_ns if joins else trigger.start_ns, trigger.end_ns)
            self._waiting.append(trigger)
        self._woken.set()

    def wake(self) -> None:
        """Wake `run` after its `stop` was set."""
        self._woken.set()

    def is_requested(self, camera_id: str) -> bool:
        """Return whether a trigger requires a recording of the camera at this moment. If the log
        cannot be read, only the triggers of this process are known.
        """
        now_ns = self._clock.wall_ns()
        try:
            found = self._log.between(camera_id, now_ns, now_ns + 1)
        except OSError as error:
            self._warn(camera_id, f"the triggers of camera {camera_id} cannot be read: {error}")
            return self._is_covered(camera_id, now_ns)
        return any(trigger.end_ns > now_ns for trigger in found)

    def _is_covered(self, camera_id: str, now_ns: int) -> bool:
        with self._lock:
            return any(
                from_ns <= now_ns < until_ns
                for (own_id, _), (from_ns, until_ns) in self._covered.items()
                if own_id == camera_id
            )

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._clock.wait(self._woken, RETRY_S if self._waiting else IDLE_S)
            self._woken.clear()
            self.write()
        self.write()

    def write(self) -> None:
        """Log the queued triggers. The next call retries those that the disk refused."""
        while self._waiting:
            trigger = self._waiting[0]
            try:
                # Motion triggers again within seconds, so its line need not survive a power cut.
                self._log.add(trigger, durable=trigger.source != "motion")
            except StoreError as error:
                self._warn("refused", f"triggers are kept in memory: {error}")
                return
            TRIGGERS.labels(trigger.camera_id, trigger.source).inc()
            self._waiting.popleft()
