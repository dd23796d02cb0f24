"""A camera worker: some of a node's cameras, pulled, recorded, looked at, and their events kept. `python -m sightline.worker`."""

from __future__ import annotations

import argparse
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.clock import Clock, SystemClock
from domain.errors import IndexUnavailable, NotFound, StoreError
from domain.fanout import Fanout
from domain.layout import Layout
from domain.log import FloodGate, set_up_logging
from domain.metrics import SPOOL_EVENTS
from domain.registry import Camera, Networks, Registry
from domain.settings import Settings
from ingest.live_tap import LiveTap
from ingest.pull_loop import PullLoop
from sightline import site_registry
from sightline.camera_run import CameraRun, NodeTools
from sightline.lasting import lasting
from sightline.share import share
from sightline.statuses import write_statuses
from sightline.stores import connected
from sightline.supervisor import stop_on_signals
from sightline.usage import OtherUse
from storage.disk import DiskBound
from storage.journal import Journal, JournalUploader
from storage.keeper import Keeper
from storage.ledger import Ledger
from storage.spool import Spool

log = logging.getLogger(__name__)

PUBLISH_EVERY_S = 1.0
BOUND_DISK_EVERY_S = 5.0
BUCKET_EVERY_S = 5.0


class Worker:
    """Worker 0 also does what a node needs once: it uploads journals, bounds the disk, and keeps events of cameras that are gone."""

    def __init__(self, layout: Layout, index: int, of: int, door_port: int, clock: Clock) -> None:
        self._settings = Settings()
        self._layout = layout
        self._index = index
        self._clock = clock
        self._stores = connected(self._settings, layout, clock)
        self._spool = Spool(layout, clock)
        self._journal = Journal(layout.journal, clock)
        self._ledger = Ledger(layout.recordings)
        registry, secrets = site_registry.running(layout)
        cameras = share(registry.cameras, index, of)
        self._keeper = self._make_keeper(cameras, registry)
        self._loop = PullLoop(clock)
        tools = NodeTools(self._settings, layout, clock, Networks(registry.networks), self._spool, self._keeper.wake, self._loop)
        models = Models.load(self._settings) if any(camera.checkpoint for camera in cameras) else None
        door_url = f"http://127.0.0.1:{door_port}"
        self._runs = {
            camera.id: CameraRun(
                camera,
                secrets.get(camera.credentials) if camera.credentials else None,
                partial(self._stores.leases.take, camera.id, self._settings.node, door_url),
                make_analyser(camera, models, self._settings) if models and camera.checkpoint else None,
                tools,
            )
            for camera in cameras
        }

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: then cameras end first, so that the keeper still takes their last events."""
        quiet = threading.Event()
        background = [
            Thread(target=lasting, args=(name, f"worker-{self._index}", partial(job, quiet), quiet, self._clock), name=name)
            for name, job in self._jobs().items()
        ]
        self._loop.start()
        for run in self._runs.values():
            run.start()
        for thread in background:
            thread.start()
        log.info("%d cameras", len(self._runs))
        try:
            self._publish_until(stop)
        finally:  # whatever ends this thread ends the process: what is left of it would be seen by nobody
            self._end(quiet, background)

    def _end(self, quiet: threading.Event, background: Sequence[Thread]) -> None:
        for run in self._runs.values():
            run.stop()
        for run in self._runs.values():
            run.join()
        self._loop.stop()
        self._loop.join()
        self._keeper.run_once()
        quiet.set()
        for thread in background:
            thread.join()
        self._stores.close()

    def _jobs(self) -> dict[str, Callable[[threading.Event], None]]:
        jobs: dict[str, Callable[[threading.Event], None]] = {
            "keeper": self._keeper.run,
            "live tap": LiveTap(self._layout.live_socket(self._index), self._watching).run,
        }
        if self._index == 0:
            jobs["journal"] = self._upload_journal
            jobs["disk"] = self._bound_disk
        return jobs

    def _make_keeper(self, cameras: Sequence[Camera], registry: Registry) -> Keeper:
        """Of this worker's cameras; the first worker also has what the spool holds of cameras that are nobody's any more."""
        known = {camera.id for camera in registry.cameras if camera.enabled}
        orphans = [camera_id for camera_id in self._spool.cameras() if camera_id not in known] if self._index == 0 else []
        ids = [*(camera.id for camera in cameras), *orphans]
        stores = self._stores
        return Keeper(
            self._spool, stores.index, stores.objects, self._journal, self._ledger, self._settings, self._clock, ids, self._recorded_until
        )  # fmt: skip

    def _recorded_until(self, camera_id: str) -> int | None:
        run = self._runs.get(camera_id)
        return run.recorded_until_ns if run else None

    @contextmanager
    def _watching(self, camera_id: str) -> Iterator[Fanout]:
        run = self._runs.get(camera_id)
        if run is None:
            raise NotFound(f"worker {self._index} has no camera {camera_id}")
        with run.watching() as fanout:
            yield fanout

    def _publish_until(self, stop: threading.Event) -> None:
        gate = FloodGate(log.warning, self._clock, every_s=10.0)
        spooled = SPOOL_EVENTS.labels(f"worker-{self._index}")
        while True:
            statuses = [run.status() for run in self._runs.values()]
            spooled.set(self._keeper.pending_count())
            try:
                write_statuses(self._layout, self._index, statuses)
            except OSError as error:
                gate("file", f"the states of cameras cannot be written: {error}")
            try:
                self._stores.states.publish(statuses)
            except IndexUnavailable as error:
                gate("states", f"the states of cameras are not published: {error}")
            if self._clock.wait(stop, PUBLISH_EVERY_S):
                return

    def _upload_journal(self, stop: threading.Event) -> None:
        while not self._has_bucket() and not self._clock.wait(stop, BUCKET_EVERY_S):
            pass
        JournalUploader(self._journal, self._stores.objects, self._settings.node, self._clock).run(stop)

    def _has_bucket(self) -> bool:
        """Made here too: the store may have been away when the site started for the first time."""
        try:
            self._stores.objects.ensure_bucket()
        except StoreError as error:
            log.warning("the object store has no bucket yet: %s", error)
            return False
        return True

    def _bound_disk(self, stop: threading.Event) -> None:
        others = OtherUse(self._layout, self._clock)
        bound = DiskBound(self._ledger, self._settings, self._clock, self._protected, others.size_bytes)
        while not self._clock.wait(stop, BOUND_DISK_EVERY_S):
            bound.run_once()

    def _protected(self) -> list[tuple[str, int, int]]:
        return self._spool.wanted(self._settings.clip_before_s, self._settings.clip_after_s)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.worker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=int, required=True)
    parser.add_argument("--of", type=int, required=True)
    parser.add_argument("--door-port", type=int, required=True)
    arguments = parser.parse_args()
    set_up_logging(Settings().log_level, f"worker-{arguments.index}")
    stop = stop_on_signals()
    Worker(Layout(arguments.data), arguments.index, arguments.of, arguments.door_port, SystemClock()).run(stop)


if __name__ == "__main__":
    main()
