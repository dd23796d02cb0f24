"""A periodic job of the whole site: in each interval, one of the nodes does it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from domain.clock import Clock
from domain.errors import StoreError
from storage.clients.interval_lock import IntervalLock
from storage.clients.redis import Redis

_log = logging.getLogger(__name__)

SiteWork = Callable[[threading.Event], bool]
"""Returns whether the work of this interval is done. It ends early once the event is set, and
raises StoreError or OSError where a store is unavailable.
"""


class SiteJob:
    """Every node of the site calls it often, and the first call in an interval does the work.

    If the work fails or is not finished, the lock of the interval is released, so that the next
    call on any node retries it. Concurrent work of two nodes must do no harm: the lock expires
    during long work.
    """

    def __init__(self, name: str, every_s: int, work: SiteWork, redis: Redis, node: str) -> None:
        self._name = name
        self._work = work
        self._lock = IntervalLock(redis, name, node, every_s)

    def run(self, stop: threading.Event, clock: Clock, try_every_s: float) -> None:
        """Call `run_once` periodically until `stop` is set. A failure is logged."""
        while not clock.wait(stop, try_every_s):
            try:
                self.run_once(stop)
            except (StoreError, OSError) as error:
                _log.warning("the site's job `%s` is tried again later: %s", self._name, error)

    def run_once(self, stop: threading.Event) -> None:
        """Do the work, unless it was done in this interval.

        Raises StoreError or OSError where the work or the lock raises it.
        """
        if not self._lock.acquire():
            return
        try:
            is_done = self._work(stop)
        except (StoreError, OSError):
            self._release()
            raise
        if not is_done:
            self._release()

    def _release(self) -> None:
        try:
            self._lock.release()
        except StoreError as error:
            _log.warning("the lock of the site's job `%s` expires later: %s", self._name, error)
