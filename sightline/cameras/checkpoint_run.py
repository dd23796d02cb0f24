"""The analysis of one checkpoint in one worker, in a thread of its own.

`CameraRun` pulls the camera, and passes its packets to the gate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from domain.camera_states import CameraStatus, Shed
from domain.clock import NS_PER_S
from domain.events.analyser import Analyser
from domain.media.fanout import Tap
from domain.media.live_detections import DetectionFeed
from domain.recordings.partly_analysed import PartlyCause
from domain.registry import Camera
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.health.decode_failures import DecodeFailures
from sightline.cameras.analysis_recorder import AnalysisRecorder
from sightline.cameras.checkpoint_loop import DRAFT_EVERY_S, CheckpointFrames, CheckpointLoop
from sightline.cameras.decode_turns import CameraDecodeTurn
from sightline.cameras.worker_context import WorkerContext
from sightline.cameras.workload import DecoderWork
from sightline.processes.supervised_threads import run_supervised
from storage.recordings.gaps.log import GapLog

_SHED_PARTS = {
    Shed.NOTHING: 1.0,
    Shed.ANALYTICS_SLOWER: 0.5,
    Shed.ANALYTICS: 0.0,
    Shed.RECORDING: 0.0,
    Shed.RECORDING_FOR_DISK: 0.0,
}
"""The part of the looks a second that is made while the camera is shed so far."""
DECODER_TAP_PACKETS, DECODER_TAP_BYTES = 256, 16 << 20


class CheckpointRun:
    """Analyses one camera: `start`, then `update` and `tick` about once a second, then `stop` and
    `join`.
    """

    def __init__(
        self,
        camera: Camera,
        analyser: Callable[[], Analyser],
        failures: DecodeFailures,
        tools: WorkerContext,
    ) -> None:
        """Call `analyser` in the analysis thread, because its models may take a while to load.

        `failures` receives which packets cannot be decoded.
        """
        self._camera = camera
        self._analyser = analyser
        self._tools = tools
        self.detections = DetectionFeed()
        """What each picture shows, for those who watch the camera live."""
        self._losses = AnalysisLosses()
        self._share = tools.decode_share.of(camera, self._losses)
        self._tap = Tap("decoder", DECODER_TAP_PACKETS, DECODER_TAP_BYTES)
        self.gate = DecodeGate(camera.id, self._tap, self._share)
        """The sink of the camera's packets."""
        self._turn = CameraDecodeTurn(camera.id, tools.decode_turns, tools.clock)
        self._frames = FrameReader(
            self._tap,
            tools.clock,
            self._fps(),
            camera.id,
            failures,
            self.gate,
            self._losses,
            tools.decoder_devices,
            self._turn,
        )
        self._recorder = AnalysisRecorder(
            camera.id,
            GapLog(tools.layout, tools.clock),
            self._losses.take,
            self._analysed_until_ns,
            tools.clock,
        )
        self._loop: CheckpointLoop | None = None
        self._is_finished = False
        """Whether the analysis ended with everything stored that was in view."""
        self._ticked_ns = tools.clock.wall_ns()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, until_ns: int) -> None:
        """Start the thread, after an earlier process that ran the camera until `until_ns`."""
        self._recorder.start(until_ns)
        self._thread = threading.Thread(
            target=run_supervised,
            args=("look", self._camera.id, self._analyse, self._stop, self._tools.clock),
            name=f"look {self._camera.id}",
        )
        self._thread.start()

    def stop(self) -> None:
        """Do not restart the analysis if it fails from now on."""
        self._stop.set()

    def join(self) -> None:
        """Wait until all packets are analysed. No further packet may come."""
        self.detections.end()
        self.gate.end()
        self._tap.close()
        if self._thread is not None:
            self._thread.join()
        self._recorder.close()

    def update(self, shed: Shed) -> None:
        """Analyse as often as this level of load shedding allows."""
        self._frames.rate.set(_SHED_PARTS[shed] * self._fps())

    def tick(self, shed: Shed) -> None:
        """Record what was not analysed."""
        self._share.tick()
        self._lose_shed_time(shed)
        self._recorder.update()

    def add_to(self, status: CameraStatus) -> None:
        """Add the state of the analysis to that of the camera."""
        status.analysed_part = self._share.recent_part()
        status.unread = self._loop.unread() if self._loop is not None else ()

    def _lose_shed_time(self, shed: Shed) -> None:
        """Report the time since the last tick as not analysed if the recording is shed.

        The camera is not pulled then, so no packet shows that its pictures are not analysed.
        """
        since_ns, self._ticked_ns = self._ticked_ns, self._tools.clock.wall_ns()
        if shed.is_of_recording:
            self._losses.add(since_ns, self._ticked_ns, PartlyCause.OVERLOAD)

    def _analyse(self) -> None:
        frames = CheckpointFrames(self._frames, self.gate, self._turn, self._share)
        self._loop = CheckpointLoop(
            self._camera, self._analyser(), frames, self.detections, self._tools
        )
        # Packets that no thread decodes take no time of the worker.
        with self._share.counting(DecoderWork(self._frames, self.gate)):
            self._loop.run()
        self._is_finished = True

    def _analysed_until_ns(self) -> int | None:
        """Return until when all passings are spooled or drafted, or what hides them is reported.

        Return None before the first packet is analysed, and while the disk refuses passings.
        """
        done_ns = self.gate.done_until_ns(self._tools.clock.wall_ns())
        undone_ns = self._frames.undone_from_ns
        if self._loop is None or self._loop.has_unstored or undone_ns == 0:
            return None
        drafted_ns = 0 if self._is_finished else round(DRAFT_EVERY_S * NS_PER_S)
        return (done_ns if undone_ns is None else min(done_ns, undone_ns)) - drafted_ns

    def _fps(self) -> float:
        settings = self._tools.settings
        rates = {"plate": settings.plate_detect_fps, "face": settings.face_detect_fps}
        return max(rates[kind] for kind in self._camera.checkpoint)
