"""Publishes a camera's state as metrics and log lines. The log lines stay few if a switch takes
hundreds of cameras down.
"""

from __future__ import annotations

import logging

from domain import metrics
from domain.camera_states import CameraState
from domain.clock import NS_PER_S, Clock
from domain.errors import SourceError
from domain.log import FloodGate
from ingest.health.freeze_detection import Moment
from ingest.health.health import HealthStatus

ALARM_AFTER_S = 300.0
"""After this time, a camera that is down requires a person."""
_REPEAT_S = 60.0
"""A persistent fault of one camera is logged once in this period."""
_log = logging.getLogger(__name__)


def shared_gate(clock: Clock) -> FloodGate:
    """Return the gate for all cameras of a process. It passes one line a second for each kind of
    fault, with the number of others.
    """
    return FloodGate(_log.warning, clock)


class StatePublisher:
    """Publishes the state of one camera. Call `publish` about once a second."""

    def __init__(self, camera_id: str, clock: Clock) -> None:
        self._camera_id = camera_id
        self._own = FloodGate(self._log_shared, clock, _REPEAT_S)
        self._shared = shared_gate(clock)
        self._kind = ""
        self._state: CameraState | None = None
        self._has_alarm = False
        self._alarm = metrics.CAMERA_ALARM.labels(camera_id)

    def use_gate(self, gate: FloodGate) -> None:
        """Log through the gate that all cameras of the process share."""
        self._shared = gate

    def log_error(self, error: SourceError) -> None:
        self._kind = f"{error.state} {error.why}"
        self._own(str(error), f"{self._camera_id}: {error}")

    def publish(self, status: HealthStatus, now: Moment) -> None:
        if status.state is not self._state:
            if self._state is not None:
                metrics.CAMERA_STATE.labels(self._camera_id, self._state.value).set(0)
            metrics.CAMERA_STATE.labels(self._camera_id, status.state.value).set(1)
            self._state = status.state
        down_s = (now.ns - status.since_ns) / NS_PER_S if status.state.is_down else 0.0
        if (down_s >= ALARM_AFTER_S) != self._has_alarm:
            self._has_alarm = not self._has_alarm
            self._alarm.set(self._has_alarm)
            self._log_alarm(status, down_s)
        self._shared.flush()

    def withdraw(self) -> None:
        """Reset the metrics, because this process no longer pulls the camera and another one
        may.
        """
        if self._state is not None:
            metrics.CAMERA_STATE.labels(self._camera_id, self._state.value).set(0)
        self._state, self._has_alarm = None, False
        self._alarm.set(0)

    def _log_alarm(self, status: HealthStatus, down_s: float) -> None:
        if self._has_alarm:
            self._shared(
                "alarm",
                f"{self._camera_id}: down for {down_s / 60:.0f} minutes ({status.state}): "
                f"{status.last_error}",
            )
        else:
            self._shared("alarm over", f"{self._camera_id}: no longer down; it is {status.state}")

    def _log_shared(self, message: str) -> None:
        self._shared(self._kind, message)
