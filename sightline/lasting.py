"""Jobs that last: one that fails by a fault of ours is shown in full, counted, and begun again, and stops nobody else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from domain.clock import Clock
from domain.metrics import JOB_FAILURES

log = logging.getLogger(__name__)
PAUSE_S = 5.0


def lasting(job: str, whose: str, target: Callable[[], None], stop: threading.Event, clock: Clock) -> None:
    """Run `target` until it ends by itself, again after a pause where it raises; not again once `stop` is set.

    A thread that dies unseen is the worst of faults: its process goes on, and one camera is never recorded or looked at again.
    """
    while True:
        try:
            return target()
        except Exception:
            log.exception("%s: the job `%s` failed; it begins again in %.0f s", whose, job, PAUSE_S)
            JOB_FAILURES.labels(whose, job).inc()
        if clock.wait(stop, PAUSE_S):
            return None
