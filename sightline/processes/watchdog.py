"""Detects a hang of the pull loop or of the disk writer, which serve all cameras of a worker.

The worker's main thread requests a heartbeat of each in the way that its work arrives: by a call to
the loop, and by a turn of the writer. Only checks without a heartbeat count, so that a machine that
was suspended as a whole does not look like a hang.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from domain.clock import Clock
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop

LOOP_HANGS_AFTER_S = 20.0
"""The loop ticks every 0.1 s and never waits, but an overloaded machine may delay it."""
WRITER_HANGS_AFTER_S = 60.0
"""A disk may hang for a while, with packets queued in memory; after this long the queue is full."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hang:
    """A thread without a heartbeat for too long."""

    thread: str
    since_ns: int
    """The time (UTC) of its last heartbeat."""


class ThreadProbe:
    """Checks one thread: the watching thread calls `check`, the checked one `on_heartbeat`."""

    def __init__(
        self, thread: str, hangs_after_s: float, request: Callable[[], None], clock: Clock
    ) -> None:
        """`request` requests a heartbeat of the thread."""
        self._thread = thread
        self._hangs_after_s = hangs_after_s
        self._request = request
        self._clock = clock
        self._since_ns = clock.wall_ns()
        self._silent_s = 0.0
        self._has_heartbeat = True

    def on_heartbeat(self) -> None:
        self._has_heartbeat = True

    def check(self, every_s: float) -> Hang | None:
        """Check for a heartbeat. It is called every `every_s`."""
        if self._has_heartbeat:
            self._has_heartbeat, self._silent_s = False, 0.0
            self._since_ns = self._clock.wall_ns()
            self._request()
            return None
        self._silent_s += every_s
        return Hang(self._thread, self._since_ns) if self._silent_s > self._hangs_after_s else None


class Watchdog:
    """Checks both threads of a worker.

    It is the `Owner` of its calls to the loop, and has turns of the writer like a recorder.
    """

    camera_id = "pulse"
    waiting_bytes = 0

    def __init__(self, loop: PullLoop, writer: DiskWriter, clock: Clock) -> None:
        self._loop = ThreadProbe(
            "pull loop",
            LOOP_HANGS_AFTER_S,
            lambda: loop.call(self, self._loop.on_heartbeat),
            clock,
        )
        self._writer = ThreadProbe("disk writer", WRITER_HANGS_AFTER_S, self._request_turn, clock)
        self.due_s = math.inf
        writer.add(self)

    def check(self, every_s: float) -> Hang | None:
        """Check both threads and return the first that hangs. It is called every `every_s`."""
        return self._loop.check(every_s) or self._writer.check(every_s)

    def step(self, now_s: float) -> bool:
        self._writer.on_heartbeat()
        self.due_s = math.inf
        return True

    def _request_turn(self) -> None:
        """Join the writer's next turn, whenever that is."""
        self.due_s = 0.0

    def abandon(self) -> None:
        """Do nothing: no file is open."""

    def failed(self, error: Exception) -> None:
        _log.error("the heartbeat of the pull loop cannot be written: %s", error)
