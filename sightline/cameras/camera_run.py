"""One camera in one worker: its streamer runs in the pull loop and its recorder in the disk writer.
A checkpoint is analysed in a thread of its own (`checkpoint_run.py`).

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
from domain.media.fanout import Fanout
from domain.media.live_detections import DetectionFeed
from domain.metrics import CAMERA_SHED
from domain.recordings.triggers import uses_triggers_from
from domain.registry import Camera, Credentials, Networks
from ingest.frames.packet_motion import MotionSink
from ingest.health.decode_failures import DecodeFailures
from ingest.onvif.client import OnvifEvents
from ingest.recording.recorder import Recorder
from ingest.rtsp.source import RtspSource
from ingest.streamer import Streamer
from sightline.cameras.bitrate_limit import BitrateLimit
from sightline.cameras.checkpoint_run import CheckpointRun
from sightline.cameras.gap_recorder import GapRecorder
from sightline.cameras.pull_policy import PullPolicy, SinkGate
from sightline.cameras.sub_stream import SubStreamPull, as_camera
from sightline.cameras.worker_context import WorkerContext
from sightline.cluster.worker_balance import is_always_pulled

_log = logging.getLogger(__name__)

MOST_TICKS_SKIPPED = 4
"""So many ticks in a row are skipped at most. An alarm, and the line of a gap that continues into a
new day, are therefore up to 5 s late.
"""
_WaitingFacts = tuple[int, bool, bool, Shed, int]
FINISH_S = 1.5
"""How long `join` waits for the end of the recording."""


class CameraRun:
    """Runs one camera: `start`, then `update` about once a second, then `stop` and `join`."""

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        fence: Callable[[], int],
        analyser: Callable[[], Analyser] | None,
        networks: Networks,
        tools: WorkerContext,
    ) -> None:
        """`analyser` makes the analyser of a checkpoint. It is None for other cameras."""
        self.camera = camera
        self.fanout = Fanout()
        self._tools = tools
        is_requested = partial(tools.triggers.is_requested, camera.id)
        self._policy = PullPolicy(camera, is_requested, tools.clock)
        self._limit = BitrateLimit(camera.id, camera.max_bitrate_kbps)
        self._update_lock = threading.Lock()
        self._is_pulled = False
        self._reported_shed = Shed.NOTHING
        self._stop = threading.Event()
        failures = DecodeFailures()
        self._streamer = Streamer(
            camera,
            RtspSource(camera, credentials, networks, tools.settings),
            self.fanout,
            tools.settings,
            tools.clock,
            failures,
            is_urgent=not is_always_pulled(camera),
        )
        self._gaps = GapRecorder(camera.id, tools.layout, tools.clock, tools.gap_sync)
        self._ticked_status: CameraStatus | None = None
        self._ticked_facts: _WaitingFacts | None = None
        self._ticks_skipped = 0
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
        self._sub = self._make_sub_stream(credentials, networks)
        self.events = self._make_events(credentials, networks)
        """The client of the camera's ONVIF events; None for a camera without ONVIF triggers."""
        self._checkpoint: CheckpointRun | None = None
        if analyser is not None:
            self._checkpoint = CheckpointRun(camera, analyser, failures, tools)
            decode_gate = self._checkpoint.gate
            self.fanout.attach(decode_gate, lambda: not decode_gate.is_closed)

    def _make_sub_stream(
        self, credentials: Credentials | None, networks: Networks
    ) -> SubStreamPull | None:
        sub = as_camera(self.camera)
        if sub is None:
            return None
        return SubStreamPull(sub, credentials, networks, self._tools.settings, self._tools.clock)

    def _make_events(
        self, credentials: Credentials | None, networks: Networks
    ) -> OnvifEvents | None:
        if not uses_triggers_from(self.camera, "onvif"):
            return None
        fire = partial(self._tools.triggers.fire, self.camera.id, "onvif")
        return OnvifEvents(self.camera, credentials, networks, fire, self._tools.clock)

    def start(self) -> None:
        until_ns = self._gaps.start()
        if self._checkpoint is not None:
            self._checkpoint.start(until_ns)
        self.update()

    def stop(self) -> None:
        """Begin to stop; `finish`, and then `join`, wait for the end."""
        with self._update_lock:
            self._stop.set()
            self._streamer.stop()
            self._report_shed(Shed.NOTHING)
        if self._checkpoint is not None:
            self._checkpoint.stop()
        if self._sub is not None:
            self._sub.stop()

    def finish(self) -> None:
        """Wait for the last packet and begin to end the recording and the analysis.

        Of several cameras, `finish` all before the first `join`. Their recordings then close in one
        turn of the disk writer, and analyses that hang are waited for together.
        """
        self._streamer.join()
        self.fanout.detach(self._gate)
        self._recorder.close()
        if self._checkpoint is not None:
            self._checkpoint.finish()

    def join(self) -> None:
        self.finish()
        self.fanout.close_all()
        if self._sub is not None:
            self._sub.join()
        if self._checkpoint is not None:
            self._checkpoint.join()
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
        """Yield the packets of the camera or its sub-stream for a viewer.

        An on-demand camera is pulled meanwhile and a little longer. Raises NotFound where there is
        no sub-stream.
        """
        if is_sub:
            if self._sub is None:
                raise NotFound("camera {camera} has no sub-stream", camera=self.camera.id)
            with self._sub.watching(self._tools.loop) as fanout:
                yield fanout
            return
        with self._policy.watching():
            self.update()
            yield self.fanout

    @contextmanager
    def watching_detections(self) -> Iterator[DetectionFeed]:
        """Yield the detections of a checkpoint for a viewer. Raises NotFound for other cameras."""
        if self._checkpoint is None:
            raise NotFound(
                "camera {camera} is no checkpoint, so nothing is detected", camera=self.camera.id
            )
        yield self._checkpoint.detections

    def shed(self, level: Shed) -> None:
        """Set the level of load shedding, which the next `update` applies."""
        self._policy.shed = level

    def update(self) -> None:
        """Pull, record and analyse the camera as its policy and the load now require.

        It is to be called about once a second.
        """
        if self._sub is not None:
            self._sub.update(self._tools.loop)
        with self._update_lock:
            if self._stop.is_set():
                return
            self._gate.is_open = self._policy.is_recorded()
            is_pulled = self._policy.is_pulled()
            if is_pulled and not self._is_pulled:
                self._streamer.start(self._tools.loop)
            elif self._is_pulled and not is_pulled:
                self._streamer.stop()
            self._is_pulled = is_pulled
            if self._checkpoint is not None:
                self._checkpoint.update(self._policy.shed)
            self._report_shed(self._policy.shed)
            if is_pulled:
                self._limit.feed(self._streamer.bitrate_bps)

    def _report_shed(self, level: Shed) -> None:
        if level is not self._reported_shed:
            self._reported_shed = level
            CAMERA_SHED.labels(self.camera.id).set(list(Shed).index(level))

    def tick(self) -> None:
        """Report the camera's state, and record which part of the recording is missing. It is
        called about once a second; `GapWriter` writes the gaps to the disk.

        Most of it is skipped for some seconds while a camera waits for its next connection: a city
        may have thousands of unreachable cameras.
        """
        facts = self._waiting_facts()
        is_unchanged = facts is not None and facts == self._ticked_facts
        if is_unchanged and self._ticks_skipped < MOST_TICKS_SKIPPED:
            self._ticks_skipped += 1
            self._gaps.go_on()
            return
        self._ticked_facts, self._ticks_skipped = facts, 0
        self._streamer.tick()
        self._ticked_status = status = self.status()
        self._gaps.update(status, self._policy.why_not_recorded())
        if self._checkpoint is not None:
            self._checkpoint.tick(self._policy.shed)

    def _waiting_facts(self) -> _WaitingFacts | None:
        """Return what the state of a camera without a connection depends on.

        Return None for a camera with a connection or an attempt to make one, for a checkpoint, and
        while the ongoing gap is not logged or its cause may still change.
        """
        if self._checkpoint is not None or self._streamer.is_open or not self._gaps.is_logged:
            return None
        return (
            self._streamer.reconnects,
            self._is_pulled,
            self._gate.is_open,
            self._policy.shed,
            self.recorded_until_ns,
        )

    def ticked_status(self) -> CameraStatus:
        """Return the state as of the last `tick` while the camera waits for its next try, and the
        present one otherwise.
        """
        ticked, facts = self._ticked_status, self._waiting_facts()
        is_unchanged = facts is not None and facts == self._ticked_facts
        return ticked if ticked is not None and is_unchanged else self.status()

    def status(self) -> CameraStatus:
        """Return the state of the streamer combined with that of the recorder."""
        status = self._streamer.status()
        if not self._is_pulled:
            status.state = CameraState.IDLE
        status.recorded_until_ns = self.recorded_until_ns
        status.lost_packets = self._recorder.lost_packets
        status.node = self._tools.settings.node
        status.shed = self._policy.shed
        status.over_limit = self._limit.is_over
        if self._checkpoint is not None:
            self._checkpoint.add_to(status)
        return status

    def give_up(self, since_ns: int, detail: str) -> None:
        """Record a gap since `since_ns`, because a thread of this process hung or ended.

        The process exits afterwards. The caller must write the gap to the disk before, by
        `WorkerContext.gap_sync`. Raises StoreError.
        """
        if self._policy.why_not_recorded() is None:
            self._gaps.give_up(since_ns, detail)
