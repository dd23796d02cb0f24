"""The analysis of one checkpoint in one worker, in a thread of its own.

`CameraRun` pulls the camera, and passes its packets to the gate.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from domain.camera_states import CameraStatus, Shed
from domain.clock import NS_PER_S
from domain.events.analyser import Analyser
from domain.media.fanout import Tap
from domain.media.live_detections import DetectionFeed
from domain.metrics import ANALYSIS_STOPPED
from domain.recordings.partly_analysed import PartlyCause
from domain.registry import Camera
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.health.decode_failures import DecodeFailures
from sightline.cameras.analysis_recorder import AnalysisRecorder
from sightline.cameras.checkpoint_loop import DRAFT_EVERY_S, CheckpointFrames, CheckpointLoop
from sightline.cameras.decode_turns import CameraDecodeTurn
from sightline.cameras.hang_detection import HangDetection
from sightline.cameras.passing_store import PassingStore
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
_DRAFTED_NS = round(DRAFT_EVERY_S * NS_PER_S)
JOIN_S = 4.0
"""`join` waits for so long for a packet to advance, from `finish` on. A thread that advances once
and then hangs takes twice this time. The supervisor kills a worker without a heartbeat after 10 s.
"""
_log = logging.getLogger(__name__)


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
        self._store = PassingStore(camera, self._losses, tools)
        self._loop: CheckpointLoop | None = None
        self._is_finished = False
        """Whether the analysis ended with everything stored that was in view."""
        self._failed_ns: int | None = None
        """When the analysis failed first (UTC), until it has analysed a frame again."""
        self._is_loading = False
        """Whether the thread loads its models, or failed to."""
        self._hang = HangDetection(
            camera.id,
            self._frames,
            lambda: self._is_loading,
            self._is_waiting_for_turn,
            tools.clock,
        )
        self._stopped = ANALYSIS_STOPPED.labels(camera.id)
        self._ticked_ns = tools.clock.wall_ns()
        self._stop = threading.Event()
        self._finished: tuple[float, tuple[int, int]] | None = None
        """When (monotonic, in seconds) the last packet had come, and the progress by then."""
        self._is_left = False
        """Whether the thread was left behind, and must not begin to analyse."""
        self._thread: threading.Thread | None = None

    def start(self, until_ns: int) -> None:
        """Start the thread, after an earlier process that ran the camera until `until_ns`."""
        self._recorder.start(until_ns)
        self._thread = threading.Thread(
            target=run_supervised,
            args=("look", self._camera.id, self._analyse, self._stop, self._tools.clock),
            name=f"look {self._camera.id}",
            daemon=True,  # a thread that hangs must not keep the process
        )
        self._thread.start()

    def stop(self) -> None:
        """Do not restart the analysis if it fails from now on."""
        self._stop.set()

    def finish(self) -> None:
        """Let the analysis end once all packets are analysed. No further packet may come.

        The time that `join` waits begins. So cameras that all finish before the first `join` are
        waited for together.
        """
        if self._finished is None:
            self.detections.end()
            self.gate.end()
            self._tap.close()
            self._finished = self._tools.clock.monotonic_s(), self._frames.progress

    def join(self) -> None:
        """Wait until all packets are analysed, unless the thread hangs or loads its models."""
        self.finish()
        if self._thread is not None:
            self._join(self._thread)
        if not self._is_left:
            self._store.end()
        self._recorder.close()
        self._stopped.set(0)
        self._tools.scheduler.forget(self._camera.id)
        self._tools.decode_turns.forget(self._camera.id)
        self._tools.decode_share.forget(self._camera.id)

    def _join(self, thread: threading.Thread) -> None:
        """Wait for the end of the thread while packets advance."""
        assert self._finished is not None
        clock, (since_s, progress) = self._tools.clock, self._finished
        while thread.is_alive() and self._hang.since_ns is None:
            thread.join(max(0.0, since_s + JOIN_S - clock.monotonic_s()))
            if self._frames.progress == progress:
                break
            since_s, progress = clock.monotonic_s(), self._frames.progress
        if thread.is_alive():
            self._is_left = True
            _log.error(
                "%s: the analysis %s; its thread is left behind",
                self._camera.id,
                "still loads its models" if self._is_loading else "does not respond",
            )
            # Its packets are neither analysed nor work of the worker any more.
            self._hang.give_up(self.gate.camera_ns(clock.wall_ns()))

    def update(self, shed: Shed) -> None:
        """Analyse as often as this level of load shedding allows."""
        self._frames.rate.set(_SHED_PARTS[shed] * self._fps())

    def tick(self, shed: Shed) -> None:
        """Record what was not analysed."""
        self._share.tick()
        self._lose_shed_time(shed)
        self._hang.check(self.gate.camera_ns(self._tools.clock.wall_ns()))
        self._recorder.update()
        self._stopped.set(self.stopped_since_ns is not None)

    @property
    def stopped_since_ns(self) -> int | None:
        """Since when (UTC) the analysis hangs or fails again and again; None if it works."""
        if self._hang.since_ns is not None:
            return self._hang.since_ns
        has_recovered = self._loop is not None and self._loop.has_analysed
        return None if has_recovered else self._failed_ns

    def add_to(self, status: CameraStatus) -> None:
        """Add the state of the analysis to that of the camera."""
        status.analysed_part = self._share.recent_part()
        status.analysis_stopped_ns = self.stopped_since_ns or 0
        status.models_loading_ns = self._hang.loading_since_ns or 0
        status.unread = self._loop.unread() if self._loop is not None else ()

    def _lose_shed_time(self, shed: Shed) -> None:
        """Report the time since the last tick as not analysed if the recording is shed.

        The camera is not pulled then, so no packet shows that its pictures are not analysed.
        """
        since_ns, self._ticked_ns = self._ticked_ns, self._tools.clock.wall_ns()
        if shed.is_of_recording:
            self._losses.add(since_ns, self._ticked_ns, PartlyCause.OVERLOAD)

    def _analyse(self) -> None:
        try:
            self._is_loading = True
            analyser = self._analyser()
            self._is_loading = False
            if not self._is_left:
                self._run(analyser)
        except BaseException:
            self._fail()
            raise

    def _run(self, analyser: Analyser) -> None:
        frames = CheckpointFrames(self._frames, self.gate, self._turn, self._share)
        self._loop = CheckpointLoop(
            self._camera, analyser, frames, self.detections, self._store, self._tools
        )
        # Packets that no thread decodes take no time of the worker.
        work = DecoderWork(self._frames, self.gate, lambda: self._hang.is_standing)
        with self._share.counting(work):
            self._loop.run()
        self._is_finished = True

    def _fail(self) -> None:
        """Report what was in view without a draft when the analysis failed. The reader reports the
        packets from then on, and the next analysis stores what the disk had refused.
        """
        loop, self._loop = self._loop, None
        if self._failed_ns is None or (loop is not None and loop.has_analysed):
            self._failed_ns = self._tools.clock.wall_ns()
        until_ns = self._done_until_ns()
        if until_ns is not None and loop is not None:
            self._losses.add(until_ns - _DRAFTED_NS, until_ns, PartlyCause.ANALYSIS_STOPPED)

    def _is_waiting_for_turn(self) -> bool:
        tools, camera_id = self._tools, self._camera.id
        return tools.decode_turns.is_waiting(camera_id) or tools.scheduler.is_waiting(camera_id)

    def _analysed_until_ns(self) -> int | None:
        """Return until when all passings are spooled or drafted, or what hides them is reported.

        Return None before the first packet is analysed, and while the disk refuses passings.
        """
        done_ns = self._done_until_ns()
        if done_ns is None or self._loop is None or self._store.has_unstored:
            return None
        return done_ns if self._is_finished else done_ns - _DRAFTED_NS

    def _done_until_ns(self) -> int | None:
        """Return until when all pictures are analysed, or their loss is reported; None before the
        first packet is analysed.
        """
        done_ns = self.gate.done_until_ns(self._tools.clock.wall_ns())
        undone_ns = self._frames.undone_from_ns
        if undone_ns == 0:
            return None
        return done_ns if undone_ns is None else min(done_ns, undone_ns)

    def _fps(self) -> float:
        settings = self._tools.settings
        rates = {"plate": settings.plate_detect_fps, "face": settings.face_detect_fps}
        return max(rates[kind] for kind in self._camera.checkpoint)
