"""One camera in one worker: its streamer runs in the pull loop and its recorder in the disk writer.
A checkpoint is analysed in a thread of its own.

The streamer puts packets into the fan-out and never waits; packets that a consumer loses are
counted there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from domain.camera_states import CameraState, CameraStatus, Shed
from domain.errors import NotFound
from domain.events.analyser import Analyser
from domain.media.fanout import Fanout, Tap
from domain.metrics import CAMERA_SHED
from domain.recordings.triggers import uses_triggers_from
from domain.registry import Camera, Credentials, Networks
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.frames.packet_motion import MotionSink
from ingest.health.decode_failures import DecodeFailures
from ingest.onvif.client import OnvifEvents
from ingest.recording.recorder import Recorder
from ingest.streamer import Streamer
from sightline.cameras.bitrate_limit import BitrateLimit
from sightline.cameras.checkpoint_loop import CheckpointLoop
from sightline.cameras.gap_recorder import GapRecorder
from sightline.cameras.pull_policy import PullPolicy, SinkGate
from sightline.cameras.sub_stream import SubStreamPull, as_camera
from sightline.cameras.worker_context import WorkerContext
from sightline.processes.supervised_threads import lasting

_log = logging.getLogger(__name__)

FINISH_S = 1.5
"""How long the end of a recording is waited for."""
_SHED_PARTS = {
    Shed.NOTHING: 1.0,
    Shed.ANALYTICS_SLOWER: 0.5,
    Shed.ANALYTICS: 0.0,
    Shed.RECORDING: 0.0,
    Shed.RECORDING_FOR_DISK: 0.0,
}
"""The part of the looks a second that is made while the camera is shed so far."""
DECODER_TAP_PACKETS, DECODER_TAP_BYTES = 256, 16 << 20


class CameraRun:
    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        fence: Callable[[], int],
        analyser: Callable[[], Analyser] | None,
        networks: Networks,
        tools: WorkerContext,
    ) -> None:
        """Call `analyser` in the analysis thread, because its models may take a while to load."""
        self.camera = camera
        self.fanout = Fanout()
        self._tools = tools
        self._analyser = analyser
        self._demand = PullPolicy(camera, partial(tools.triggers.is_asked, camera.id), tools.clock)
        self._limit = BitrateLimit(camera.id, camera.max_bitrate_kbps)
        self._tending = threading.Lock()
        self._is_pulled = False
        self._said_shed: Shed | None = None
        self._stop = threading.Event()
        failures = DecodeFailures()
        self._streamer = Streamer(
            camera,
            credentials,
            networks,
            self.fanout,
            tools.settings,
            tools.clock,
            failures=failures,
        )
        self._gaps = GapRecorder(camera.id, tools.layout, tools.clock)
        self._recorder = Recorder(
            camera.id,
            tools.layout,
            fence,
            tools.settings,
            tools.clock,
            tools.writer,
            self._gaps.on_hole,
        )
        self._gate = SinkGate(self._recorder)
        self.fanout.attach(self._gate)
        if uses_triggers_from(camera, "motion"):
            self.fanout.attach(
                MotionSink(partial(tools.triggers.fire, camera.id, "motion")), lambda: False
            )
        sub = as_camera(camera)
        self._sub = (
            SubStreamPull(sub, credentials, networks, tools.settings, tools.clock)
            if sub is not None
            else None
        )
        fire = partial(tools.triggers.fire, camera.id, "onvif")
        self.events = (
            OnvifEvents(camera, credentials, networks, fire, tools.clock)
            if uses_triggers_from(camera, "onvif")
            else None
        )
        """What the camera says by itself, to be listened to while it runs."""
        self._decoder_tap = Tap("decoder", DECODER_TAP_PACKETS, DECODER_TAP_BYTES)
        if analyser is not None:
            self._decode_gate = DecodeGate(camera.id, self._decoder_tap)
            self._frames = FrameReader(
                self._decoder_tap,
                tools.clock,
                self._fps(),
                camera.id,
                failures,
                self._decode_gate,
            )
            self.fanout.attach(self._decode_gate, lambda: not self._decode_gate.is_closed)
        self._checkpoint: CheckpointLoop | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._gaps.begin()
        if self._analyser is not None:
            self._spawn("look", partial(self._analyse, self._analyser))
        self.tend()

    def stop(self) -> None:
        """Ask all of it to end; `finish`, and then `join`, wait for that."""
        with self._tending:
            self._stop.set()
            self._streamer.stop()
        if self._sub is not None:
            self._sub.stop()

    def finish(self) -> None:
        """Wait for the last packet, and end the recording after it. Of many cameras each before the
        first `join`: their recordings then end at one turn of the disk writer.
        """
        self._streamer.join()
        self.fanout.detach(self._gate)
        self._recorder.close()

    def join(self) -> None:
        self.finish()
        self.fanout.close_all()
        self._decoder_tap.close()
        if self._sub is not None:
            self._sub.join()
        for thread in self._threads:
            thread.join()
        if not self._recorder.join(FINISH_S):
            _log.warning(
                "%s: the disk does not respond; the next start completes the recording",
                self.camera.id,
            )

    @property
    def recorded_until_ns(self) -> int:
        return self._recorder.recorded_until_ns

    @contextmanager
    def watching(self, is_sub: bool = False) -> Iterator[Fanout]:
        """The camera's packets while somebody watches; one that is pulled on demand is pulled
        meanwhile, and a little longer.

        `is_sub`: of its sub-stream; raises NotFound where it has none.
        """
        if is_sub:
            if self._sub is None:
                raise NotFound(f"camera {self.camera.id} has no sub-stream")
            with self._sub.watching(self._tools.loop) as fanout:
                yield fanout
            return
        with self._demand.watching():
            self.tend()
            yield self.fanout

    def shed(self, what: Shed) -> None:
        """Give this much up from the next `tend` on; `Shed.NOTHING` gives it back."""
        self._demand.shed = what

    def tend(self) -> None:
        """Pull, record and analyse the camera as its policy and the load now require.

        It is to be called about once a second.
        """
        if self._sub is not None:
            self._sub.tend(self._tools.loop)
        with self._tending:
            if self._stop.is_set():
                return
            self._gate.is_open = self._demand.is_recorded()
            is_pulled = self._demand.is_pulled()
            if is_pulled and not self._is_pulled:
                self._streamer.start(self._tools.loop)
            elif self._is_pulled and not is_pulled:
                self._streamer.stop()
            self._is_pulled = is_pulled
            if self._analyser is not None:
                self._frames.set_rate(_SHED_PARTS[self._demand.shed] * self._fps())
            if self._demand.shed is not self._said_shed:
                self._said_shed = self._demand.shed
                CAMERA_SHED.labels(self.camera.id).set(list(Shed).index(self._said_shed))
            if is_pulled:
                self._limit.feed(self._streamer.bitrate_bps)

    def tick(self) -> None:
        """Report the camera's state, and record which part of the recording is missing. It is
        called about once a second, before `status`.
        """
        self._streamer.tick()
        self._gaps.look(self.status(), self._demand.why_not_recorded())

    def status(self) -> CameraStatus:
        """The state of the streamer with that of the recorder. It changes nothing."""
        status = self._streamer.status()
        if not self._is_pulled:
            status.state = CameraState.IDLE
        status.recorded_until_ns = self.recorded_until_ns
        status.lost_packets = self._recorder.lost_packets
        status.node = self._tools.settings.node
        status.shed = self._demand.shed
        status.over_limit = self._limit.is_over
        status.unread = self._checkpoint.unread() if self._checkpoint is not None else ()
        return status

    def give_up(self, since_ns: int, detail: str) -> None:
        """The process ends at once, by a fault of its own that began then. Raises StoreError
        where the disk refuses to be told.
        """
        if self._demand.why_not_recorded() is None:
            self._gaps.give_up(since_ns, detail)

    def _analyse(self, analyser: Callable[[], Analyser]) -> None:
        self._checkpoint = CheckpointLoop(
            self.camera, analyser(), self._frames, self._decode_gate, self._tools
        )
        self._checkpoint.run()

    def _fps(self) -> float:
        settings = self._tools.settings
        rates = {"plate": settings.plate_detect_fps, "face": settings.face_detect_fps}
        return max(rates[kind] for kind in self.camera.checkpoint)

    def _spawn(self, job: str, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(
            target=lasting,
            args=(job, self.camera.id, target, self._stop, self._tools.clock),
            name=f"{job} {self.camera.id}",
        )
        thread.start()
        self._threads.append(thread)
        return thread
