"""Jobs that last: one that fails by a fault of ours is shown in full, counted, and begun again,
and stops nobody else.
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
"""Runs until its event is set."""
Wake = Callable[[], None]
"""Wakes a job that waits for something else too, so that it sees that its event is set."""


def lasting(
    job: str, whose: str, target: Callable[[], None], stop: threading.Event, clock: Clock
) -> None:
    """Run `target` until it ends by itself, again after a pause where it raises; not again once
    `stop` is set.

    A thread that dies unseen is the worst of faults: its process goes on, and one camera is never
    recorded or looked at again.
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
    """The lasting jobs of a process, a thread each."""

    def __init__(
        self, jobs: Mapping[str, Job], whose: str, clock: Clock, wakes: Sequence[Wake] = ()
    ) -> None:
        self._stop = threading.Event()
        self._wakes = wakes
        self._threads = [
            threading.Thread(
                target=lasting,
                args=(name, whose, partial(job, self._stop), self._stop, clock),
                name=name,
            )
            for name, job in jobs.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def dead(self) -> list[str]:
        """Those whose thread ended although nobody asked it to: nothing begins them again."""
        return (
            []
            if self._stop.is_set()
            else [thread.name for thread in self._threads if thread.ident and not thread.is_alive()]
        )

    def stop(self) -> None:
        """Ask all to end, and wait until they have."""
        self._stop.set()
        for wake in self._wakes:
            wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
