"""Real cameras under injected load: C is shed before A, viewers stay, and all is restored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from domain.camera_states import CameraState, Shed
from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.media.packet_batch import PacketOrBatch, newest_packet
from domain.media.packets import AudioPacket
from domain.paths.data_layout import Layout
from domain.recordings.triggers import Trigger
from domain.registry import Camera
from domain.settings import Settings
from ingest.frames.decoder_devices import DecoderDevices
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.camera_run import CameraRun
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.policy_loop import PolicyLoop
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.turns import Turns
from sightline.cameras.worker_context import WorkerContext
from sightline.overload.load import SAMPLE_EVERY_S, LoadGauge, load_of_node, write_load
from sightline.overload.shedding import Shedding
from sightline.overload.shedding_policy import Load
from sightline.processes.status_file import write_statuses
from simulator import SimCamera, Simulator
from storage.events.spool import Spool
from storage.recordings.gaps.disk_writes import DeferredSync
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from tests.ingest.conftest import NETWORKS, make_camera, make_video
from tests.waiting import wait_for

CLOCK = SystemClock()


class Node:
    """A worker's cameras on real streams, and load shedding with a manual clock."""

    def __init__(self, layout: Layout, cameras: list[Camera]) -> None:
        self.layout = layout
        self.log = TriggerLog(layout, Settings())
        self._loop = PullLoop(CLOCK)
        self._writer, self._over = DiskWriter(CLOCK), threading.Event()
        self._writing = threading.Thread(target=self._writer.run, args=(self._over,))
        settings = Settings(segment_s=1)
        triggers = TriggerQueue(self.log, CLOCK)
        tools = WorkerContext(
            settings,
            layout,
            CLOCK,
            Spool(layout, CLOCK),
            self._writer,
            lambda: None,
            self._loop,
            triggers,
            InferenceScheduler(1, CLOCK),
            Turns(1, CLOCK),
            DecodeShare(CLOCK),
            DecoderDevices(),
            DeferredSync(layout.gaps),
        )
        self.runs = {
            one.id: CameraRun(one, None, lambda: 1, None, NETWORKS, tools) for one in cameras
        }
        self._policies = PolicyLoop(layout, lambda: tuple(self.runs.values()), CLOCK)
        self._time = ManualClock()
        self._shedding = Shedding(layout, lambda: cameras, self._time)

    def start(self) -> None:
        self._loop.start()
        self._writing.start()
        for run in self.runs.values():
            run.start()

    def stop(self) -> None:
        for run in self.runs.values():
            run.stop()
        for run in self.runs.values():
            run.join()
        self._loop.stop()
        self._loop.join()
        self._over.set()
        self._writing.join()

    def pass_time(self, seconds: int, load: Load) -> None:
        """Advance load shedding by so many seconds under `load`."""
        for _ in range(seconds):
            self._time.advance(1)
            write_load(self.layout, "0", load, self._time)
            for run in self.runs.values():
                run.tick()
            write_statuses(self.layout, 0, [run.status() for run in self.runs.values()])
            self._shedding.run_once()
        self._policies.run_once()

    def states(self) -> dict[str, tuple[CameraState, Shed]]:
        self._policies.run_once()
        return {
            name: ((status := run.status()).state, status.shed) for name, run in self.runs.items()
        }


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    video = make_video(tmp_path_factory.mktemp("video") / "v.mp4", "h264", 50)
    with Simulator([SimCamera(name, video) for name in ("shop", "school", "gate")]) as simulator:
        yield simulator


@pytest.fixture
def make_node(tmp_path: Path, simulator: Simulator) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(**changes: dict[str, object]) -> Node:
        cameras = [
            make_camera(simulator.url(name), camera_id=name).model_copy(
                update={"class_": class_, **changes.get(name, {})}
            )
            for name, class_ in (("shop", "C"), ("school", "B"), ("gate", "A"))
        ]
        nodes.append(Node(Layout(tmp_path), cameras))
        nodes[0].start()
        return nodes[0]

    yield make
    for node in nodes:
        node.stop()


