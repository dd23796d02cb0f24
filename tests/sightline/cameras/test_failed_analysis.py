"""A checkpoint whose models are not loaded yet, or whose analysis fails, reports what it misses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from domain.events.event import Passing
from domain.media.packets import Frame
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, PartlyCause
from sightline.cameras import checkpoint_run as runs
from sightline.cameras.checkpoint_run import CheckpointRun
from tests.recorded import PLAIN, packets_of
from tests.sightline.cameras.idle_checkpoint import FullDisk, IdleAnalyser, worker_context
from tests.sightline.cameras.test_checkpoint_run import checkpoint_run
from tests.waiting import PATIENCE_S, wait_event


class LoadingModel:
    """Models that are loaded until they are released."""

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        self.resumed = list[object]()

    def __call__(self) -> IdleAnalyser:
        self.begun.set()
        self.released.wait(PATIENCE_S)
        return ResumingAnalyser(self.resumed)


class ResumingAnalyser(IdleAnalyser):
    def __init__(self, resumed: list[object]) -> None:
        super().__init__()
        self._resumed = resumed

    def resume(self, drafts: list[Passing]) -> None:
        self._resumed.append(drafts)


def test_a_stop_does_not_wait_for_models_that_are_loaded(
    spool: FullDisk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(runs, "JOIN_S", 0.2)
    models = LoadingModel()
    tools = worker_context(spool, tmp_path, [])
    run = checkpoint_run(tools, models)
    run.start(tools.clock.wall_ns())
    wait_event("begin of the loading", models.begun)
    run.gate.put(*packets_of(PLAIN)[:30])
    run.stop()
    run.join()
    assert any("still loads its models" in line for line in caplog.messages)
    models.released.set()
    assert run._thread is not None
    run._thread.join(PATIENCE_S)
    assert models.resumed == [], "another process may run the camera by now"


def test_models_that_cannot_be_loaded_are_a_failure(spool: FullDisk, tmp_path: Path) -> None:
    def fail() -> IdleAnalyser:
        raise OSError("the file of the model is missing")

    tools = worker_context(spool, tmp_path, [])
    run = checkpoint_run(tools, fail)
    with pytest.raises(OSError, match="missing"):
        run._analyse()
    assert run.stopped_since_ns == tools.clock.wall_ns()


def test_packets_that_are_lost_while_models_are_loaded_are_reported(
    spool: FullDisk, tmp_path: Path
) -> None:
    run = checkpoint_run(worker_context(spool, tmp_path, []))
    packets = packets_of(PLAIN)
    run.gate.put(*packets)
    run._tap.close()
    run._analyse()
    left = next(one for one in packets[runs.DECODER_TAP_PACKETS :] if one.is_keyframe)
    assert run._losses.take() == [(packets[0].wall_ns, left.wall_ns, PartlyCause.RESTART)]


class _FailsAtTenth(IdleAnalyser):
    """An analyser that fails at its tenth look."""

    looks = 0

    def analyse(self, frame: Frame) -> list[Passing]:
        self.looks += 1
        if self.looks == 10:
            raise ValueError("the model returned nothing")
        return super().analyse(frame)


def test_what_a_failed_analysis_had_taken_is_reported(spool: FullDisk, tmp_path: Path) -> None:
    tools = worker_context(spool, tmp_path, [])
    run: CheckpointRun = checkpoint_run(tools, _FailsAtTenth)
    packets = packets_of(PLAIN)
    run.gate.put(*packets[:30])
    with pytest.raises(ValueError, match="nothing"):
        run._analyse()
    failed_ns = run._frames.progress[0]
    assert run.stopped_since_ns == tools.clock.wall_ns()
    run.gate.put(*packets[30:80])
    run._tap.close()
    run._analyser = IdleAnalyser
    run._analyse()
    assert run.stopped_since_ns is None
    drafted_ns = failed_ns - SEEN_ENOUGH_NS
    assert overlay(run._losses.take()) == [
        (drafted_ns, packets[50].wall_ns, PartlyCause.ANALYSIS_STOPPED)
    ]
