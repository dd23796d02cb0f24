"""Whether the two threads through which all cameras of a worker go still turn: the pull loop and
the disk writer.

Each is asked for a sign of life by whoever watches, by the way that its own work takes: a call to
the loop, a turn of the writer. What counts is how often the watcher looked in vain: a machine that
stood still as a whole has nobody who hangs.
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
"""Its tick is 0.1 s, and nothing that it does may wait; a machine that is overloaded is slow,
though, and no slower for a restart.
"""
WRITER_HANGS_AFTER_S = 60.0
"""A disk may hang for a while, and what cameras send waits in memory meanwhile; after so long
that is full, and a restart costs nothing.
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hang:
    """A thread that gave no sign of life for too long; the last was at `since_ns` (UTC)."""

    thread: str
    since_ns: int


class Pulse:
    """One thread. `looked` is for the one who watches; the thread itself calls `beats`."""

    def __init__(
        self, thread: str, hangs_after_s: float, ask: Callable[[], None], clock: Clock
    ) -> None:
        self._thread = thread
        self._hangs_after_s = hangs_after_s
        self._ask = ask
        self._clock = clock
        self._since_ns = clock.wall_ns()
        self._vain_s = 0.0
        self._has_beaten = True

    def beats(self) -> None:
        self._has_beaten = True

    def looked(self, every_s: float) -> Hang | None:
        """Look once, which is done every `every_s`."""
        if self._has_beaten:
            self._has_beaten, self._vain_s, self._since_ns = False, 0.0, self._clock.wall_ns()
            self._ask()
            return None
        self._vain_s += every_s
        return Hang(self._thread, self._since_ns) if self._vain_s > self._hangs_after_s else None


class Watchdog:
    """Also the loop's `Owner` of what it is asked, and to the writer one of the recorders that
    take turns.
    """

    camera_id = "pulse"
    waiting_bytes = 0

    def __init__(self, loop: PullLoop, writer: DiskWriter, clock: Clock) -> None:
        self._loop = Pulse(
            "pull loop", LOOP_HANGS_AFTER_S, lambda: loop.call(self, self._loop.beats), clock
        )
        self._writer = Pulse("disk writer", WRITER_HANGS_AFTER_S, self._ask_writer, clock)
        self.due_s = math.inf
        writer.add(self)

    def looked(self, every_s: float) -> Hang | None:
        """The first that hangs, where one does."""
        return self._loop.looked(every_s) or self._writer.looked(every_s)

    def step(self, now_s: float) -> bool:
        self._writer.beats()
        self.due_s = math.inf
        return True

    def _ask_writer(self) -> None:
        """For its next turn, whenever that is: none is made for this."""
        self.due_s = 0.0

    def abandon(self) -> None:
        """Nothing is open here."""

    def failed(self, error: Exception) -> None:
        _log.error("the heartbeat of the pull loop cannot be written: %s", error)
