"""Logging: one line an event of note, and a flood of one fault at most a line a second, with the count of what was left out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from domain.clock import Clock

FORMAT = "%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s"


def set_up_logging(level: str, process_name: str) -> None:
    logging.basicConfig(level=level, format=FORMAT.replace("%(processName)s", process_name), force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every request, readiness checks included


class FloodGate:
    """Collapses repeats of one message: the first passes, then one a second with how many were held back."""

    def __init__(self, write: Callable[[str], None], clock: Clock, every_s: float = 1.0) -> None:
        self._write = write
        self._clock = clock
        self._every_s = every_s
        self._last: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: str, message: str) -> None:
        """Write `message` unless one of the same `key` was written within the last second."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            at_s, held = self._last.get(key, (-self._every_s, 0))
            if now_s - at_s < self._every_s:
                self._last[key] = (at_s, held + 1)
                return
            self._last[key] = (now_s, 0)
        self._write(f"{message} (and {held} more like it)" if held else message)
