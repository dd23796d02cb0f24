"""Applies the disk quota periodically, and publishes the load of the disk."""

from __future__ import annotations

import logging
import threading

from domain.clock import Clock
from domain.paths.data_layout import Layout
from sightline.overload.load import write_load
from sightline.overload.shedding_policy import Load
from storage.recordings.disk_quota import DiskQuota

EVERY_S = 5.0
WHILE_LOADED_S = 1.0
_log = logging.getLogger(__name__)


class DiskQuotaJob:
    """Applies the quota every five seconds.

    While the disk is loaded, the load is published every second, so that new room is used soon.
    """

    def __init__(self, quota: DiskQuota, layout: Layout, clock: Clock) -> None:
        self._quota = quota
        self._layout = layout
        self._clock = clock
        self._due_s = clock.monotonic_s() + EVERY_S

    def run(self, stop: threading.Event) -> None:
        pause_s = EVERY_S
        while not self._clock.wait(stop, pause_s):
            pause_s = self.run_once()

    def run_once(self) -> float:
        """Apply the quota if it is due, and publish the load; return the delay to the next call."""
        if self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + EVERY_S
            self._quota.run_once()
        try:
            load = self._quota.load()
            write_load(self._layout, "disk", Load(disk=load), self._clock)
        except OSError as error:
            _log.warning("the disk usage cannot be written to its file: %s", error)
            return EVERY_S
        return WHILE_LOADED_S if load else EVERY_S
