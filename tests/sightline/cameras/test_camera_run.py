"""A checkpoint whose disk refuses passings: they wait in memory in order, and are spooled later."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.camera_states import CameraState, Why
from domain.clock import NS_PER_S, ManualClock
from domain.errors import StoreError
from domain.events.event import Passing
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from domain.paths.data_layout import Layout
from domain.settings import Settings
from domain.unread_reasons import Unread
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.camera_run import CameraRun
from sightline.cameras.checkpoint_loop import MOST_WAITING, CheckpointLoop
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.worker_context import WorkerContext
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from storage.recordings.trigger_log import TriggerLog
from tests.ingest.conftest import NETWORKS, make_camera
from tests.kept import make_event, make_passing
from tests.recorded import PLAIN, packets_of

CAMERA = "gate"


def passing(after_s: int) -> Passing:
    return make_passing(make_event(CAMERA, after_s=after_s))


class _Idle:
    """An analyser that returns `one passing` for each frame, and has another one in view."""

    def __init__(self) -> None:
        self.ready: list[Passing] = []
        self.seen: list[Passing] = []

    def analyse(self, frame: Frame) -> list[Passing]:
        return self.idle(frame.wall_ns)

    def idle(self, now_ns: int) -> list[Passing]:
        ready, self.ready = self.ready, []
        return ready

    def in_view(self) -> bool:
        return bool(self.seen)

    def drafts(self) -> list[Passing]:
        return self.seen

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
    )


def _checkpoint_loop(
    spool: Spool, analyser: _Idle, tmp_path: Path, woken: list[int]
) -> tuple[CheckpointLoop, Tap]:
    tap = Tap("decoder", 10, 1 << 20)
    tools = _tools(spool, tmp_path, woken)
    gate = DecodeGate(CAMERA, tap)
    reader = FrameReader(tap, tools.clock, 10.0, CAMERA, control=gate)
    camera = make_camera("rtsp://10.0.0.1/1", camera_id=CAMERA)
    return CheckpointLoop(camera, analyser, reader, gate, tools), tap


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
