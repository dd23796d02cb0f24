"""A loop that does passes of work for ever: at once when woken, soon when idle, ever later (10
s at most) while they fail.
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
    """`work` does one pass: True where there is more to do at once; it raises StoreError where
    it must be tried again.
    """

    def __init__(self, name: str, work: Callable[[], bool], clock: Clock) -> None:
        self.name = name
        self._work = work
        self._clock = clock
        self._woken = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._retry_s = 0.0
        self._say = FloodGate(_log.warning, clock, every_s=10.0)

    def wake(self) -> None:
        """There is work, or `stop` was set."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`, which is seen before the next pass."""
        while not stop.is_set():
            self._woken.clear()
            pause_s = self.run_once()
            if not stop.is_set():
                self._clock.wait(self._woken, pause_s)

    def run_once(self) -> float:
        """One pass, and only one at a time, whoever asks; in how many seconds the next is due."""
        with self._one_at_a_time:
            return self._pass()

    def _pass(self) -> float:
        try:
            more = self._work()
        except (StoreError, OSError) as error:
            return self._later(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end all keeping: it is shown in full and tried again
            _log.exception("the keeper's lane %s failed", self.name)
            return self._later(repr(error))
        self._retry_s = 0.0
        return 0.0 if more else IDLE_S

    def _later(self, why: str) -> float:
        self._retry_s = min(LAST_RETRY_S, self._retry_s * 2 or FIRST_RETRY_S)
        self._say(self.name, f"keeping waits (lane {self.name}): {why}")
        return self._retry_s
