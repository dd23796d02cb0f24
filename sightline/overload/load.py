"""Measures the load of a worker, and writes it for the node to `run/load/<worker>.json`.

The load of the processor is how late a thread of the worker wakes. That is the effect of an
overloaded processor or a busy interpreter lock on a pull loop, independent of the load average. The
load of the disk is the used part of its reserve, or the amount of data that waits to be written.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from domain.clock import Clock
from domain.log import FloodGate
from domain.metrics import LOAD_RATIO
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.overload.shedding_policy import Load
from sightline.processes.private_files import write_atomically
from storage.recordings.free_space_reserve import (
    CRITICAL_PART,
    free_bytes,
    reserve_bytes,
    reserve_load,
)

SAMPLE_EVERY_S = 0.5
SAMPLES_PER_PUBLICATION = 2
FULL_LOAD_DELAY_S = 0.75
"""This mean delay over five seconds is a load of 1.

A frame of a camera with 25 frames a second then waits for twenty others.
"""
QUEUE_PART = 0.5
"""A write queue that is filled to this part is a load of 1; what does not fit is lost."""
_WINDOW = 10
PUBLISH_EVERY_S = 3.0
"""A load that has hardly changed is written at this interval, because each write costs a file."""
_SMALL_CHANGE = 0.05
FRESH_S = 10.0
_LOAD = TypeAdapter(tuple[float, Load])
_log = logging.getLogger(__name__)


class LoadGauge:
    """Measures and publishes the load of one worker; a job of the worker."""

    def __init__(
        self,
        layout: Layout,
        worker: int,
        settings: Settings,
        clock: Clock,
        queue_part: Callable[[], float],
    ) -> None:
        """`queue_part` returns how full the write queue is, from 0 to 1."""
        self._layout = layout
        self._worker = worker
        self._reserve_bytes = reserve_bytes(settings)
        self._clock = clock
        self._queue_part = queue_part
        self._published, self._due_s = Load(), 0.0
        self._late_s: deque[float] = deque(maxlen=_WINDOW)
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        samples = 0
        while True:
            began_s = self._clock.monotonic_s()
            if self._clock.wait(stop, SAMPLE_EVERY_S):
                return
            self._late_s.append(max(0.0, self._clock.monotonic_s() - began_s - SAMPLE_EVERY_S))
            samples += 1
            if samples % SAMPLES_PER_PUBLICATION == 0:
                self.publish()

    def publish(self) -> None:
        """Write the load, unless it has hardly changed since the last publication."""
        measured, now_s = self.measured(), self._clock.monotonic_s()
        change = max(
            abs(measured.processor - self._published.processor),
            abs(measured.disk - self._published.disk),
        )
        if change < _SMALL_CHANGE and now_s < self._due_s:
            return
        self._published, self._due_s = measured, now_s + PUBLISH_EVERY_S
        LOAD_RATIO.labels(f"worker-{self._worker}", "processor").set(measured.processor)
        LOAD_RATIO.labels(f"worker-{self._worker}", "disk").set(measured.disk)
        try:
            write_load(self._layout, str(self._worker), measured, self._clock)
        except OSError as error:
            self._warn("file", f"the load of this worker cannot be written: {error}")

    def measured(self) -> Load:
        """Return the current load."""
        late_s = sum(self._late_s) / _WINDOW
        return Load(
            processor=late_s / FULL_LOAD_DELAY_S,
            disk=max(self._queue_part() / QUEUE_PART, self._reserve_load()),
        )

    def _reserve_load(self) -> float:
        return (
            reserve_load(self._reserve_bytes, CRITICAL_PART, free_bytes(self._layout.root))
            if self._reserve_bytes
            else 0.0
        )


def write_load(layout: Layout, name: str, measured: Load, clock: Clock) -> None:
    """Write the load of a worker or of the disk. Raises OSError."""
    write_atomically(
        layout.worker_loads / f"{name}.json",
        json.dumps([clock.monotonic_s(), asdict(measured)]),
        durable=False,
    )


def load_of_node(layout: Layout, clock: Clock) -> Load:
    """Return the highest load that the workers and the disk quota wrote in the last ten seconds."""
    highest = Load()
    for file in layout.worker_loads.glob("*.json"):
        try:
            at_s, measured = _LOAD.validate_json(file.read_bytes())
        except (FileNotFoundError, ValidationError):
            continue
        if abs(clock.monotonic_s() - at_s) < FRESH_S:
            highest = highest.max_with(measured)
    return highest
