"""The dependencies that the cameras of a worker share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.clock import Clock
from domain.paths.data_layout import Layout
from domain.settings import Settings
from ingest.frames.decoder_devices import DecoderDevices
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.inference_scheduler import InferenceScheduler
from sightline.cameras.trigger_queue import TriggerQueue
from sightline.cameras.turns import Turns
from storage.events.spool import Spool
from storage.recordings.gaps.disk_writes import DeferredSync


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
    decode_turns: Turns
    """The checkpoints decode their packets in these turns."""
    decode_share: DecodeShare
    decoder_devices: DecoderDevices
    gap_sync: DeferredSync
    """It appends the gaps of all cameras to their logs, and writes them to the disk together."""
