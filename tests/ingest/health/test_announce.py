"""What operators are told unasked: few lines, and an alarm once a camera has been down for
minutes.
"""

from __future__ import annotations

import logging

import pytest

from domain.camera_states import CameraState, Why
from domain.clock import ManualClock
from domain.errors import SourceUnreachable
from domain.metrics import CAMERA_ALARM, CAMERA_STATE
from ingest.health.announce import ALARM_AFTER_S, Announcer, shared_gate
from ingest.health.freeze_detection import Moment
from ingest.health.health import Standing

LOST = SourceUnreachable("no route", Why.NO_ROUTE)


def value(state: CameraState) -> float:
    return float(CAMERA_STATE.labels("alarm-gate", state.value)._value.get())


def test_a_switch_that_takes_two_hundred_cameras_down_is_two_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    gate = shared_gate(clock)
    cameras = [Announcer(f"flood-{number}", clock) for number in range(200)]
    standing = Standing(CameraState.UNREACHABLE, clock.wall_ns())
    for camera in cameras:
        camera.share(gate)
        camera.error(LOST)
    clock.advance(1)
    for camera in cameras:
        camera.error(LOST)
        camera.state(standing, Moment(clock.monotonic_s(), clock.wall_ns()))
    assert [record.message for record in caplog.records] == [
        "flood-0: no route",
        "flood-199: no route (and 198 more like it)",
    ]


def test_a_camera_down_for_minutes_is_an_alarm_until_it_is_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    camera = Announcer("alarm-gate", clock)
    down = Standing(CameraState.UNREACHABLE, clock.wall_ns(), "no route")
    alarms = []
    for _ in range(round(ALARM_AFTER_S) + 2):
        camera.state(down, Moment(clock.monotonic_s(), clock.wall_ns()))
        alarms.append(CAMERA_ALARM.labels("alarm-gate")._value.get())
        clock.advance(1)
    assert alarms == [0.0] * round(ALARM_AFTER_S) + [1.0, 1.0]
    assert (value(CameraState.UNREACHABLE), value(CameraState.LIVE)) == (1, 0)
    with caplog.at_level(logging.WARNING):
        camera.state(
            Standing(CameraState.LIVE, clock.wall_ns()),
            Moment(clock.monotonic_s(), clock.wall_ns()),
        )
    assert CAMERA_ALARM.labels("alarm-gate")._value.get() == 0
    assert (value(CameraState.UNREACHABLE), value(CameraState.LIVE)) == (0, 1)
    assert [record.message for record in caplog.records] == [
        "alarm-gate: down for 5 minutes (unreachable): no route",
        "alarm-gate: no longer down; it is live",
    ]
    camera.gone()
    assert value(CameraState.LIVE) == 0, "another process may have it now"
