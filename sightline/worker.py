"""A camera worker: some of a node's cameras, pulled, recorded, looked at, and their events kept. `python -m sightline.worker`."""

from __future__ import annotations

import argparse
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.clock import Clock, SystemClock
from domain.errors import IndexUnavailable
from domain.layout import Layout
from domain.log import FloodGate, set_up_logging
from domain.registry import Camera, Networks
from domain.settings import Settings
from ingest.live_tap import LiveTap
from sightline import site_registry
from sightline.camera_run import CameraRun, NodeTools
from sightline.share import share
from sightline.stores import Stores, connected
from sightline.supervisor import stop_on_signals
from storage.disk import DiskBound
from storage.journal import Journal, JournalUploader
from storage.keeper import Keeper
from storage.ledger import Ledger
from storage.spool import Spool

log = logging.getLogger(__name__)

PUBLISH_EVERY_S = 1.0
HOUSEKEEPING_EVERY_S = 5.0


class Worker:
    """Worker 0 also does what a node needs once: uploading journals, bounding the disk, keeping events of cameras that left the registry."""

    def __init__(self, layout: Layout, index: int, of: int, door_port: int, clock: Clock) -> None:
        self._settings = Settings()
        self._layout = layout
        self._clock = clock
        self._is_first = index == 0
        self._door_url = f"http://127.0.0.1:{door_port}"
        self._stores = connected(self._settings, layout, clock)
        self._spool = Spool(layout, clock)
        self._ledger = Ledger(layout.recordings)
        registry, secrets = site_registry.running(layout)
        self._all_ids = frozenset(camera.id for camera in registry.cameras)
        cameras = share(registry.cameras, index, of)
        self._keeper = self._make_keeper()
        self._tools = NodeTools(self._settings, layout, clock, Networks(registry.networks), self._spool, self._keeper.wake)
        models = Models.load(self._settings) if any(camera.checkpoint for camera in cameras) else None
        self._runs = {
            camera.id: CameraRun(
                camera,
                secrets.get(camera.credentials) if camera.credentials else None,
                Fence(camera, self._stores, self._settings.node, self._door_url),
                make_analyser(camera, models, self._settings) if models and camera.checkpoint else None,
                self._tools,
            )
            for camera in cameras
        }

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: then cameras end first, so that the keeper still takes their last events."""
        for run in self._runs.values():
            run.start()
        live_tap = LiveTap(self._layout, os.getpid(), {camera_id: run.fanout for camera_id, run in self._runs.items()}, self._want)
        background = self._background(stop)
        live_tap.start()
        log.info("%d cameras", len(self._runs))
        while not self._clock.wait(stop, PUBLISH_EVERY_S):
            self._publish()
        live_tap.stop()
        for run in self._runs.values():
            run.stop()
        for run in self._runs.values():
            run.join()
        for thread in background:
            thread.join()
        self._stores.close()