def test_c_gives_way_before_b_before_a_and_all_comes_back(make_node: Callable[..., Node]) -> None:
    node = make_node()
    live, gone = (CameraState.LIVE, Shed.NOTHING), (CameraState.IDLE, Shed.RECORDING)
    gone_for_disk = (CameraState.IDLE, Shed.RECORDING_FOR_DISK)
    wait_for("live cameras", lambda: node.states() == {"shop": live, "school": live, "gate": live})
    node.pass_time(6, Load(processor=1.5))
    assert node.states() == {"shop": gone, "school": live, "gate": live}
    node.pass_time(20, Load(processor=0.8))
    assert node.states() == {"shop": gone, "school": live, "gate": live}, (
        "between the bounds nothing changes"
    )
    node.pass_time(5, Load(disk=1.5))
    node.pass_time(1, Load(disk=1.5))
    assert node.states() == {"shop": gone, "school": gone_for_disk, "gate": live}
    with node.runs["shop"].watching() as fanout:
        tap = fanout.open("viewer")
        assert tap.take(10), "who watches sees it all the same"
        assert node.runs["shop"].status().shed is Shed.RECORDING
    node.pass_time(60, Load())
    wait_for("live cameras", lambda: node.states() == {"shop": live, "school": live, "gate": live})


def test_a_stopped_camera_is_recorded_to_its_last_packet(
    make_node: Callable[..., Node],
) -> None:
    class Seen:
        last_ns, never = 0, threading.Event()

        def put(self, *received: PacketOrBatch) -> None:
            CLOCK.wait(
                self.never, 0.05
            )  # so that `stop` comes while a packet is on its way to the recorder
            self.last_ns = newest_packet(received).wall_ns

        def put_audio(self, packet: AudioPacket, /) -> None: ...

    node, seen = make_node(), Seen()
    run = node.runs["gate"]
    wait_for("recording", lambda: run.status().recorded_until_ns > 0)
    run.fanout.detach(run._gate)
    run.fanout.attach(seen)
    run.fanout.attach(run._gate)
    wait_for("looks", lambda: seen.last_ns > 0)
    run.stop()
    run.join()
    assert (
        Ledger(node.layout.recordings).segments("gate", 0, 1 << 62)[-1].end_ns or 0
    ) > seen.last_ns
    assert run.status().lost_packets == 0


def test_a_camera_above_its_limit_is_shed_first(make_node: Callable[..., Node]) -> None:
    node = make_node()
    run = node.runs["gate"]
    wait_for("live camera", lambda: run.status().state is CameraState.LIVE)
    run._limit.is_over = True
    node.pass_time(6, Load(processor=1.5))
    assert {name: shed for name, (_, shed) in node.states().items() if shed} == {
        "gate": Shed.RECORDING
    }
    assert run.status().over_limit


def test_a_camera_on_demand_is_recorded_while_a_trigger_asks_and_not_while_watched(
    make_node: Callable[..., Node],
) -> None:
    node = make_node(shop={"record": "on_demand"})
    shop, ledger = node.runs["shop"], Ledger(node.layout.recordings)
    assert shop.status().state is CameraState.IDLE
    with shop.watching() as fanout:
        tap = fanout.open("viewer")
        seen = 0
        while seen < 60:
            seen += len(tap.take(5))
        assert ledger.segments("shop", 0, 1 << 62) == ()
        now_ns = CLOCK.wall_ns()
        node.log.add(Trigger("shop", "api", now_ns, now_ns + 3 * NS_PER_S, "alarm"))
        wait_for(
            "segments", lambda: bool(node.states()) and bool(ledger.segments("shop", 0, 1 << 62))
        )
    assert ledger.segments("shop", 0, 1 << 62)[0].start_ns >= now_ns - NS_PER_S


def test_a_worker_measures_how_late_it_wakes(tmp_path: Path) -> None:
    class Late(ManualClock):
        def wait(self, event: threading.Event, timeout_s: float) -> bool:
            self.advance(timeout_s + 1.5)
            return self.monotonic_s() > began_s + 60

    clock, layout = Late(), Layout(tmp_path)
    began_s = clock.monotonic_s()
    gauge = LoadGauge(layout, 0, Settings(disk_reserve_gb=0), clock, lambda: 0.125)
    assert gauge.measured() == Load(0.0, 0.25)
    gauge.run(threading.Event())
    assert gauge.measured().processor == pytest.approx(2.0)
    assert load_of_node(layout, clock).processor == pytest.approx(2.0, abs=0.1)
    with suppress(FileNotFoundError):
        (layout.worker_loads / "1.json").write_text("half a li")
    assert load_of_node(layout, clock).processor > 1
    clock.advance(60 + SAMPLE_EVERY_S)
    assert load_of_node(layout, clock) == Load(), "an old load does not count"


def test_a_disk_with_a_tenth_of_its_reserve_left_has_full_load(tmp_path: Path) -> None:
    def gauge(reserve_gb: float) -> LoadGauge:
        return LoadGauge(
            Layout(tmp_path), 0, Settings(disk_reserve_gb=reserve_gb), ManualClock(), lambda: 0.0
        )

    assert gauge(0.000001).measured().disk < 0.01
    assert gauge(1e9).measured().disk > 1
