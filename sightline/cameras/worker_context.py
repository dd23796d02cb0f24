"""The dependencies that the cameras of a worker share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.clock import Clock
from domain.paths.data_layout import Layout
from domain.settings import Settings
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.trigger_queue import TriggerQueue
from storage.events.spool import Spool


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The dependencies of the cameras of a worker."""

    settings: Settings
    layout: Layout
    clock: Clock
    spool: Spool
    writer: DiskWriter
    on_spooled: Callable[[], None]
    """It is called when the spool has a new event."""
    loop: PullLoop
    triggers: TriggerQueue
    scheduler: InferenceScheduler
