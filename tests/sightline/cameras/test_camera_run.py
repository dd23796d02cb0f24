"""The run of one camera: its state, its gaps, and how it is pulled."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.camera_states import CameraState, Shed, Why
from domain.clock import NS_PER_S, ManualClock
from domain.media.packets import Packet
from domain.paths.object_keys import day_of
from domain.registry.model import SubStream
from ingest.recording.recorder import Recorder
from sightline.cameras.camera_run import CameraRun
from storage.recordings.gaps.log import GapLog
from tests.ingest.conftest import NETWORKS, make_camera
from tests.recorded import PLAIN, packets_of
from tests.sightline.cameras.idle_checkpoint import (
    FullDisk,
    IdleAnalyser,
    worker_context,
)


def random_slices(packet: Packet, number: int) -> Packet:
    """Return the packet with its parameter sets, and noise in place of its slices."""
    data, mark = packet.data, b"\x00\x00\x01"
    slice_at = max(data.find(mark + bytes([kind])) for kind in (0x65, 0x41, 0x61))
    noise = bytes(byte or 1 for byte in random.Random(number).randbytes(500))
    return replace(packet, data=data[: slice_at + 4] + noise, starts=())


def test_a_checkpoint_of_which_no_picture_decodes_is_undecodable_until_one_does(
    spool: FullDisk, tmp_path: Path
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = worker_context(spool, tmp_path, [])
    clock = tools.clock
    assert isinstance(clock, ManualClock)
    run = CameraRun(camera, None, lambda: 1, IdleAnalyser, NETWORKS, tools)
    checkpoint = run._checkpoint
    assert checkpoint is not None
    states: list[CameraState] = []

    def play(played: Iterable[Packet]) -> None:
        for packet in played:
            run._streamer.on_packets([replace(packet, received_ns=clock.steady_ns())])
            for queued in checkpoint._tap.take(0):
                list(checkpoint._frames._frames(queued))
            clock.advance(PLAIN.frame_ns / NS_PER_S)
        states.append(run._streamer.status().state)

    for session in (1, 2, 3):  # 12 s each
        damaged = packets_of(PLAIN, session=session)
        play(random_slices(packet, number) for number, packet in enumerate(damaged))
    assert states == [CameraState.LIVE, CameraState.UNDECODABLE, CameraState.UNDECODABLE]
    status = run._streamer.status()
    assert status.fps > 0
    assert status.why is Why.UNDECODABLE
    play(packets_of(PLAIN, session=4)[:1])
    assert states[-1] is CameraState.LIVE


@pytest.mark.parametrize("damaged", ["a log", "the folder"])
def test_a_camera_starts_although_its_gap_logs_cannot_be_read(
    damaged: str, spool: FullDisk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise its worker fails at each start, and records none of its cameras."""
    tools = worker_context(spool, tmp_path, [])
    log = GapLog(tools.layout, tools.clock)
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    if damaged == "a log":
        log.mark_analysed(camera.id, tools.clock.wall_ns() - 60 * NS_PER_S)
        (tools.layout.gaps / camera.id / f"{day_of(tools.clock.wall_ns())}.jsonl").mkdir()
    else:
        tools.layout.gaps.mkdir(parents=True)
        (tools.layout.gaps / camera.id).touch()
    run = CameraRun(camera, None, lambda: 1, IdleAnalyser, NETWORKS, tools)
    run.shed(Shed.RECORDING)  # so it is not pulled
    run.start()
    run.stop()
    run.join()
    assert sum("cannot be read" in line for line in caplog.messages) == 2


@pytest.mark.parametrize("is_checkpoint", [True, False])
def test_a_checkpoint_is_read_at_once_and_a_camera_that_is_only_recorded_at_leisure(
    spool: FullDisk, tmp_path: Path, is_checkpoint: bool
) -> None:
    """A late analysis would make an event searchable half a second later."""
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(
        update={"checkpoint": ("plate",) if is_checkpoint else ()}
    )
    tools = worker_context(spool, tmp_path, [])
    run = CameraRun(
        camera, None, lambda: 1, IdleAnalyser if is_checkpoint else None, NETWORKS, tools
    )
    assert run._streamer.has_waiting_consumer is is_checkpoint


@pytest.mark.parametrize(
    ("changes", "is_urgent"),
    [
        ({}, False),
        ({"record": "on_demand"}, True),
        ({"record": "on_demand", "checkpoint": ("plate",)}, False),
    ],
)
def test_a_camera_that_is_pulled_only_on_request_is_urgent(
    spool: FullDisk, tmp_path: Path, changes: dict[str, object], is_urgent: bool
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update=changes)
    camera = camera.model_copy(update={"substream": SubStream(url="rtsp://10.0.0.1/2")})
    run = CameraRun(camera, None, lambda: 1, None, NETWORKS, worker_context(spool, tmp_path, []))
    assert run._streamer._is_urgent is is_urgent
    assert run._sub is not None
    assert run._sub._streamer._is_urgent


def test_a_status_writes_no_gap_and_a_tick_does(spool: FullDisk, tmp_path: Path) -> None:
    camera = make_camera("rtsp://10.0.0.1/1")
    tools = worker_context(spool, tmp_path, [])
    clock = tools.clock
    assert isinstance(clock, ManualClock)
    run = CameraRun(camera, None, lambda: 1, None, NETWORKS, tools)
    log = GapLog(tools.layout, clock)
    begin_ns = clock.wall_ns()
    run._gaps.start()
    clock.advance(600)
    assert run.status() == run.status()
    assert log.between(camera.id, begin_ns, clock.wall_ns()) == ()
    run.tick()
    (gap,) = log.between(camera.id, begin_ns, clock.wall_ns())
    assert gap.start_ns == begin_ns


def test_a_camera_without_a_connection_is_looked_at_in_every_fifth_pass(
    spool: FullDisk, tmp_path: Path
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1")
    tools = worker_context(spool, tmp_path, [])
    clock = tools.clock
    assert isinstance(clock, ManualClock)
    run = CameraRun(camera, None, lambda: 1, None, NETWORKS, tools)
    run._gaps.start()
    looks, beats = [], set()
    for _ in range(30):
        clock.advance(1)
        before = run._ticked_status
        run.tick()
        looks.append(run._ticked_status is not before)
        beats.add(GapLog(tools.layout, clock).last_beat_ns(camera.id))
    assert len(beats) == 30, "each pass shows that a process runs the camera"
    assert all(looks[:16]), "until then the cause of the gap may change"
    assert looks[-10:].count(True) == 2
    run.shed(Shed.RECORDING)
    before = run._ticked_status
    run.tick()
    assert run._ticked_status is not before


def test_a_reported_state_is_current_unless_the_camera_waits_for_its_next_try(
    spool: FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States are also written between two ticks, while many cameras start or end."""
    tools = worker_context(spool, tmp_path, [])
    clock = tools.clock
    assert isinstance(clock, ManualClock)
    run = CameraRun(make_camera("rtsp://10.0.0.1/1"), None, lambda: 1, None, NETWORKS, tools)
    for _ in range(20):
        clock.advance(1)
        run.tick()
    assert run.ticked_status() is run.ticked_status(), "it waits, so its state was not made again"
    run.shed(Shed.RECORDING)
    assert run.ticked_status().shed is Shed.RECORDING
    run.tick()
    run._streamer._is_open = True
    run.tick()
    now_ns = clock.wall_ns()
    monkeypatch.setattr(Recorder, "recorded_until_ns", property(lambda _: now_ns))
    assert run.ticked_status().recorded_until_ns == now_ns
