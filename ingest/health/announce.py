"""What is said of a camera's state to those who do not ask: metrics, and log lines that stay
few when a switch takes hundreds down.
"""

from __future__ import annotations

import logging

from domain import metrics
from domain.camera_states import CameraState
from domain.clock import NS_PER_S, Clock
from domain.errors import SourceError
from domain.log import FloodGate
from ingest.health.freeze_detection import Moment
from ingest.health.health import Standing

ALARM_AFTER_S = 300.0
"""A camera that has been down for so long wants a person."""
_REPEAT_S = 60.0
"""A fault of one camera that stays is told once in this time."""
_log = logging.getLogger(__name__)


def shared_gate(clock: Clock) -> FloodGate:
    """For all cameras of a process: of each kind of fault one line a second, with how many
    others there were.
    """
    return FloodGate(_log.warning, clock)


class Announcer:
    """One camera's. `state` is to be told about once a second."""

    def __init__(self, camera_id: str, clock: Clock) -> None:
        self._camera_id = camera_id
        self._own = FloodGate(self._pass_on, clock, _REPEAT_S)
        self._shared = shared_gate(clock)
        self._kind = ""
        self._state: CameraState | None = None
        self._has_alarm = False
        self._alarm = metrics.CAMERA_ALARM.labels(camera_id)

    def share(self, gate: FloodGate) -> None:
        """Log through the gate that all cameras of the process have in common."""
        self._shared = gate

    def error(self, error: SourceError) -> None:
        self._kind = f"{error.state} {error.why}"
        self._own(str(error), f"{self._camera_id}: {error}")

    def state(self, standing: Standing, now: Moment) -> None:
        if standing.state is not self._state:
            if self._state is not None:
                metrics.CAMERA_STATE.labels(self._camera_id, self._state.value).set(0)
            metrics.CAMERA_STATE.labels(self._camera_id, standing.state.value).set(1)
            self._state = standing.state
        down_s = (now.ns - standing.since_ns) / NS_PER_S if standing.state.is_down else 0.0
        if (down_s >= ALARM_AFTER_S) != self._has_alarm:
            self._has_alarm = not self._has_alarm
            self._alarm.set(self._has_alarm)
            self._tell_alarm(standing, down_s)
        self._shared.flush()

    def gone(self) -> None:
        """Nobody pulls it here any more; another process may."""
        if self._state is not None:
            metrics.CAMERA_STATE.labels(self._camera_id, self._state.value).set(0)
        self._state, self._has_alarm = None, False
        self._alarm.set(0)

    def _tell_alarm(self, standing: Standing, down_s: float) -> None:
        if self._has_alarm:
            self._shared(
                "alarm",
                f"{self._camera_id}: down for {down_s / 60:.0f} minutes ({standing.state}): "
                f"{standing.last_error}",
            )
        else:
            self._shared("alarm over", f"{self._camera_id}: no longer down; it is {standing.state}")

    def _pass_on(self, message: str) -> None:
        self._shared(self._kind, message)
