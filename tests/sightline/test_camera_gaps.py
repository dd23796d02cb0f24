"""A camera's gaps as its process writes them: of its own time, of the time before it, and of what goes on when it is killed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.gaps import GapCause
from domain.keys import day_of
from domain.layout import Layout
from domain.media import SegmentName
from domain.states import CameraState, CameraStatus, Why
from sightline.camera_gaps import CameraGaps
from storage.gaps import GapLog

START_NS = 1_760_000_000 * NS_PER_S


@dataclass
class Node:
    """A node on which only time passes; seconds count from the first process."""

    layout: Layout
    clock: ManualClock
    reconnects: int = 0
    recorded_until_s: float = 0

    def at(self, seconds: float) -> int:
        return START_NS + round(seconds * NS_PER_S)

    def process(self) -> CameraGaps:
        self.recorded_until_s = self.reconnects = 0
        gaps = CameraGaps("cam", self.layout, self.clock)
        gaps.begin()
        return gaps

    def record(self, start_s: float, end_s: float) -> None:
        """A segment as it lies on disk once it is finished."""
        name = SegmentName("cam", self.at(start_s) // 1_000_000, round((end_s - start_s) * 1000), 1)
        path = self.layout.recordings_of("cam") / day_of(name.start_ns) / name.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.recorded_until_s = end_s

    def status(self, state: CameraState, why: Why = Why.NONE) -> CameraStatus:
        until_ns = self.at(self.recorded_until_s) if self.recorded_until_s else 0
        since_ns = self.clock.wall_ns()
        return CameraStatus("cam", state, since_ns, f"said {why}", recorded_until_ns=until_ns, reconnects=self.reconnects, why=why)

    def until(self, gaps: CameraGaps, end_s: float, state: CameraState, why: Why = Why.NONE) -> None:
        """Time goes by, the camera being in `state`; what is live is recorded."""
        since_ns = self.clock.wall_ns()
        while self.clock.wall_ns() < self.at(end_s):
            self.clock.advance(1)
            if state is CameraState.LIVE:
                self.recorded_until_s = (self.clock.wall_ns() - START_NS) / NS_PER_S - 1
            gaps.look(replace(self.status(state, why), since_ns=since_ns))

    def told(self) -> list[tuple[float, float, str]]:
        found = GapLog(self.layout, self.clock).between("cam", 0, self.at(400_000))
        return [((gap.start_ns - START_NS) / NS_PER_S, (gap.end_ns - START_NS) / NS_PER_S, gap.cause.value) for gap in found]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(Layout(tmp_path), ManualClock(START_NS))


def test_a_hole_that_is_over_is_written_with_its_cause(node: Node) -> None:
    gaps = node.process()
    node.record(0, 20)
    node.until(gaps, 20, CameraState.LIVE)
    node.reconnects = 1
    node.until(gaps, 22, CameraState.UNREACHABLE, Why.ENDED)
    gaps.on_hole(node.at(19), node.at(22.5), None)
    node.until(gaps, 23, CameraState.LIVE)
    assert node.told() == [(19, 22.5, "network")]


def test_a_hole_that_goes_on_is_known_while_it_does_and_after_a_kill(node: Node) -> None:
    gaps = node.process()
    node.record(0, 20)
    node.until(gaps, 20, CameraState.LIVE)
    node.reconnects = 4
    node.until(gaps, 100, CameraState.UNREACHABLE, Why.REFUSED)
    assert node.told() == [(19, 100, "camera_down")]
    node.clock.advance(30)
    again = node.process()
    node.until(again, 132, CameraState.CONNECTING)
    node.record(132, 140)
    node.until(again, 140, CameraState.LIVE)
    assert node.told() == [(19, 100, "camera_down"), (100, 132, "restart")]


def test_a_worker_that_is_killed_while_it_records_leaves_a_restart(node: Node) -> None:
    gaps = node.process()
    node.record(0, 19.5)
    node.until(gaps, 20, CameraState.LIVE)
    node.clock.advance(3)
    again = node.process()
    node.until(again, 24, CameraState.CONNECTING)
    node.record(24.25, 30)
    node.until(again, 30, CameraState.LIVE)
    assert node.told() == [(19.5, 24.25, "restart")]


def test_a_camera_that_is_down_when_its_process_starts_again_is_down_from_then_on(node: Node) -> None:
    gaps = node.process()
    node.record(0, 20)
    node.until(gaps, 20, CameraState.LIVE)
    node.clock.advance(10)
    again = node.process()
    node.reconnects = 3
    node.until(again, 60, CameraState.UNREACHABLE, Why.NO_ANSWER)
    assert node.told() == [(20, 30, "restart"), (30, 60, "camera_down")]


def test_a_camera_that_never_gave_anything_is_down_since_it_was_first_asked(node: Node) -> None:
    gaps = node.process()
    node.reconnects = 3
    node.until(gaps, 60, CameraState.UNREACHABLE, Why.NO_ANSWER)
    assert node.told() == [(0, 60, "camera_down")]


def test_a_gap_goes_on_over_midnight(node: Node) -> None:
    gaps = node.process()
    node.reconnects = 3
    to_midnight_s = 86_400 - START_NS // NS_PER_S % 86_400
    node.until(gaps, 10, CameraState.UNREACHABLE)
    node.clock.advance(to_midnight_s - 20)
    node.until(gaps, to_midnight_s + 60, CameraState.UNREACHABLE)
    assert node.told() == [(0, to_midnight_s + 60, "camera_down")]


def test_what_is_on_demand_is_not_asked_for(node: Node) -> None:
    gaps = node.process()
    node.until(gaps, 60, CameraState.IDLE)
    assert node.told() == [(0, 60, "not_asked")]


def test_what_is_given_up_under_pressure_is_shed(node: Node) -> None:
    gaps = node.process()
    node.record(0, 20)
    node.until(gaps, 20, CameraState.LIVE)
    for _ in range(30):
        node.clock.advance(1)
        gaps.look(node.status(CameraState.IDLE), (GapCause.SHED, "too much to do"))
    gaps.on_hole(node.at(19), node.at(51), None)
    node.until(gaps, 53, CameraState.LIVE)
    assert node.told() == [(19, 51, "shed")]


def test_a_clock_that_was_set_forward_is_no_fault_of_the_camera(node: Node) -> None:
    gaps = node.process()
    node.record(0, 20)
    node.until(gaps, 20, CameraState.LIVE)
    node.clock.step(3600)
    gaps.on_hole(node.at(20), node.at(3620.5), None)
    node.until(gaps, 3622, CameraState.LIVE)
    assert node.told() == [(20, 3620.5, "clock")]


def test_a_camera_that_sends_seldom_has_no_gaps_but_while_nobody_can_know(node: Node) -> None:
    gaps = node.process()
    node.record(0, 20)
    node.until(gaps, 20, CameraState.LIVE)
    status = node.status(CameraState.LIVE)
    for _ in range(9):
        node.clock.advance(1)
        gaps.look(status)
    assert node.told() == [(19, 29, "network")]
    node.until(gaps, 60, CameraState.LIVE)
    assert node.told()[-1][1] <= 29.1


def test_a_disk_that_refuses_is_asked_again(node: Node) -> None:
    gaps = node.process()
    node.record(0, 20)
    node.until(gaps, 20, CameraState.LIVE)
    node.layout.gaps.rename(node.layout.root / "aside")
    node.layout.gaps.write_text("in the way")
    gaps.on_hole(node.at(5), node.at(8), GapCause.DISK)
    node.until(gaps, 22, CameraState.LIVE)
    node.layout.gaps.unlink()
    node.until(gaps, 24, CameraState.LIVE)
    assert node.told() == [(5, 8, "disk")]
