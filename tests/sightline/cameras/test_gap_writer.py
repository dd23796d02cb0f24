"""The job that writes gaps to the disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.errors import StoreError
from sightline.cameras.gap_writer import RETRY_AFTER_S, SYNC_EVERY_S, GapWriter
from storage.recordings.gaps.disk_writes import DeferredSync


class _Disk(DeferredSync):
    """A disk that fails at some of the calls, and stops the loop in the last."""

    def __init__(self, folder: Path, accepts: list[bool], stop: threading.Event) -> None:
        super().__init__(folder)
        self.accepts, self._stop = accepts, stop

    def sync(self) -> None:
        accepts = self.accepts.pop(0)
        if len(self.accepts) == 1:  # the last one is the call after the stop
            self._stop.set()
        if not accepts:
            raise StoreError("no space left on device")


def test_the_loop_syncs_each_second_later_after_a_failure_and_at_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, stop = ManualClock(), threading.Event()
    disk = _Disk(tmp_path, [True, False, True, True, True], stop)
    GapWriter(disk, clock).run(stop)
    assert disk.accepts == []
    assert clock.waits_s[:3] == [SYNC_EVERY_S, RETRY_AFTER_S, SYNC_EVERY_S]
    assert "a power cut may lose gaps until the disk accepts their lines" in caplog.text
    assert "no space left on device" in caplog.text
