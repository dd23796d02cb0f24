"""The analysis of recordings waits while live analysis of the node is behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_S, ManualClock
from domain.errors import Cancelled
from domain.paths.data_layout import Layout
from sightline.processes.status_file import status_file, write_statuses
from sightline.reanalysis.live_priority import (
    CHECK_EVERY_S,
    FRESH_S,
    LivePriority,
    is_live_behind,
)

NOW_NS = 1_790_000_000 * NS_PER_S


def status(camera_id: str, analysed_part: float) -> CameraStatus:
    found = CameraStatus(camera_id, CameraState.LIVE, NOW_NS)
    found.analysed_part = analysed_part
    return found


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.statuses.mkdir(parents=True)
    return layout


def report(layout: Layout, worker: int, analysed_part: float, age_s: float = 0.0) -> None:
    write_statuses(layout, worker, [status("gate", 1.0), status("shop", analysed_part)])
    at_ns = NOW_NS - round(age_s * NS_PER_S)
    os.utime(status_file(layout, worker), ns=(at_ns, at_ns))


def test_one_camera_that_loses_groups_is_enough(layout: Layout) -> None:
    clock = ManualClock(NOW_NS)
    assert not is_live_behind(layout, clock)
    report(layout, 0, 1.0)
    assert not is_live_behind(layout, clock)
    report(layout, 1, 0.9)
    assert is_live_behind(layout, clock)


def test_a_worker_that_does_not_run_any_more_is_not_behind(layout: Layout) -> None:
    report(layout, 0, 0.5, age_s=FRESH_S + 1)
    assert not is_live_behind(layout, ManualClock(NOW_NS))


def test_it_waits_until_live_analysis_has_caught_up_and_asks_seldom() -> None:
    clock, answers, asked = ManualClock(NOW_NS), [True, True, False, False], list[float]()

    def is_behind() -> bool:
        asked.append(clock.monotonic_s())
        return answers.pop(0)

    priority = LivePriority(is_behind, clock, threading.Event())
    began_s = clock.monotonic_s()
    priority.wait_while_behind()
    assert clock.monotonic_s() - began_s == 2 * CHECK_EVERY_S
    priority.wait_while_behind()
    assert len(asked) == 3
    clock.advance(CHECK_EVERY_S)
    priority.wait_while_behind()
    assert len(asked) == 4


def test_the_kernel_runs_it_on_idle_cores_only() -> None:
    """It is another process, because the priority of this one cannot be raised again."""
    code = (
        "import os; from sightline.reanalysis.live_priority import run_at_idle_priority as idle;"
        "idle(); print(os.sched_getscheduler(0) == os.SCHED_IDLE, os.nice(0))"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "19"]


def test_it_ends_when_it_is_stopped() -> None:
    stop = threading.Event()
    priority = LivePriority(lambda: True, ManualClock(NOW_NS), stop)
    stop.set()
    with pytest.raises(Cancelled):
        priority.wait_while_behind()
