"""The run of one camera: its state, its gaps, and how it is pulled."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.camera_states import CameraState, Shed, Why
from domain.clock import NS_PER_S, ManualClock
from domain.events.event import Passing
from domain.media.packets import Frame, Packet
from domain.recordings.missed_passings import EARLIER_NS
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, PartlyCause
from domain.registry.model import SubStream
from ingest.recording.recorder import Recorder
from sightline.cameras.camera_run import CameraRun
from sightline.cameras.checkpoint_loop import DRAFT_EVERY_S
from sightline.cameras.turns import InView
from storage.recordings.gaps.log import GapLog
from tests.ingest.conftest import NETWORKS, make_camera
from tests.recorded import PLAIN, packets_of
from tests.sightline.cameras.idle_checkpoint import (
    FullDisk,
    IdleAnalyser,
    checkpoint_loop,
    passing,
    worker_context,
)


def test_a_checkpoint_yields_its_turns_only_if_all_that_it_shows_is_settled(
    spool: FullDisk, tmp_path: Path
) -> None:
    analyser = IdleAnalyser()
    checkpoint, _ = checkpoint_loop(spool, analyser, tmp_path, [])
    shown = list[InView]()
    for seen, is_settled in ([], False), ([passing(0)], False), ([passing(0)], True):
        analyser.seen, checkpoint._rests.is_settled = seen, is_settled
        shown.append(checkpoint._in_view())
    assert shown == [InView.NOTHING, InView.UNSETTLED, InView.SETTLED]


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
    states: list[CameraState] = []

    def play(played: Iterable[Packet]) -> None:
        for packet in played:
            run._streamer.on_packets([replace(packet, received_ns=clock.steady_ns())])
            for queued in run._decoder_tap.take(0):
                list(run._frames._frames(queued))
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


class _Failing(IdleAnalyser):
    """An analyser that cannot analyse."""

    def analyse(self, frame: Frame) -> list[Passing]:
        raise ValueError("the model returned nothing")


def test_packets_of_a_checkpoint_that_no_thread_analyses_are_no_work_of_the_worker(
    spool: FullDisk, tmp_path: Path
) -> None:
    """The other checkpoints of the worker would be left out for them."""
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = worker_context(spool, tmp_path, [])
    run = CameraRun(camera, None, lambda: 1, IdleAnalyser, NETWORKS, tools)
    load = tools.decode_share.workload
    for packet in packets_of(PLAIN, session=1)[:100]:
        run._streamer.on_packets([packet])
    assert run._decoder_tap.waiting_packets == 100
    assert load.waiting_s() == 0, "its models are not loaded yet"
    with pytest.raises(ValueError, match="nothing"):
        run._analyse(_Failing)
    assert load.waiting_s() == 0, "its thread pauses"
    run._decoder_tap.close()
    run._analyse(IdleAnalyser)
    assert run._frames.waiting_packets == 0


def test_a_checkpoint_is_analysed_until_the_packet_in_work(spool: FullDisk, tmp_path: Path) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = worker_context(spool, tmp_path, [])
    run = CameraRun(camera, None, lambda: 1, IdleAnalyser, NETWORKS, tools)
    assert run._analysed_until_ns() is None, "its models are not loaded yet"
    run._checkpoint, _ = checkpoint_loop(spool, IdleAnalyser(), tmp_path, [])
    ahead_ns = 3 * NS_PER_S
    for packet in packets_of(PLAIN, session=1)[:20]:
        received_ns = packet.wall_ns - ahead_ns
        run._streamer.on_packets([replace(packet, received_ns=received_ns)])
    assert run._analysed_until_ns() is None, "no packet was taken yet"
    drafted_ns = round(DRAFT_EVERY_S * NS_PER_S)
    frames = iter(run._frames)
    while (frame := next(frames)) is not None:
        assert run._analysed_until_ns() == frame.wall_ns - drafted_ns
    now_ns = tools.clock.wall_ns() + ahead_ns
    assert run._analysed_until_ns() == now_ns - drafted_ns, "by the clock of the camera"


def test_a_checkpoint_whose_recording_is_shed_is_not_analysed(
    spool: FullDisk, tmp_path: Path
) -> None:
    """It is not pulled, so no packet shows that its pictures are not analysed."""
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = worker_context(spool, tmp_path, [])
    clock, log = tools.clock, GapLog(tools.layout, tools.clock)
    assert isinstance(clock, ManualClock)
    run = CameraRun(camera, None, lambda: 1, IdleAnalyser, NETWORKS, tools)
    run.tick()
    shed_ns = clock.wall_ns()
    run.shed(Shed.RECORDING_FOR_DISK)
    for _ in range(60):
        clock.advance(1)
        run.tick()
    run.shed(Shed.NOTHING)
    until_ns = clock.wall_ns()
    clock.advance(1)
    run.tick()
    run._analysis.close()
    lost = overlay(log.partly_analysed(camera.id, 0, until_ns))
    assert lost == [(shed_ns - SEEN_ENOUGH_NS, until_ns - EARLIER_NS, PartlyCause.OVERLOAD)]


def test_a_checkpoint_reports_what_its_earlier_process_did_not_log(
    spool: FullDisk, tmp_path: Path
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = worker_context(spool, tmp_path, [])
    log, now_ns = GapLog(tools.layout, tools.clock), tools.clock.wall_ns()
    log.mark_analysed(camera.id, now_ns - 60 * NS_PER_S)
    run = CameraRun(camera, None, lambda: 1, IdleAnalyser, NETWORKS, tools)
    run._analysis.start(run._gaps.start())
    run._analysis.close()
    (lost,) = log.partly_analysed(camera.id, 0, now_ns)
    assert lost.cause is PartlyCause.RESTART


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
