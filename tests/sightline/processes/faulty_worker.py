"""A worker with a thread that fails when a file in its data folder names it.

It is started as `python -m tests.sightline.processes.faulty_worker`.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from domain.clock import SystemClock
from domain.log import set_up_logging
from domain.paths.data_layout import Layout
from sightline.processes import watchdog
from sightline.processes.supervisor import stop_on_signals
from sightline.worker import Worker

HANGS_AFTER_S = 2.0


class Fault:
    """A recorder of the writer and an owner of calls to the loop. Each fault happens once."""

    camera_id = "fault"
    waiting_bytes = 0
    due_s = 0.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def step(self, now_s: float) -> bool:
        if self._is_requested("writer hangs"):
            threading.Event().wait()
        if self._is_requested("writer ends"):
            raise SystemExit
        return True

    def look(self) -> None:
        if self._is_requested("loop hangs"):
            threading.Event().wait()
        if self._is_requested("loop ends"):
            raise SystemExit

    def abandon(self) -> None: ...

    def failed(self, error: Exception) -> None: ...

    def _is_requested(self, fault: str) -> bool:
        try:
            (self._folder / fault).unlink()
        except FileNotFoundError:
            return False
        return True


class FaultyWorker(Worker):
    def __init__(self, folder: Path) -> None:
        super().__init__(Layout(folder), 1, SystemClock())
        self._fault = Fault(folder)
        self._writer.add(self._fault)
        self._loop.call(self._fault, self._again)

    def _again(self) -> None:
        self._fault.look()
        self._loop.call_later(0.2, self._fault, self._again)


if __name__ == "__main__":
    watchdog.LOOP_HANGS_AFTER_S = watchdog.WRITER_HANGS_AFTER_S = HANGS_AFTER_S
    set_up_logging("INFO", "worker-1")
    FaultyWorker(Path(sys.argv[1])).run(stop_on_signals())
