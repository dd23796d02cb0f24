"""The full-disk rule in rounds, and how much the disk strains the node by it."""

from __future__ import annotations

import logging
import threading

from domain.clock import Clock
from domain.paths.data_layout import Layout
from sightline.overload.load import write_strain
from sightline.overload.shedding_policy import Strain
from storage.recordings.disk_quota import DiskQuota

EVERY_S = 5.0
WHILE_STRAINED_S = 1.0
_log = logging.getLogger(__name__)


class DiskQuotaJob:
    """The rule is kept every five seconds; while it strains the node, the strain is told each
    second, so that room is used at once.
    """

    def __init__(self, bound: DiskQuota, layout: Layout, clock: Clock) -> None:
        self._bound = bound
        self._layout = layout
        self._clock = clock
        self._due_s = clock.monotonic_s() + EVERY_S

    def run(self, stop: threading.Event) -> None:
        pause_s = EVERY_S
        while not self._clock.wait(stop, pause_s):
            pause_s = self.run_once()

    def run_once(self) -> float:
        """In how many seconds to be called again."""
        if self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + EVERY_S
            self._bound.run_once()
        try:
            strain = self._bound.load()
            write_strain(self._layout, "disk", Strain(disk=strain), self._clock)
        except OSError as error:
            _log.warning("the disk usage cannot be written to its file: %s", error)
            return EVERY_S
        return WHILE_STRAINED_S if strain else EVERY_S
