"""A checkpoint whose disk refuses passings: they wait in memory in order, and are spooled later."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.camera_states import CameraState, Shed, Why
from domain.clock import NS_PER_S, ManualClock
from domain.errors import StoreError
from domain.events.event import Passing
from domain.media.fanout import Tap
from domain.media.live_detections import DetectionFeed, DetectionQueue, LiveDetection
from domain.media.packets import Frame, Packet
from domain.paths.data_layout import Layout
from domain.recordings.gaps import GapCause
from domain.recordings.partly_analysed import PartlyCause
from domain.registry.model import SubStream
from domain.settings import Settings
from domain.unread_reasons import Unread
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.frames.decoder_devices import DecoderDevices
from ingest.recording.disk_writer import DiskWriter
from ingest.recording.recorder import Recorder
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras import camera_runs
from sightline.cameras.camera_run import MOST_TICKS_SKIPPED, CameraRun
from sightline.cameras.camera_runs import CameraRuns
from sightline.cameras.checkpoint_loop import (
    DRAFT_EVERY_S,
    MOST_WAITING,
    CheckpointFrames,
    CheckpointLoop,
)
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.decode_turns import CameraDecodeTurn
from sightline.cameras.gap_writer import GapWriter
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.turns import InView, Turns
from sightline.cameras.worker_context import WorkerContext
from storage.events.spool import Spool
from storage.recordings.gaps import disk_writes
from storage.recordings.gaps.disk_writes import DeferredSync
from storage.recordings.gaps.log import GapLog
from storage.recordings.trigger_log import TriggerLog
from tests.ingest.conftest import NETWORKS, make_camera
from tests.kept import make_event, make_passing
from tests.recorded import PLAIN, packets_of
from tests.waiting import PATIENCE_S

CAMERA = "gate"


def passing(after_s: int) -> Passing:
    return make_passing(make_event(CAMERA, after_s=after_s))


class _Idle:
    """An analyser that returns `one passing` for each frame, and has another one in view."""

    def __init__(self) -> None:
        self.ready: list[Passing] = []
        self.seen: list[Passing] = []
        self.shown: list[int] = []
        """The times of the frames whose detections were requested."""
        self.has_standing = False

    def analyse(self, frame: Frame) -> list[Passing]:
        return self.idle(frame.wall_ns)

    def idle(self, now_ns: int, until_ns: int | None = None) -> list[Passing]:
        ready, self.ready = self.ready, []
        return ready

    def in_view(self) -> bool:
        return bool(self.seen)

    def settled(self) -> frozenset[str]:
        return frozenset()

    def publish_settled(self, ids: frozenset[str]) -> list[Passing]:
        return []

    def stands(self) -> bool:
        return self.has_standing

    def drafts(self) -> list[Passing]:
        return self.seen

    def detections(self, wall_ns: int) -> list[LiveDetection]:
        self.shown.append(wall_ns)
        return [LiveDetection(kind="face", track=1, box=(0, 0, 0.5, 0.5), confidence=0.9)]

    def unread(self) -> tuple[Unread, ...]:
        return ()

    def resume(self, drafts: list[Passing]) -> None:
        self.seen += drafts

    def close(self) -> list[Passing]:
        return self.idle(0)


class _FullDisk(Spool):
    """A spool whose disk refuses while a test says so."""

    is_full = True

    def put(self, passing: Passing) -> None:
        if self.is_full:
            raise StoreError("the spool cannot be written: no space left on device")
        super().put(passing)

    put_draft = put


@pytest.fixture
def spool(tmp_path: Path) -> _FullDisk:
    return _FullDisk(Layout(tmp_path), ManualClock())


def _tools(spool: Spool, tmp_path: Path, woken: list[int]) -> WorkerContext:
    clock = ManualClock()
    loop = PullLoop(clock)
    loop.close()  # nothing is pulled here
    triggers = TriggerQueue(TriggerLog(Layout(tmp_path), Settings()), clock)
    return WorkerContext(
        Settings(),
        Layout(tmp_path),
        clock,
        spool,
        DiskWriter(clock),
        lambda: woken.append(1),
        loop,
        triggers,
        InferenceScheduler(1, clock),
        Turns(1, clock),
        DecodeShare(clock),
        DecoderDevices(),
        DeferredSync(Layout(tmp_path).gaps),
    )


def _checkpoint_loop(
    spool: Spool,
    analyser: _Idle,
    tmp_path: Path,
    woken: list[int],
    detections: DetectionFeed | None = None,
) -> tuple[CheckpointLoop, Tap]:
    tap = Tap("decoder", 10, 1 << 20)
    tools = _tools(spool, tmp_path, woken)
    gate = DecodeGate(CAMERA, tap)
    reader = FrameReader(tap, tools.clock, 10.0, CAMERA, control=gate)
    camera = make_camera("rtsp://10.0.0.1/1", camera_id=CAMERA)
    share = tools.decode_share.of(camera, AnalysisLosses())
    turn = CameraDecodeTurn(CAMERA, tools.decode_turns, tools.clock)
    frames = CheckpointFrames(reader, gate, turn, share)
    return CheckpointLoop(camera, analyser, frames, detections or DetectionFeed(), tools), tap


def test_an_event_that_the_disk_refuses_waits_and_is_kept_later(
    spool: _FullDisk, tmp_path: Path
) -> None:
    analyser, woken = _Idle(), list[int]()
    checkpoint, tap = _checkpoint_loop(spool, analyser, tmp_path, woken)
    analyser.ready = [passing(0), passing(1)]
    analyser.seen = [passing(2)]
    tap.close()
    checkpoint.run()
    assert spool.pending([CAMERA]) == []
    assert woken == []
    spool.is_full = False
    checkpoint.run()
    assert [entry.event_id for entry in spool.pending([CAMERA])] == [
        passing(0).event.id,
        passing(1).event.id,
    ]
    assert woken


def test_the_time_in_which_a_vehicle_stands_in_view_is_partly_analysed(
    spool: _FullDisk, tmp_path: Path
) -> None:
    analyser = _Idle()
    checkpoint, _ = _checkpoint_loop(spool, analyser, tmp_path, [])
    for second, analyser.has_standing in enumerate([False, True, True, True, False, True, False]):
        checkpoint._note_standing(second * NS_PER_S)
    (stood,) = checkpoint._reader.losses.take()
    assert stood == (NS_PER_S, 3 * NS_PER_S, PartlyCause.STANDING_VEHICLE)


def test_a_checkpoint_yields_its_turns_only_if_all_that_it_shows_is_settled(
    spool: _FullDisk, tmp_path: Path
) -> None:
    analyser = _Idle()
    checkpoint, _ = _checkpoint_loop(spool, analyser, tmp_path, [])
    shown = list[InView]()
    for seen, is_settled in ([], False), ([passing(0)], False), ([passing(0)], True):
        analyser.seen, checkpoint._rests.is_settled = seen, is_settled
        shown.append(checkpoint._in_view())
    assert shown == [InView.NOTHING, InView.UNSETTLED, InView.SETTLED]


def test_memory_is_bounded_and_the_oldest_give_way(spool: _FullDisk, tmp_path: Path) -> None:
    analyser = _Idle()
    checkpoint, tap = _checkpoint_loop(spool, analyser, tmp_path, [])
    analyser.ready = [passing(second) for second in range(MOST_WAITING + 1)]
    tap.close()
    checkpoint.run()
    spool.is_full = False
    checkpoint.run()
    kept = [entry.event_id for entry in spool.pending([CAMERA])]
    assert kept == [passing(second).event.id for second in range(1, MOST_WAITING + 1)]


def test_detections_are_made_only_while_somebody_watches(spool: _FullDisk, tmp_path: Path) -> None:
    analyser, feed = _Idle(), DetectionFeed()
    packets, shown = packets_of(PLAIN)[:50], list[int]()
    for is_watched in (False, True):
        queue = DetectionQueue("live", lambda: None)
        if is_watched:
            feed.join(queue)
        checkpoint, tap = _checkpoint_loop(spool, analyser, tmp_path, [], feed)
        checkpoint._reader = FrameReader(tap, ManualClock(), 100.0, CAMERA)
        for packet in packets[:8]:
            tap.put(packet)
        tap.close()
        checkpoint.run()
        shown = [one.wall_ns for one in queue.take()]
        assert bool(shown) is is_watched
    assert analyser.shown == shown
    assert set(shown) <= {one.wall_ns for one in packets}


def random_slices(packet: Packet, number: int) -> Packet:
    """Return the packet with its parameter sets, and noise in place of its slices."""
    data, mark = packet.data, b"\x00\x00\x01"
    slice_at = max(data.find(mark + bytes([kind])) for kind in (0x65, 0x41, 0x61))
    noise = bytes(byte or 1 for byte in random.Random(number).randbytes(500))
    return replace(packet, data=data[: slice_at + 4] + noise, starts=())


def test_a_checkpoint_of_which_no_picture_decodes_is_undecodable_until_one_does(
    spool: _FullDisk, tmp_path: Path
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = _tools(spool, tmp_path, [])
    clock = tools.clock
    assert isinstance(clock, ManualClock)
    run = CameraRun(camera, None, lambda: 1, _Idle, NETWORKS, tools)
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


class _Failing(_Idle):
    """An analyser that cannot analyse."""

    def analyse(self, frame: Frame) -> list[Passing]:
        raise ValueError("the model returned nothing")


def test_packets_of_a_checkpoint_that_no_thread_analyses_are_no_work_of_the_worker(
    spool: _FullDisk, tmp_path: Path
) -> None:
    """The other checkpoints of the worker would be left out for them."""
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = _tools(spool, tmp_path, [])
    run = CameraRun(camera, None, lambda: 1, _Idle, NETWORKS, tools)
    load = tools.decode_share.workload
    for packet in packets_of(PLAIN, session=1)[:100]:
        run._streamer.on_packets([packet])
    assert run._decoder_tap.waiting_packets == 100
    assert load.waiting_s() == 0, "its models are not loaded yet"
    with pytest.raises(ValueError, match="nothing"):
        run._analyse(_Failing)
    assert load.waiting_s() == 0, "its thread pauses"
    run._decoder_tap.close()
    run._analyse(_Idle)
    assert run._frames.waiting_packets == 0


def test_a_checkpoint_is_analysed_until_the_packet_in_work(
    spool: _FullDisk, tmp_path: Path
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = _tools(spool, tmp_path, [])
    run = CameraRun(camera, None, lambda: 1, _Idle, NETWORKS, tools)
    assert run._analysed_until_ns() is None, "its models are not loaded yet"
    run._checkpoint, _ = _checkpoint_loop(spool, _Idle(), tmp_path, [])
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


def test_a_checkpoint_reports_what_its_earlier_process_did_not_log(
    spool: _FullDisk, tmp_path: Path
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update={"checkpoint": ("plate",)})
    tools = _tools(spool, tmp_path, [])
    log, now_ns = GapLog(tools.layout, tools.clock), tools.clock.wall_ns()
    log.mark_analysed(camera.id, now_ns - 60 * NS_PER_S)
    run = CameraRun(camera, None, lambda: 1, _Idle, NETWORKS, tools)
    run._analysis.start(run._gaps.start())
    run._analysis.close()
    (lost,) = log.partly_analysed(camera.id, 0, now_ns)
    assert lost.cause is PartlyCause.RESTART


@pytest.mark.parametrize("is_checkpoint", [True, False])
def test_a_checkpoint_is_read_at_once_and_a_camera_that_is_only_recorded_at_leisure(
    spool: _FullDisk, tmp_path: Path, is_checkpoint: bool
) -> None:
    """A late analysis would make an event searchable half a second later."""
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(
        update={"checkpoint": ("plate",) if is_checkpoint else ()}
    )
    tools = _tools(spool, tmp_path, [])
    run = CameraRun(camera, None, lambda: 1, _Idle if is_checkpoint else None, NETWORKS, tools)
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
    spool: _FullDisk, tmp_path: Path, changes: dict[str, object], is_urgent: bool
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1").model_copy(update=changes)
    camera = camera.model_copy(update={"substream": SubStream(url="rtsp://10.0.0.1/2")})
    run = CameraRun(camera, None, lambda: 1, None, NETWORKS, _tools(spool, tmp_path, []))
    assert run._streamer._is_urgent is is_urgent
    assert run._sub is not None
    assert run._sub._streamer._is_urgent


def test_a_status_writes_no_gap_and_a_tick_does(spool: _FullDisk, tmp_path: Path) -> None:
    camera = make_camera("rtsp://10.0.0.1/1")
    tools = _tools(spool, tmp_path, [])
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
    spool: _FullDisk, tmp_path: Path
) -> None:
    camera = make_camera("rtsp://10.0.0.1/1")
    tools = _tools(spool, tmp_path, [])
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
    spool: _FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States are also written between two ticks, while many cameras start or end."""
    tools = _tools(spool, tmp_path, [])
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


def _runs(tools: WorkerContext, cameras: int, heartbeat: Callable[[], None]) -> CameraRuns:
    """Return the runs of cameras that are not started, so that each has a gap."""
    runs = CameraRuns(tools, lambda _: _Idle(), heartbeat)
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
    spool: _FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, synced = _tools(spool, tmp_path, []), list[str]()
    monkeypatch.setattr(os, "fsync", lambda _: synced.append("file"))
    monkeypatch.setattr(disk_writes, "_sync_file_system", lambda _: synced.append("file system"))
    _runs(tools, 20, lambda: None).tick()
    assert len(_with_gaps(tools)) == 20
    assert synced == []
    tools.gap_sync.sync()
    assert synced == ["file system"]


def test_a_disk_that_does_not_respond_delays_no_heartbeat(
    spool: _FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, beats = _tools(spool, tmp_path, []), list[int]()
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
    spool: _FullDisk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tools, responds = _tools(spool, tmp_path, []), threading.Event()
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
