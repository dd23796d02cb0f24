"""Writes the logged gaps of a worker's cameras to the disk, once a second.

On a busy disk this takes longer than the supervisor waits for a heartbeat of the main thread, so it
has a thread of its own.
"""

from __future__ import annotations

import logging
import threading

from domain.clock import Clock
from domain.errors import StoreError
from domain.log import FloodGate
from storage.recordings.gaps.disk_writes import DeferredSync

SYNC_EVERY_S = 1.0
RETRY_AFTER_S = 10.0
"""The pause after a failure. The next attempt appends all lines again, so the files grow."""
_log = logging.getLogger(__name__)


class GapWriter:
    """Calls `DeferredSync.sync` again and again; a job of the worker."""

    def __init__(self, sync: DeferredSync, clock: Clock) -> None:
        self._sync = sync
        self._clock = clock
        self._warn = FloodGate(_log.warning, clock, every_s=RETRY_AFTER_S)

    def run(self, stop: threading.Event) -> None:
        """Run until `stop`, and write the last gaps then."""
        while not stop.is_set():
            has_succeeded = self.run_once()
            self._clock.wait(stop, SYNC_EVERY_S if has_succeeded else RETRY_AFTER_S)
        self.run_once()

    def run_once(self) -> bool:
        """Return whether all gaps that were logged before are on disk."""
        try:
            self._sync.sync()
        except StoreError as error:
            self._warn(
                "sync", f"a power cut may lose gaps until the disk accepts their lines: {error}"
            )
            return False
        return True
