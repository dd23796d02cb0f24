"""A sub-stream of a real RTSP server is pulled for viewers, independently of the main stream."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.camera_states import CameraState
from domain.clock import SystemClock
from domain.errors import NotFound
from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.registry.model import SubStream
from domain.settings import Settings
from ingest.frames.decoder_devices import DecoderDevices
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.camera_run import CameraRun
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.turns import Turns
from sightline.cameras.worker_context import WorkerContext
from simulator import SimCamera, Simulator
from storage.events.spool import Spool
from storage.recordings.gaps.disk_writes import DeferredSync
from storage.recordings.trigger_log import TriggerLog
from tests.ingest.conftest import NETWORKS, make_camera, make_video
from tests.waiting import PATIENCE_S

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    folder = tmp_path_factory.mktemp("clips")
    small, large = (
        make_video(folder / "small.mp4", "h264", 50),
        make_video(folder / "large.mp4", "h264", 50, 640, 480),
    )
    with Simulator([SimCamera("main", large), SimCamera("small", small)]) as simulator:
        yield simulator


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[WorkerContext]:
    layout, loop, stop = Layout(tmp_path), PullLoop(CLOCK), threading.Event()
    writer = DiskWriter(CLOCK)
    thread = threading.Thread(target=writer.run, args=(stop,))
    triggers = TriggerQueue(TriggerLog(layout, Settings()), CLOCK)
    loop.start()
    thread.start()
    yield WorkerContext(
        Settings(),
        layout,
        CLOCK,
        Spool(layout, CLOCK),
        writer,
        lambda: None,
        loop,
        triggers,
        InferenceScheduler(1, CLOCK),
        Turns(1, CLOCK),
        DecodeShare(CLOCK),
        DecoderDevices(),
        DeferredSync(layout.gaps),
    )
    loop.stop()
    loop.join()
    stop.set()
    thread.join()


def _camera(sim: Simulator, has_sub: bool = True) -> Camera:
    substream = SubStream(url=sim.url("small")) if has_sub else None
    return make_camera(sim.url("main")).model_copy(
        update={"record": "on_demand", "substream": substream}
    )


def _run(camera: Camera, tools: WorkerContext) -> CameraRun:
    return CameraRun(camera, None, lambda: 1, None, NETWORKS, tools)


def test_it_is_pulled_while_it_is_asked_for_and_the_main_stream_is_not(
    sim: Simulator, tools: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.cameras.pull_policy.LINGER_S", 0.0)
    run = _run(_camera(sim), tools)
    run.start()
    try:
        for _ in range(2):
            plays = sim.counters("small").plays
            with run.watching(is_sub=True) as fanout:
                asked_ns = CLOCK.wall_ns()
                tap = fanout.open("test", from_held=True)
                packet = next(packet for _ in range(20) for packet in tap.take(0.5))
                run.update()
                assert (packet.stream.camera_id, packet.stream.width_px) == ("gate/sub", 320)
                assert packet.received_ns >= asked_ns, "none of an earlier time"
                assert run.status().state is CameraState.IDLE
                fanout.close(tap)
            run.update()
            assert run._sub is not None
            assert run._sub._streamer.join(PATIENCE_S)
            assert sim.counters("small").plays == plays + 1
        assert sim.counters("main").plays == 0
    finally:
        run.stop()
        run.join()


def test_a_camera_without_one_says_so(sim: Simulator, tools: WorkerContext) -> None:
    run = _run(_camera(sim, has_sub=False), tools)
    with pytest.raises(NotFound, match="no sub-stream"), run.watching(is_sub=True):
        pass
