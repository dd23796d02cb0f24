"""How strained a worker is, measured by itself and left in a file for the node:
`run/strain/<worker>.json`.

The processor's strain is how late a thread of the worker wakes: that is what an overloaded
processor, or an interpreter lock that is never free, does to a pull loop, whatever the load average
says. The disk's is how little of its reserve is left or how much waits to be written.
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
from sightline.overload.shedding_policy import Strain
from sightline.processes.private_files import write_atomically
from storage.recordings.free_space_reserve import (
    CRITICAL_PART,
    free_bytes,
    reserve_bytes,
    reserve_load,
)

BEAT_S = 0.5
BEATS_A_SECOND = 2
UNBEARABLE_S = 0.75
"""Waking this late on average over five seconds is a strain of 1: a frame of a 25-frame camera
waits for twenty others.
"""
QUEUE_PART = 0.5
"""Half of what may wait to be written is a strain of 1: what does not fit is lost."""
_WINDOW = 10
SAY_EVERY_S = 3.0
"""What has hardly changed is said again only so often: each time costs a file."""
_HARDLY = 0.05
FRESH_S = 10.0
_STRAIN = TypeAdapter(tuple[float, Strain])
_log = logging.getLogger(__name__)


class LoadGauge:
    def __init__(
        self,
        layout: Layout,
        worker: int,
        settings: Settings,
        clock: Clock,
        queue_part: Callable[[], float],
    ) -> None:
        """`queue_part`: how full what waits for the disk is, 0 to 1."""
        self._layout = layout
        self._worker = worker
        self._reserve_bytes = reserve_bytes(settings)
        self._clock = clock
        self._queue_part = queue_part
        self._said, self._due_s = Strain(), 0.0
        self._late_s: deque[float] = deque(maxlen=_WINDOW)
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        beats = 0
        while True:
            began_s = self._clock.monotonic_s()
            if self._clock.wait(stop, BEAT_S):
                return
            self._late_s.append(max(0.0, self._clock.monotonic_s() - began_s - BEAT_S))
            beats += 1
            if beats % BEATS_A_SECOND == 0:
                self.publish()

    def publish(self) -> None:
        measured, now_s = self.measured(), self._clock.monotonic_s()
        moved = max(
            abs(measured.processor - self._said.processor), abs(measured.disk - self._said.disk)
        )
        if moved < _HARDLY and now_s < self._due_s:
            return
        self._said, self._due_s = measured, now_s + SAY_EVERY_S
        LOAD_RATIO.labels(f"worker-{self._worker}", "processor").set(measured.processor)
        LOAD_RATIO.labels(f"worker-{self._worker}", "disk").set(measured.disk)
        try:
            write_strain(self._layout, str(self._worker), measured, self._clock)
        except OSError as error:
            self._warn("file", f"the load of this worker cannot be written: {error}")

    def measured(self) -> Strain:
        late_s = sum(self._late_s) / _WINDOW
        return Strain(
            processor=late_s / UNBEARABLE_S,
            disk=max(self._queue_part() / QUEUE_PART, self._reserve_strain()),
        )

    def _reserve_strain(self) -> float:
        return (
            reserve_load(self._reserve_bytes, CRITICAL_PART, free_bytes(self._layout.root))
            if self._reserve_bytes
            else 0.0
        )


def write_strain(layout: Layout, name: str, measured: Strain, clock: Clock) -> None:
    write_atomically(
        layout.worker_loads / f"{name}.json",
        json.dumps([clock.monotonic_s(), asdict(measured)]),
        durable=False,
    )


def strain_of_node(layout: Layout, clock: Clock) -> Strain:
    """The worst that any worker of the node, or its full-disk rule, said within the last ten
    seconds.
    """
    worst = Strain()
    for file in layout.worker_loads.glob("*.json"):
        try:
            at_s, said = _STRAIN.validate_json(file.read_bytes())
        except (FileNotFoundError, ValidationError):
            continue
        if abs(clock.monotonic_s() - at_s) < FRESH_S:
            worst = worst.joined(said)
    return worst
