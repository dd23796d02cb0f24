"""What the node gives up now: decided once for all its workers, by its first one, and read by
each from `run/shed.json`.
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
from sightline.overload.load import strain_of_node
from sightline.overload.shedding_policy import Ladder, Pressure, Strain
from sightline.processes.private_files import write_atomically
from sightline.processes.status_file import over_limit

DECIDE_EVERY_S = 1.0
_SHED = TypeAdapter(dict[str, Shed])
_log = logging.getLogger(__name__)


class Shedding:
    def __init__(
        self, layout: Layout, cameras: Callable[[], Sequence[Camera]], clock: Clock
    ) -> None:
        """`cameras`: those that the node's workers run."""
        self._layout = layout
        self._cameras = cameras
        self._clock = clock
        self._pressure = Pressure()
        self._said: Mapping[str, Shed] | None = None
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, DECIDE_EVERY_S):
            self.run_once()

    def run_once(self) -> None:
        strain = strain_of_node(self._layout, self._clock)
        shed = self._pressure.feed(
            strain, Ladder.of(self._cameras(), over_limit(self._layout)), self._clock.monotonic_s()
        )
        if shed == self._said:
            return
        try:
            write_atomically(self._layout.shed, json.dumps(shed), durable=False)
        except OSError as error:
            self._warn(
                "file", f"the load shedding levels cannot be written for the workers: {error}"
            )
            return
        self._tell(shed, strain)
        self._said = shed

    def _tell(self, shed: Mapping[str, Shed], strain: Strain) -> None:
        before = self._said or {}
        measured = f"processor {strain.processor:.2f}, disk {strain.disk:.2f} of what can be borne"
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
    """What the node's first worker last decided; nothing where it never had to."""
    try:
        return _SHED.validate_json(layout.shed.read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
