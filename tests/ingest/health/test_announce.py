"""The published state of cameras: few log lines, and an alarm once a camera has been down for
minutes.
"""

from __future__ import annotations

import logging

import pytest

from domain.camera_states import CameraState, Why
from domain.clock import ManualClock
from domain.errors import SourceUnreachable
from domain.messages.message import Message
from domain.metrics import CAMERA_ALARM, CAMERA_STATE
from ingest.health.announce import ALARM_AFTER_S, StatePublisher, shared_gate
from ingest.health.freeze_detection import Moment
from ingest.health.health import HealthStatus

LOST = SourceUnreachable("no route", Why.NO_ROUTE)


def value(state: CameraState) -> float:
    return float(CAMERA_STATE.labels("alarm-gate", state.value)._value.get())


def test_a_switch_that_takes_two_hundred_cameras_down_is_two_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    gate = shared_gate(clock)
    cameras = [StatePublisher(f"flood-{number}", clock) for number in range(200)]
    status = HealthStatus(CameraState.UNREACHABLE, clock.wall_ns())
    for camera in cameras:
        camera.use_gate(gate)
        camera.log_error(LOST)
    clock.advance(1)
    for camera in cameras:
        camera.log_error(LOST)
        camera.publish(status, Moment(clock.monotonic_s(), clock.wall_ns()))
    assert [record.message for record in caplog.records] == [
        "flood-0: no route",
        "flood-199: no route (and 198 more like it)",
    ]


def test_a_camera_down_for_minutes_is_an_alarm_until_it_is_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    camera = StatePublisher("alarm-gate", clock)
    down = HealthStatus(CameraState.UNREACHABLE, clock.wall_ns(), Message("no route"))
    alarms = []
    for _ in range(round(ALARM_AFTER_S) + 2):
        camera.publish(down, Moment(clock.monotonic_s(), clock.wall_ns()))
        alarms.append(CAMERA_ALARM.labels("alarm-gate")._value.get())
        clock.advance(1)
    assert alarms == [0.0] * round(ALARM_AFTER_S) + [1.0, 1.0]
    assert (value(CameraState.UNREACHABLE), value(CameraState.LIVE)) == (1, 0)
    with caplog.at_level(logging.WARNING):
        camera.publish(
            HealthStatus(CameraState.LIVE, clock.wall_ns()),
            Moment(clock.monotonic_s(), clock.wall_ns()),
        )
    assert CAMERA_ALARM.labels("alarm-gate")._value.get() == 0
    assert (value(CameraState.UNREACHABLE), value(CameraState.LIVE)) == (0, 1)
    assert [record.message for record in caplog.records] == [
        "alarm-gate: down for 5 minutes (unreachable): no route",
        "alarm-gate: no longer down; it is live",
    ]
    camera.withdraw()
    assert value(CameraState.LIVE) == 0, "another process may have it now"
