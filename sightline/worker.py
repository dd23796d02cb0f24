"""A camera worker: some of a node's cameras, pulled, recorded, looked at, and their events
kept. `python -m sightline.worker`.
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
from ingest.live.tap import LiveTap
from ingest.packets.native.depacketiser import unavailable_reason
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.camera_runs import CameraRuns, LazyAnalysers
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.onvif_listener import OnvifListener
from sightline.cameras.policy_loop import PolicyLoop
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.worker_context import WorkerContext
from sightline.cluster.roster import NodeRosters, RosterFile
from sightline.jobs.node_jobs import NodeJobs
from sightline.overload.load import LoadGauge
from sightline.overload.shedding import Shedding
from sightline.processes.gc_tuning import collect_seldom
from sightline.processes.process_plan import worker_count
from sightline.processes.status_file import say_alive, write_statuses
from sightline.processes.store_clients import connected
from sightline.processes.supervised_threads import Job, Jobs
from sightline.processes.supervisor import stop_on_signals
from sightline.processes.watchdog import Watchdog
from storage.events.journal import Journal
from storage.events.publisher import EventPublisher
from storage.events.spool import Spool
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog

_log = logging.getLogger(__name__)

PUBLISH_EVERY_S = 1.0
GAVE_UP = 70
"""The exit code of a worker that found one of its own threads lost."""
LOOK_EVERY_S = 0.25
"""How soon a change of its roster is seen."""


class Worker:
    """Runs what its roster says. The first worker also does what a node needs once, and keeps
    events of cameras that are gone.
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
        self._keeper = self._make_keeper()
        self._roster = RosterFile(layout, index)
        self._node_rosters = NodeRosters(layout)
        self._spooled = SPOOL_EVENTS.labels(f"worker-{index}")
        self._stepped = CLOCK_STEPPED_S.labels(f"worker-{index}")
        self._say = FloodGate(_log.warning, clock, every_s=10.0)
        self._loop = PullLoop(clock)
        self._writer = DiskWriter(clock)
        self._pulses = Watchdog(self._loop, self._writer, clock)
        self._triggers = TriggerQueue(TriggerLog(layout, self._settings), clock)
        looks = InferenceScheduler(
            len(os.sched_getaffinity(0)) // worker_count(self._settings), clock
        )
        tools = WorkerContext(
            self._settings,
            layout,
            clock,
            self._spool,
            self._writer,
            self._keeper.wake,
            self._loop,
            self._triggers,
            looks,
        )
        self._live_tap = LiveTap(
            layout.live_socket(index), lambda camera_id: self._runs.watching(camera_id)
        )
        self._runs = CameraRuns(
            tools,
            LazyAnalysers(partial(_load_models, self._settings)),
            partial(say_alive, layout, index),
        )

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: then cameras end first, so that the keeper still takes their last
        events.
        """
        wakes = (self._keeper.wake, self._triggers.wake, self._writer.wake, self._live_tap.wake)
        jobs = Jobs(self._jobs(), f"worker-{self._index}", self._clock, wakes)
        collect_seldom(
            100_000
        )  # looking through what is loaded again and again was a tenth of what pulling costs
        self._say_how_compiled()
        self._loop.start()
        jobs.start()
        try:
            self._follow_until(stop, jobs)
        # whatever ends this thread ends the process: what is left of it would be seen by nobody
        finally:
            self._runs.stop()
            self._loop.stop()
            self._loop.join()
            self._keeper.run_once()
            jobs.stop()
            self._stores.close()

    def _say_how_compiled(self) -> None:
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
            "keeper": self._keeper.run,
            "triggers": self._triggers.run,
            "onvif": OnvifListener(self._runs.events).run,
            "policies": PolicyLoop(self._layout, lambda: self._runs.running(), self._clock).run,
            "strain": LoadGauge(
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

    def _make_keeper(self) -> EventPublisher:
        stores = self._stores
        return EventPublisher(
            self._spool,
            stores.index,
            stores.feed,
            stores.objects,
            self._journal,
            self._ledger,
            self._settings,
            self._clock,
            self._kept_ids,
            lambda camera_id: self._runs.recorded_until(camera_id),
        )

    def _kept_ids(self) -> list[str]:
        """This worker's cameras; the first worker also has what the spool holds of cameras that
        no worker of the node runs any more.
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
            roster = self._roster.changed()
            if roster is not None:
                self._runs.apply(roster)
            if roster is not None or self._clock.monotonic_s() >= publish_at_s:
                publish_at_s = self._clock.monotonic_s() + PUBLISH_EVERY_S
                self._publish()
                self._look_after_threads(jobs)
            if self._clock.wait(stop, LOOK_EVERY_S):
                return

    def _look_after_threads(self, jobs: Jobs) -> None:
        """A worker one of whose threads is lost ends, and is started again: nothing else brings
        its cameras back.
        """
        if hang := self._pulses.looked(PUBLISH_EVERY_S):
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
        """End at once: a thread that hangs cannot be waited for. What is open is finished by
        the next process.
        """
        _log.critical("the worker exits: %s", why)
        JOB_FAILURES.labels(f"worker-{self._index}", thread).inc()
        self._runs.give_up(since_ns, why)
        logging.shutdown()
        os._exit(GAVE_UP)

    def _publish(self) -> None:
        self._spooled.set(self._keeper.pending_count())
        self._stepped.set(self._clock.stepped_ns / NS_PER_S)
        self._runs.tick()
        statuses = self._runs.statuses()
        try:
            write_statuses(self._layout, self._index, statuses)
        except OSError as error:
            self._say("file", f"the states of cameras cannot be written: {error}")


def _load_models(settings: Settings) -> Callable[[Camera], Analyser]:
    """Imported and loaded in the thread of the first checkpoint: all cameras are recorded
    meanwhile.
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
    set_up_logging(Settings().log_level, f"worker-{arguments.index}")
    stop = stop_on_signals()
    Worker(Layout(arguments.data), arguments.index, SystemClock()).run(stop)


if __name__ == "__main__":
    main()
