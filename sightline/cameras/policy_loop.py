"""Applies pull policy and load shedding to the cameras of a worker, once a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from domain.camera_states import Shed
from domain.clock import Clock
from domain.paths.data_layout import Layout
from sightline.cameras.camera_run import CameraRun
from sightline.overload.shedding import shed_of_node

UPDATE_EVERY_S = 1.0


class PolicyLoop:
    """Updates each camera of a worker; a job of the worker."""

    def __init__(
        self, layout: Layout, runs: Callable[[], Sequence[CameraRun]], clock: Clock
    ) -> None:
        self._layout = layout
        self._runs = runs
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, UPDATE_EVERY_S):
            self.run_once()

    def run_once(self) -> None:
        shed = shed_of_node(self._layout)
        for run in self._runs():
            run.shed(shed.get(run.camera.id, Shed.NOTHING))
            run.update()
