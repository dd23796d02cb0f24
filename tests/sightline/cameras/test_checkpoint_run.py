"""What a checkpoint analysed, and what it reports of the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.camera_states import Shed
from domain.clock import NS_PER_S, ManualClock
from domain.events.event import Passing
from domain.media.packets import Frame
from domain.metrics import EVENTS_LOST
from domain.recordings.missed_passings import EARLIER_NS
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, PartlyCause
from ingest.health.decode_failures import DecodeFailures
from sightline.cameras.checkpoint_loop import DRAFT_EVERY_S
from sightline.cameras.checkpoint_run import CheckpointRun
from sightline.cameras.worker_context import WorkerContext
from storage.recordings.gaps.log import GapLog
from tests.ingest.conftest import make_camera
from tests.recorded import PLAIN, packets_of
from tests.sightline.cameras.idle_checkpoint import (
    CAMERA,
    FullDisk,
    IdleAnalyser,
    checkpoint_loop,
    passing,
    worker_context,
)


def checkpoint_run(
    tools: WorkerContext, analyser: Callable[[], IdleAnalyser] = IdleAnalyser
) -> CheckpointRun:
    camera = make_camera("rtsp://10.0.0.1/1", camera_id=CAMERA)
    camera = camera.model_copy(update={"checkpoint": ("plate",)})
    return CheckpointRun(camera, analyser, DecodeFailures(), tools)


class _Failing(IdleAnalyser):
    """An analyser that cannot analyse."""

    def analyse(self, frame: Frame) -> list[Passing]:
        raise ValueError("the model returned nothing")


def test_packets_of_a_checkpoint_that_no_thread_analyses_are_no_work_of_the_worker(
    spool: FullDisk, tmp_path: Path
) -> None:
    """The other checkpoints of the worker would be left out for them."""
    tools = worker_context(spool, tmp_path, [])
    run = checkpoint_run(tools, _Failing)
    load = tools.decode_share.workload
    run.gate.put(*packets_of(PLAIN, session=1)[:100])
    assert run._tap.waiting_packets == 100
    assert load.waiting_s() == 0, "its models are not loaded yet"
    with pytest.raises(ValueError, match="nothing"):
        run._analyse()
    assert load.waiting_s() == 0, "its thread pauses"
    run._tap.close()
    run._analyser = IdleAnalyser
    run._analyse()
    assert run._frames.waiting_packets == 0


def test_a_checkpoint_is_analysed_until_the_packet_in_work(spool: FullDisk, tmp_path: Path) -> None:
    tools = worker_context(spool, tmp_path, [])
    run = checkpoint_run(tools)
    assert run._analysed_until_ns() is None, "its models are not loaded yet"
    run._loop, _ = checkpoint_loop(spool, IdleAnalyser(), tmp_path, [])
    ahead_ns = 3 * NS_PER_S
    for packet in packets_of(PLAIN, session=1)[:20]:
        run.gate.put(replace(packet, received_ns=packet.wall_ns - ahead_ns))
    assert run._analysed_until_ns() is None, "no packet was taken yet"
    drafted_ns = round(DRAFT_EVERY_S * NS_PER_S)
    frames = iter(run._frames)
    while (frame := next(frames)) is not None:
        assert run._analysed_until_ns() == frame.wall_ns - drafted_ns
    now_ns = tools.clock.wall_ns() + ahead_ns
    assert run._analysed_until_ns() == now_ns - drafted_ns, "by the clock of the camera"


def test_a_checkpoint_that_ends_is_analysed_to_its_last_packet(
    spool: FullDisk, tmp_path: Path
) -> None:
    spool.is_full = False
    tools = worker_context(spool, tmp_path, [])
    run = checkpoint_run(tools)
    run.start(tools.clock.wall_ns())
    packets = packets_of(PLAIN, session=1)[:20]
    run.gate.put(*packets)
    run.stop()
    run.join()
    ahead_ns = packets[-1].wall_ns - packets[-1].received_ns
    marked_ns = GapLog(tools.layout, tools.clock).analysed_until_ns(CAMERA)
    assert marked_ns == tools.clock.wall_ns() + ahead_ns


def test_while_the_disk_refuses_events_a_kill_would_lose_them(
    spool: FullDisk, tmp_path: Path
) -> None:
    """So the checkpoint does not count as analysed beyond the last ones that were stored."""
    tools = worker_context(spool, tmp_path, [])
    run = checkpoint_run(tools)
    run._loop, _ = checkpoint_loop(spool, IdleAnalyser(), tmp_path, [])
    store = run._store
    assert run._analysed_until_ns() is not None
    store.put_drafts([passing(0)])
    assert run._analysed_until_ns() is None
    store.put_drafts([])
    assert run._analysed_until_ns() is not None
    store.put([passing(0)])
    assert run._analysed_until_ns() is None
    spool.is_full = False
    store.put([])
    assert run._analysed_until_ns() is not None


class _FailsLater(IdleAnalyser):
    """An analyser that gives one passing, has another one in view, and fails at its tenth look."""

    looks = 0

    def analyse(self, frame: Frame) -> list[Passing]:
        self.looks += 1
        self.seen = [passing(1)]
        if self.looks == 10:
            raise ValueError("the model returned nothing")
        return [passing(0)] if self.looks == 1 else []


def failed_run(tools: WorkerContext) -> CheckpointRun:
    """Return a run whose analysis has failed, with a passing and a draft."""
    run = checkpoint_run(tools, _FailsLater)
    run.gate.put(*packets_of(PLAIN, session=1)[:30])
    with pytest.raises(ValueError, match="nothing"):
        run._analyse()
    return run


@pytest.mark.parametrize("is_stopped", [False, True])
def test_what_the_disk_refused_before_the_analysis_failed_is_stored_afterwards(
    is_stopped: bool, spool: FullDisk, tmp_path: Path
) -> None:
    """By the next analysis, or when the camera ends before there is one."""
    tools = worker_context(spool, tmp_path, [])
    run = failed_run(tools)
    assert run._analysed_until_ns() is None
    spool.is_full = False
    if is_stopped:
        run.join()
    else:
        run._tap.close()
        run._analyser = IdleAnalyser
        run._analyse()
    kept = [entry.event_id for entry in spool.pending([CAMERA])]
    assert kept == [passing(0).event.id, passing(1).event.id]


def test_what_the_disk_refuses_until_the_camera_ends_is_lost_and_reported(
    spool: FullDisk, tmp_path: Path
) -> None:
    tools = worker_context(spool, tmp_path, [])
    run = failed_run(tools)
    lost, before = EVENTS_LOST.labels(CAMERA), EVENTS_LOST.labels(CAMERA)._value.get()
    run.join()
    assert lost._value.get() == before + 2
    log = GapLog(tools.layout, tools.clock)
    for event in (passing(0).event, passing(1).event):
        at_ns = event.started_at
        (missed,) = overlay(log.partly_analysed(CAMERA, at_ns, at_ns + 1))
        assert missed[2] is PartlyCause.ANALYSIS_STOPPED


def test_a_checkpoint_whose_recording_is_shed_is_not_analysed(
    spool: FullDisk, tmp_path: Path
) -> None:
    """It is not pulled, so no packet shows that its pictures are not analysed."""
    tools = worker_context(spool, tmp_path, [])
    clock, log = tools.clock, GapLog(tools.layout, tools.clock)
    assert isinstance(clock, ManualClock)
    run = checkpoint_run(tools)
    run.tick(Shed.NOTHING)
    shed_ns = clock.wall_ns()
    for _ in range(60):
        clock.advance(1)
        run.tick(Shed.RECORDING_FOR_DISK)
    until_ns = clock.wall_ns()
    clock.advance(1)
    run.tick(Shed.NOTHING)
    run.join()
    lost = overlay(log.partly_analysed(CAMERA, 0, until_ns))
    assert lost == [(shed_ns - SEEN_ENOUGH_NS, until_ns - EARLIER_NS, PartlyCause.OVERLOAD)]


def test_a_checkpoint_reports_what_its_earlier_process_did_not_log(
    spool: FullDisk, tmp_path: Path
) -> None:
    tools = worker_context(spool, tmp_path, [])
    log, now_ns = GapLog(tools.layout, tools.clock), tools.clock.wall_ns()
    log.mark_analysed(CAMERA, now_ns - 60 * NS_PER_S)
    run = checkpoint_run(tools)
    run.start(now_ns)
    run.stop()
    run.join()
    (lost,) = log.partly_analysed(CAMERA, 0, now_ns)
    assert lost.cause is PartlyCause.RESTART
