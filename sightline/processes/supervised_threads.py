"""Runs jobs in supervised threads: a failure is logged and counted, and the job restarts.

A failed job does not stop other jobs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from domain.clock import Clock
from domain.metrics import JOB_FAILURES

_log = logging.getLogger(__name__)
PAUSE_S = 5.0
Job = Callable[[threading.Event], None]
"""A function that runs until its event is set."""
Wake = Callable[[], None]
"""Wakes a job that also waits for something else, so that it checks its event."""


def run_supervised(
    job: str, whose: str, target: Callable[[], None], stop: threading.Event, clock: Clock
) -> None:
    """Run `target` until it returns; if it raises, run it again after a pause, until `stop`.

    A thread that ends unnoticed is a severe fault: its process continues, but a camera is never
    recorded or analysed again.
    """
    while True:
        try:
            return target()
        except Exception:  # noqa: BLE001 - logged with its traceback and counted
            _log.exception("%s: the job `%s` failed; it restarts in %.0f s", whose, job, PAUSE_S)
            JOB_FAILURES.labels(whose, job).inc()
        if clock.wait(stop, PAUSE_S):
            return None


class Jobs:
    """The jobs of a process, each in a supervised thread."""

    def __init__(
        self, jobs: Mapping[str, Job], whose: str, clock: Clock, wakes: Sequence[Wake] = ()
    ) -> None:
        self._stop = threading.Event()
        self._wakes = wakes
        self._threads = [
            threading.Thread(
                target=run_supervised,
                args=(name, whose, partial(job, self._stop), self._stop, clock),
                name=name,
            )
            for name, job in jobs.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def dead(self) -> list[str]:
        """Return the jobs whose thread ended before `stop`; they do not restart."""
        return (
            []
            if self._stop.is_set()
            else [thread.name for thread in self._threads if thread.ident and not thread.is_alive()]
        )

    def stop(self) -> None:
        """Stop all jobs and wait for their threads."""
        self._stop.set()
        for wake in self._wakes:
            wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
