"""A checkpoint without a network, an analyser that returns what a test sets, and a full disk."""

from __future__ import annotations

from pathlib import Path

from domain.clock import ManualClock
from domain.errors import StoreError
from domain.events.event import Passing
from domain.media.fanout import Tap
from domain.media.live_detections import DetectionFeed, LiveDetection
from domain.media.packets import Frame
from domain.paths.data_layout import Layout
from domain.settings import Settings
from domain.unread_reasons import Unread
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.frames.decoder_devices import DecoderDevices
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.checkpoint_loop import CheckpointFrames, CheckpointLoop
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.decode_turns import CameraDecodeTurn
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.passing_store import PassingStore
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.turns import Turns
from sightline.cameras.worker_context import WorkerContext
from storage.events.spool import Spool
from storage.recordings.gaps.disk_writes import DeferredSync
from storage.recordings.trigger_log import TriggerLog
from tests.ingest.conftest import make_camera
from tests.kept import make_event, make_passing

CAMERA = "gate"


def passing(after_s: int) -> Passing:
    return make_passing(make_event(CAMERA, after_s=after_s))


class IdleAnalyser:
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


class FullDisk(Spool):
    """A spool whose disk refuses while a test says so."""

    is_full = True

    def put(self, passing: Passing) -> None:
        if self.is_full:
            raise StoreError("the spool cannot be written: no space left on device")
        super().put(passing)

    put_draft = put


def worker_context(spool: Spool, tmp_path: Path, woken: list[int]) -> WorkerContext:
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


def checkpoint_loop(
    spool: Spool,
    analyser: IdleAnalyser,
    tmp_path: Path,
    woken: list[int],
    detections: DetectionFeed | None = None,
) -> tuple[CheckpointLoop, Tap]:
    tap = Tap("decoder", 10, 1 << 20)
    tools = worker_context(spool, tmp_path, woken)
    gate = DecodeGate(CAMERA, tap)
    reader = FrameReader(tap, tools.clock, 10.0, CAMERA, control=gate)
    camera = make_camera("rtsp://10.0.0.1/1", camera_id=CAMERA)
    share = tools.decode_share.of(camera, AnalysisLosses())
    turn = CameraDecodeTurn(CAMERA, tools.decode_turns, tools.clock)
    frames = CheckpointFrames(reader, gate, turn, share)
    store = PassingStore(camera, reader.losses, tools)
    feed = detections or DetectionFeed()
    return CheckpointLoop(camera, analyser, frames, feed, store, tools), tap
