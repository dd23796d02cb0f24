"""A camera worker: it pulls, records and analyses some of a node's cameras.

It is started as `python -m sightline.worker`.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

from domain.clock import NS_PER_S, Clock, SystemClock
from domain.events.analyser import Analyser
from domain.log import FloodGate, set_up_logging
from domain.metrics import CLOCK_STEPPED_S, COMPILED, JOB_FAILURES, SPOOL_EVENTS
from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.settings import Settings
from ingest.frames.decoder_devices import DecoderDevices
from ingest.live.tap import LiveTap
from ingest.packets.native.depacketiser import unavailable_reason
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.camera_runs import CameraRuns, LazyAnalysers
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.gap_writer import GapWriter
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.onvif_listener import OnvifListener
from sightline.cameras.policy_loop import PolicyLoop
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.turns import Turns
from sightline.cameras.worker_context import WorkerContext
from sightline.cluster.assignment import Assignment
from sightline.cluster.camera_credentials import CredentialReader
from sightline.cluster.roster import NodeRosters, RosterFile
from sightline.confinement.report import log_confinement
from sightline.jobs.node_jobs import NodeJobs
from sightline.overload.load import LoadGauge
from sightline.overload.shedding import Shedding
from sightline.processes.memory_tuning import collect_seldom, keep_little_free_memory
from sightline.processes.message_pipe import MessageReader
from sightline.processes.process_plan import most_workers
from sightline.processes.status_file import touch_heartbeat, write_statuses
from sightline.processes.store_clients import connected
from sightline.processes.supervised_threads import Job, Jobs
from sightline.processes.supervisor import stop_on_signals
from sightline.processes.watchdog import Watchdog
from storage.events.damaged_objects import DamagedObjects
from storage.events.event_clips import EventClips
from storage.events.journal import Journal
from storage.events.publish_steps import PublishedCameras, PublishTargets
from storage.events.publisher import EventPublisher
from storage.events.spool import Spool
from storage.recordings.gaps.disk_writes import DeferredSync
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from storage.recordings.virtual.layouts import RecordingIndex

_log = logging.getLogger(__name__)

PUBLISH_EVERY_S = 1.0
PROGRESS_EVERY_S = 5.0
"""How often the states are written while one pass over all cameras lasts."""
EXIT_THREAD_LOST = 70
"""The exit code of a worker with a thread that hangs or has ended."""
ROSTER_POLL_S = 0.25
"""How often a change of the roster is checked."""


class Worker:
    """Runs the cameras of its roster.

    The first worker also runs the jobs of the node, and publishes events of former cameras.
    """

    def __init__(self, layout: Layout, index: int, clock: Clock) -> None:
        self._settings = Settings()
        self._layout = layout
        self._index = index
        self._clock = clock
        self._stores = connected(self._settings, layout, clock)
        self._spool = Spool(layout, clock)
        self._journal = Journal(layout.journal, clock)
        self._ledger = Ledger(layout.recordings)
        self._assignment = Assignment(RosterFile(layout, index), CredentialReader(MessageReader()))
        self._node_rosters = NodeRosters(layout)
        self._spooled = SPOOL_EVENTS.labels(f"worker-{index}")
        self._stepped = CLOCK_STEPPED_S.labels(f"worker-{index}")
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)
        self._loop = PullLoop(clock)
        self._writer = DiskWriter(clock)
        self._watchdog = Watchdog(self._loop, self._writer, clock)
        self._triggers = TriggerQueue(TriggerLog(layout, self._settings), clock)
        cores = len(os.sched_getaffinity(0)) // most_workers(self._settings)
        decode_share = DecodeShare(clock)
        self._publisher = self._make_publisher(decode_share)
        gap_sync = DeferredSync(layout.gaps)
        self._gap_writer = GapWriter(gap_sync, clock)
        tools = WorkerContext(
            self._settings,
            layout,
            clock,
            self._spool,
            self._writer,
            self._publisher.wake,
            self._loop,
            self._triggers,
            InferenceScheduler(cores, clock),
            Turns(cores, clock),
            decode_share,
            DecoderDevices(self._settings.decoder, self._settings.decoder_cameras),
            gap_sync,
        )
        self._live_tap = LiveTap(
            layout.live_socket(index),
            lambda stream: self._runs.watching(stream),
            lambda camera_id: self._runs.watching_detections(camera_id),
        )
        self._runs = CameraRuns(
            tools,
            LazyAnalysers(partial(_load_models, self._settings)),
            self._report_progress,
        )
        self._written_s = self._touched_s = clock.monotonic_s()
        """When the states were written, and when their file was touched as a heartbeat."""

    def run(self, stop: threading.Event) -> None:
        """Run until `stop`. Cameras end first, so that their last events are still published."""
        wakes = (self._publisher.wake, self._triggers.wake, self._writer.wake, self._live_tap.wake)
        jobs = Jobs(self._jobs(), f"worker-{self._index}", self._clock, wakes)
        # Repeated scans of all loaded objects used a tenth of the CPU time of pulling.
        collect_seldom(100_000)
        self._report_compiled_code()
        self._loop.start()
        jobs.start()
        try:
            self._follow_until(stop, jobs)
        # Any end of this thread ends the process, because no other thread supervises the rest.
        finally:
            self._runs.stop()
            self._loop.stop()
            self._loop.join()
            self._publisher.run_once()
            jobs.stop()
            self._stores.close()

    def _report_compiled_code(self) -> None:
        why = unavailable_reason()
        COMPILED.labels(f"worker-{self._index}").set(not why)
        if why:
            _log.warning(
                "RTP packets are parsed in Python without compiled code, which uses more CPU "
                "time: %s",
                why,
            )

    def _jobs(self) -> dict[str, Job]:
        jobs: dict[str, Job] = {
            "writer": self._writer.run,
            "publisher": self._publisher.run,
            "triggers": self._triggers.run,
            "gap writer": self._gap_writer.run,
            "onvif": OnvifListener(self._runs.events).run,
            "policies": PolicyLoop(self._layout, lambda: self._runs.running(), self._clock).run,
            "load": LoadGauge(
                self._layout, self._index, self._settings, self._clock, self._writer.waiting_part
            ).run,
            "live tap": self._live_tap.run,
        }
        if self._index == 0:
            node = NodeJobs(
                self._settings,
                self._layout,
                self._stores,
                self._spool,
                self._journal,
                self._ledger,
                self._clock,
            )
            jobs |= node.jobs()
            jobs["shedding"] = Shedding(self._layout, self._node_rosters.cameras, self._clock).run
        return jobs

    def _make_publisher(self, decode_share: DecodeShare) -> EventPublisher:
        stores = self._stores
        return EventPublisher(
            self._spool,
            PublishTargets(stores.index, stores.feed, stores.objects, self._journal),
            EventClips(
                self._ledger,
                RecordingIndex(self._layout.recording_index),
                stores.objects,
                DamagedObjects(stores.redis, self._clock),
                self._clock,
            ),
            PublishedCameras(
                self._published_ids,
                lambda camera_id: self._runs.recorded_until(camera_id),
                decode_share.is_saving,
            ),
            self._settings,
            self._clock,
        )

    def _published_ids(self) -> list[str]:
        """Return the cameras whose events this worker publishes.

        The first worker also publishes spooled events of cameras that no worker of the node runs.
        """
        own = list(self._runs.ids)
        if self._index:
            return own
        others = self._node_rosters.workers()
        return own + [
            camera_id
            for camera_id in self._spool.cameras()
            if camera_id not in others and camera_id not in own
        ]

    def _follow_until(self, stop: threading.Event, jobs: Jobs) -> None:
        publish_at_s = 0.0
        while True:
            is_changed = self._assignment.update()
            if is_changed:
                self._runs.apply(self._assignment.roster, self._assignment.secrets)
            if is_changed or self._clock.monotonic_s() >= publish_at_s:
                publish_at_s = self._clock.monotonic_s() + PUBLISH_EVERY_S
                self._publish()
                self._check_threads(jobs)
            if self._clock.wait(stop, ROSTER_POLL_S):
                return

    def _check_threads(self, jobs: Jobs) -> None:
        """Exit if a thread hangs or has ended: only a restart brings its cameras back."""
        if hang := self._watchdog.check(PUBLISH_EVERY_S):
            self._give_up(
                hang.thread,
                hang.since_ns,
                f"the {hang.thread} of its worker hung, which was started again",
            )
        for name in jobs.dead():
            self._give_up(
                name,
                self._clock.wall_ns(),
                f"the thread `{name}` of its worker ended, which was started again",
            )

    def _give_up(self, thread: str, since_ns: int, why: str) -> NoReturn:
        """Exit without waiting for threads. The next process completes open segments."""
        _log.critical("the worker exits: %s", why)
        JOB_FAILURES.labels(f"worker-{self._index}", thread).inc()
        self._runs.give_up(since_ns, why)
        logging.shutdown()
        os._exit(EXIT_THREAD_LOST)

    def _report_progress(self) -> None:
        """Show that the worker is alive, after each of many cameras that it starts or ends.

        Thousands of cameras take longer to start than the supervisor waits for the first states.
        """
        now_s = self._clock.monotonic_s()
        if now_s >= self._written_s + PROGRESS_EVERY_S:
            self._write_statuses()
        elif now_s >= self._touched_s + PUBLISH_EVERY_S:
            self._touched_s = now_s
            touch_heartbeat(self._layout, self._index)

    def _publish(self) -> None:
        self._spooled.set(self._publisher.pending_count())
        self._stepped.set(self._clock.stepped_ns / NS_PER_S)
        self._runs.tick()
        self._write_statuses()

    def _write_statuses(self) -> None:
        self._written_s = self._clock.monotonic_s()
        try:
            write_statuses(self._layout, self._index, self._runs.statuses())
        except OSError as error:
            self._warn("file", f"the states of cameras cannot be written: {error}")


def _load_models(settings: Settings) -> Callable[[Camera], Analyser]:
    """Import and load the models, in the thread of the first checkpoint.

    All cameras are recorded meanwhile.
    """
    analyser, models = (
        importlib.import_module("analytics.analyser"),
        importlib.import_module("analytics.models"),
    )
    loaded = models.Models.load(settings)
    return lambda camera: cast(Analyser, analyser.make_analyser(camera, loaded, settings))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.worker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=int, required=True)
    arguments = parser.parse_args()
    keep_little_free_memory()
    set_up_logging(Settings().log_level, f"worker-{arguments.index}")
    log_confinement()
    stop = stop_on_signals()
    Worker(Layout(arguments.data), arguments.index, SystemClock()).run(stop)


if __name__ == "__main__":
    main()
