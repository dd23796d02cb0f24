"""Gives live analysis its time: this process runs only on idle cores, and waits while a worker of
the node is behind.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from domain.clock import NS_PER_S, Clock
from domain.errors import Cancelled
from domain.paths.data_layout import Layout
from sightline.processes.status_file import read_worker_statuses

CHECK_EVERY_S = 2.0
FRESH_S = 10.0
"""A worker that is older in its file does not run."""
_LOWEST = 19


def run_at_idle_priority() -> None:
    """Let the kernel run this thread, and those that it starts, only where no other process of the
    machine wants a core.
    """
    os.nice(_LOWEST)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def is_live_behind(layout: Layout, clock: Clock) -> bool:
    """Return whether a running worker of this node leaves out pictures because it is behind."""
    now_ns = clock.wall_ns()
    files = [file for file in layout.statuses.glob("*.json") if file.stem.isdecimal()]
    return any(
        status.analysed_part < 1.0
        for file in files
        if now_ns - file.stat().st_mtime_ns < FRESH_S * NS_PER_S
        for status in read_worker_statuses(layout, int(file.stem))
    )


class LivePriority:
    """Waits while live analysis is behind. One thread calls `wait_while_behind` for each frame."""

    def __init__(self, is_behind: Callable[[], bool], clock: Clock, stop: threading.Event) -> None:
        self._is_behind = is_behind
        self._clock = clock
        self._stop = stop
        self._due_s = 0.0

    def wait_while_behind(self) -> None:
        """Return when live analysis is not behind. Raises Cancelled once `stop` is set."""
        if self._stop.is_set():
            raise Cancelled("stopped")
        if self._clock.monotonic_s() < self._due_s:
            return
        while self._is_behind():
            if self._clock.wait(self._stop, CHECK_EVERY_S):
                raise Cancelled("stopped")
        self._due_s = self._clock.monotonic_s() + CHECK_EVERY_S
