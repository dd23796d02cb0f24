"""The cameras of a worker together: gaps are written in one pass; no disk delays a heartbeat."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.camera_states import Shed
from domain.clock import NS_PER_S, ManualClock
from domain.recordings.gaps import GapCause
from sightline.cameras import camera_runs
from sightline.cameras.camera_run import MOST_TICKS_SKIPPED, CameraRun
from sightline.cameras.camera_runs import CameraRuns
from sightline.cameras.gap_writer import GapWriter
from sightline.cameras.worker_context import WorkerContext
from storage.recordings.gaps import disk_writes
from storage.recordings.gaps.log import GapLog
from tests.ingest.conftest import NETWORKS, make_camera
from tests.sightline.cameras.idle_checkpoint import FullDisk, IdleAnalyser, worker_context
from tests.waiting import PATIENCE_S


def _runs(tools: WorkerContext, cameras: int, heartbeat: Callable[[], None]) -> CameraRuns:
    """Return the runs of cameras that are not started, so that each has a gap."""
    runs = CameraRuns(tools, lambda _: IdleAnalyser(), heartbeat)
    runs._runs = {
        camera.id: CameraRun(camera, None, lambda: 1, None, NETWORKS, tools)
        for camera in (
            make_camera("rtsp://10.0.0.1/1", camera_id=f"c-{number}") for number in range(cameras)
        )
    }
    clock = tools.clock
    assert isinstance(clock, ManualClock)
    clock.advance(600)
    return runs


def _with_gaps(tools: WorkerContext) -> list[str]:
    log = GapLog(tools.layout, tools.clock)
    return [one for one in log.cameras() if log.between(one, 0, tools.clock.wall_ns())]


def test_the_gaps_of_a_pass_are_written_to_the_disk_together(
    spool: FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, synced = worker_context(spool, tmp_path, []), list[str]()
    monkeypatch.setattr(os, "fsync", lambda _: synced.append("file"))
    monkeypatch.setattr(disk_writes, "_sync_file_system", lambda _: synced.append("file system"))
    _runs(tools, 20, lambda: None).tick()
    assert len(_with_gaps(tools)) == 20
    assert synced == []
    tools.gap_sync.sync()
    assert synced == ["file system"]


def test_a_disk_that_does_not_respond_delays_no_heartbeat(
    spool: FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, beats = worker_context(spool, tmp_path, []), list[int]()
    waits, responds, stop = threading.Event(), threading.Event(), threading.Event()

    def sync_slowly(_: int) -> None:
        waits.set()
        assert responds.wait(PATIENCE_S)

    monkeypatch.setattr(disk_writes, "_sync_file_system", sync_slowly)
    runs = _runs(tools, 20, lambda: beats.append(1))
    runs.tick()
    clock = tools.clock
    assert isinstance(clock, ManualClock)
    loop = GapWriter(tools.gap_sync, clock)
    job = threading.Thread(target=loop.run, args=(stop,))
    job.start()
    try:
        assert waits.wait(PATIENCE_S)
        beats.clear()
        passes = MOST_TICKS_SKIPPED + 2
        runs._runs["c-19"].shed(Shed.RECORDING)
        for _ in range(passes):
            clock.advance(1)
            runs.tick()
        assert len(beats) == 20 * passes
        new = GapLog(tools.layout, clock).left_open("c-19")
        assert new is not None, "gaps are logged meanwhile"
        assert new.cause is GapCause.SHED
        assert not responds.is_set()
    finally:
        stop.set()
        responds.set()
        job.join()


def test_a_worker_exits_although_its_disk_does_not_respond(
    spool: FullDisk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tools, responds = worker_context(spool, tmp_path, []), threading.Event()
    ended = threading.Event()

    def sync_slowly(_: int) -> None:
        responds.wait(PATIENCE_S)
        ended.set()

    monkeypatch.setattr(disk_writes, "_sync_file_system", sync_slowly)
    monkeypatch.setattr(camera_runs, "GIVE_UP_SYNC_S", 0.01)
    runs = _runs(tools, 20, lambda: None)
    runs.give_up(tools.clock.wall_ns() - 60 * NS_PER_S, "the disk writer hung")
    assert not ended.is_set()
    assert "the disk does not respond" in caplog.text
    assert len(_with_gaps(tools)) == 20
    responds.set()
    assert ended.wait(PATIENCE_S)
