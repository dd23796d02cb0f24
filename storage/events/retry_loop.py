"""A loop that repeats passes of work: immediately when woken, soon when idle, and after increasing
delays (10 s at most) while they fail.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from domain.clock import Clock
from domain.errors import StoreError
from domain.log import FloodGate

_log = logging.getLogger(__name__)
IDLE_S = 1.0
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 10.0


class RetryLoop:
    """Runs `work`, which does one pass. It returns True if another pass is needed immediately, and
    raises StoreError if it must be repeated.
    """

    def __init__(self, name: str, work: Callable[[], bool], clock: Clock) -> None:
        self.name = name
        self._work = work
        self._clock = clock
        self._woken = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._retry_s = 0.0
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def wake(self) -> None:
        """Start a pass now, because there is work or `stop` was set."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop`, which is checked before each pass."""
        while not stop.is_set():
            self._woken.clear()
            pause_s = self.run_once()
            if not stop.is_set():
                self._clock.wait(self._woken, pause_s)

    def run_once(self) -> float:
        """Do one pass, and never two concurrently; return the seconds until the next is due."""
        with self._one_at_a_time:
            return self._pass()

    def _pass(self) -> float:
        try:
            more = self._work()
        except (StoreError, OSError) as error:
            return self._retry_after(str(error))
        except Exception as error:  # noqa: BLE001 - a bug must not stop publishing: it is logged completely, and the pass is repeated
            _log.exception("the publishing loop %s failed", self.name)
            return self._retry_after(repr(error))
        self._retry_s = 0.0
        return 0.0 if more else IDLE_S

    def _retry_after(self, why: str) -> float:
        self._retry_s = min(LAST_RETRY_S, self._retry_s * 2 or FIRST_RETRY_S)
        self._warn(self.name, f"publishing is delayed (loop {self.name}): {why}")
        return self._retry_s
