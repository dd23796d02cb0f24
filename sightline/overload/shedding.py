"""Load shedding of a node: its first worker decides it for all workers.

Each worker reads the decision from `state/shed.json`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from domain.camera_states import Shed
from domain.clock import Clock
from domain.log import FloodGate
from domain.paths.data_layout import Layout
from domain.registry import Camera
from sightline.overload.load import load_of_node
from sightline.overload.shedding_policy import Ladder, Load, ShedLevels
from sightline.processes.private_files import write_atomically
from sightline.processes.status_file import over_limit

DECIDE_EVERY_S = 1.0
_SHED = TypeAdapter(dict[str, Shed])
_log = logging.getLogger(__name__)


class Shedding:
    """Decides and publishes load shedding once a second; a job of a node."""

    def __init__(
        self, layout: Layout, cameras: Callable[[], Sequence[Camera]], clock: Clock
    ) -> None:
        """`cameras` returns the cameras of the node."""
        self._layout = layout
        self._cameras = cameras
        self._clock = clock
        self._levels = ShedLevels()
        self._published: Mapping[str, Shed] | None = None
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, DECIDE_EVERY_S):
            self.run_once()

    def run_once(self) -> None:
        """Decide with the current load, and write the decision if it changed."""
        load = load_of_node(self._layout, self._clock)
        ladder = Ladder.for_cameras(self._cameras(), over_limit(self._layout))
        shed = self._levels.update(load, ladder, self._clock.monotonic_s())
        if shed == self._published:
            return
        try:
            write_atomically(self._layout.shed, json.dumps(shed), durable=False)
        except OSError as error:
            self._warn(
                "file", f"the load shedding levels cannot be written for the workers: {error}"
            )
            return
        self._log_changes(shed, load)
        self._published = shed

    def _log_changes(self, shed: Mapping[str, Shed], load: Load) -> None:
        before = self._published or {}
        measured = f"load of the processor {load.processor:.2f}, of the disk {load.disk:.2f}"
        for camera_id in sorted(shed.keys() | before.keys()):
            was, now = before.get(camera_id, Shed.NOTHING), shed.get(camera_id, Shed.NOTHING)
            if was is not now:
                _log.warning(
                    "%s: load shedding is now %s, was %s (%s)",
                    camera_id,
                    now or "nothing",
                    was or "nothing",
                    measured,
                )


def shed_of_node(layout: Layout) -> Mapping[str, Shed]:
    """Return the last decision of the node's first worker; empty where there is none."""
    try:
        return _SHED.validate_json(layout.shed.read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
