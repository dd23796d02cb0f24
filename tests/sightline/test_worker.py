"""A worker shows that it is alive while it goes through many cameras."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from domain.registry import Secrets
from sightline.cluster.roster import Assigned, Roster
from sightline.processes.status_file import read_worker_statuses, status_file
from sightline.worker import PROGRESS_EVERY_S, Worker
from storage.recordings.gaps import disk_writes
from tests.ingest.conftest import NETWORKS, make_camera
from tests.sightline.processes.test_watchdog import STORES

CAMERAS = 20


class SlowClock(ManualClock):
    """A clock by which each camera of these tests takes seconds to start."""

    def monotonic_s(self) -> float:
        self.advance(PROGRESS_EVERY_S / 10)
        return super().monotonic_s()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def worker(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker with many cameras."""
    for name, value in STORES.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    worker = Worker(layout, 1, SlowClock())
    cameras = [
        make_camera("rtsp://127.0.0.1:9/main", camera_id=f"cam-{number}")
        for number in range(CAMERAS)
    ]
    assigned = tuple(Assigned(camera=camera, fence=1) for camera in cameras)
    worker._runs.apply(Roster(networks=NETWORKS.allowed, cameras=assigned), Secrets())
    return worker


def test_states_are_written_before_the_last_of_many_cameras_has_started(
    layout: Layout, worker: Worker
) -> None:
    assert 0 < len(read_worker_statuses(layout, 1)) < CAMERAS


def test_a_long_pass_over_all_cameras_is_no_hang(layout: Layout, worker: Worker) -> None:
    os.utime(status_file(layout, 1), ns=(0, 0))
    worker._runs.tick()
    assert status_file(layout, 1).stat().st_mtime_ns > 0


def test_a_worker_writes_its_gaps_to_the_disk_in_a_job(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(disk_writes, "_sync_file_system", synced.append)
    worker._clock.sleep(600)
    worker._runs.tick()
    assert synced == []
    stop = threading.Event()
    stop.set()
    worker._jobs()["gap writer"](stop)
    assert len(synced) == 1
