"""A camera's gaps as its process writes them, also those before its start and at its kill."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from domain.camera_states import CameraState, CameraStatus, Why
from domain.clock import NS_PER_S, S_PER_DAY, ManualClock
from domain.messages.message import Message
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from domain.recordings.gaps import GapCause
from sightline.cameras.gap_recorder import GapRecorder
from storage.recordings import recorded_ranges
from storage.recordings.gaps.log import GapLog
from storage.recordings.recorded_ranges import LEAST_BYTES

START_NS = 1_760_000_000 * NS_PER_S
TO_MIDNIGHT_S = S_PER_DAY - START_NS // NS_PER_S % S_PER_DAY


@dataclass
class Node:
    """A node on which only time passes; seconds count from the first process."""

    layout: Layout
    clock: ManualClock
    reconnects: int = 0
    recorded_until_s: float = 0
    skips: bool = False
    """Whether passes without a change are skipped, except every fifth."""

    def at(self, seconds: float) -> int:
        return START_NS + round(seconds * NS_PER_S)

    def process(self) -> GapRecorder:
        self.recorded_until_s = self.reconnects = 0
        gaps = GapRecorder("cam", self.layout, self.clock)
        gaps.start()
        return gaps

    def record(self, start_s: float, end_s: float) -> None:
        """Write a finished segment."""
        name = SegmentName("cam", self.at(start_s) // 1_000_000, round((end_s - start_s) * 1000), 1)
        path = self.layout.recordings_of("cam") / day_of(name.start_ns) / name.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(LEAST_BYTES))
        self.recorded_until_s = end_s

    def status(self, state: CameraState, why: Why = Why.NONE) -> CameraStatus:
        until_ns = self.at(self.recorded_until_s) if self.recorded_until_s else 0
        since_ns = self.clock.wall_ns()
        return CameraStatus(
            "cam",
            state,
            since_ns,
            f"said {why}",
            recorded_until_ns=until_ns,
            reconnects=self.reconnects,
            why=why,
        )

    def until(
        self, gaps: GapRecorder, end_s: float, state: CameraState, why: Why = Why.NONE
    ) -> None:
        """Advance the time with the camera in `state`; a live camera is recorded."""
        since_ns, passes = self.clock.wall_ns(), 0
        while self.clock.wall_ns() < self.at(end_s):
            self.clock.advance(1)
            if state is CameraState.LIVE:
                self.recorded_until_s = (self.clock.wall_ns() - START_NS) / NS_PER_S - 1
            if self.skips and passes % 5 and gaps.is_logged and state is not CameraState.LIVE:
                gaps.go_on()
            else:
                gaps.update(replace(self.status(state, why), since_ns=since_ns))
            passes += 1

    def logged_gaps(self) -> list[tuple[float, float, str]]:
        found = GapLog(self.layout, self.clock).between("cam", 0, self.at(400_000))
        return [
            (
                (gap.start_ns - START_NS) / NS_PER_S,
                (gap.end_ns - START_NS) / NS_PER_S,
                gap.cause.value,
            )
            for gap in found
        ]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(Layout(tmp_path), ManualClock(START_NS))


Play = Callable[[Node], None]
Gaps = list[tuple[float, float, str]]


def live_for(node: Node, seconds: float = 20) -> GapRecorder:
    """A process that has recorded since 0."""
    gaps = node.process()
    node.record(0, seconds)
    node.until(gaps, 20, CameraState.LIVE)
    return gaps


def test_a_process_knows_until_when_the_one_before_recorded(node: Node) -> None:
    """A camera that was down afterwards had nothing to analyse. Its outage is no restart."""
    started_ns = GapRecorder("cam", node.layout, node.clock).start()
    assert started_ns == START_NS, "nothing was recorded"
    gaps = live_for(node)
    node.until(gaps, 600, CameraState.UNREACHABLE, Why.FAILED)
    assert GapRecorder("cam", node.layout, node.clock).start() == node.at(20)


def test_a_process_knows_until_when_the_one_before_ran_without_recording(node: Node) -> None:
    """What it did not analyse meanwhile is lost with it."""
    given_up = Message("given up, since the disk was full")
    gaps = live_for(node)
    for _ in range(30):
        node.clock.advance(1)
        gaps.update(node.status(CameraState.IDLE), (GapCause.DISK, given_up))
    ended_ns = node.clock.wall_ns()
    node.clock.advance(10)
    assert GapRecorder("cam", node.layout, node.clock).start() == ended_ns


def test_a_folder_that_cannot_be_read_prevents_no_start(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_for(node)

    def fail(folder: Path) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(recorded_ranges, "names_in", fail)
    assert GapRecorder("cam", node.layout, node.clock).start() == node.at(20)


def again(node: Node, until_s: float, from_s: float, to_s: float) -> None:
    """A new process that connects until then and records from and to."""
    gaps = node.process()
    node.until(gaps, until_s, CameraState.CONNECTING)
    node.record(from_s, to_s)
    node.until(gaps, to_s, CameraState.LIVE)


def a_hole_that_is_over(node: Node) -> None:
    gaps = live_for(node)
    node.reconnects = 1
    node.until(gaps, 22, CameraState.UNREACHABLE, Why.ENDED)
    gaps.on_hole(node.at(19), node.at(22.5), None)
    node.until(gaps, 23, CameraState.LIVE)


def down_and_killed_meanwhile(node: Node) -> None:
    gaps = live_for(node)
    node.reconnects = 4
    node.until(gaps, 100, CameraState.UNREACHABLE, Why.REFUSED)
    assert node.logged_gaps() == [(19, 100, "camera_down")]  # known while it goes on
    node.clock.advance(30)
    again(node, 132, 132, 140)


def killed_while_it_records(node: Node) -> None:
    live_for(node, 19.5)
    node.clock.advance(3)
    again(node, 24, 24.25, 30)


def down_when_its_process_starts_again(node: Node) -> None:
    live_for(node)
    node.clock.advance(10)
    gaps = node.process()
    node.reconnects = 3
    node.until(gaps, 60, CameraState.UNREACHABLE, Why.NO_ANSWER)


def never_there(node: Node) -> None:
    gaps = node.process()
    node.reconnects = 3
    node.until(gaps, 60, CameraState.UNREACHABLE, Why.NO_ANSWER)


def down_over_midnight(node: Node) -> None:
    gaps = node.process()
    node.reconnects = 3
    node.until(gaps, 10, CameraState.UNREACHABLE)
    node.clock.advance(TO_MIDNIGHT_S - 20)
    node.until(gaps, TO_MIDNIGHT_S + 60, CameraState.UNREACHABLE)


def on_demand(node: Node) -> None:
    node.until(node.process(), 60, CameraState.IDLE)


def given_up_under_pressure(node: Node) -> None:
    gaps = live_for(node)
    for _ in range(30):
        node.clock.advance(1)
        gaps.update(node.status(CameraState.IDLE), (GapCause.SHED, "too much to do"))
    gaps.on_hole(node.at(19), node.at(51), None)
    node.until(gaps, 53, CameraState.LIVE)


def a_clock_set_forward(node: Node) -> None:
    gaps = live_for(node)
    node.clock.step(3600)
    gaps.on_hole(node.at(20), node.at(3620.5), None)
    node.until(gaps, 3622, CameraState.LIVE)


def a_clock_set_forward_while_nothing_is_requested(node: Node) -> None:
    gaps = node.process()
    node.until(gaps, 60, CameraState.IDLE)
    node.clock.step(3600)
    node.until(gaps, 3700, CameraState.IDLE)


def a_clock_set_forward_twice_before_a_request(node: Node) -> None:
    gaps = node.process()
    node.until(gaps, 60, CameraState.IDLE)
    node.clock.step(100)
    node.clock.advance(1)
    node.clock.step(100)
    gaps.on_hole(node.at(0), node.at(262), None)
    node.until(gaps, 262, CameraState.LIVE)


def no_longer_requested_while_it_is_down(node: Node) -> None:
    gaps = node.process()
    node.until(gaps, 2, CameraState.CONNECTING)
    node.reconnects = 3
    node.until(gaps, 60, CameraState.UNREACHABLE, Why.NO_ANSWER)
    node.until(gaps, 100, CameraState.IDLE)


def a_disk_that_refuses_for_a_while(node: Node) -> None:
    gaps = live_for(node)
    node.layout.gaps.rename(node.layout.root / "aside")
    node.layout.gaps.write_text("in the way")
    gaps.on_hole(node.at(5), node.at(8), GapCause.DISK)
    node.until(gaps, 22, CameraState.LIVE)
    node.layout.gaps.unlink()
    node.until(gaps, 24, CameraState.LIVE)


def a_process_that_lost_a_thread(node: Node) -> None:
    """The reported state of its camera is not the cause of the gap."""
    gaps = live_for(node)
    status = node.status(CameraState.LIVE)
    for _ in range(20):
        node.clock.advance(1)
        gaps.update(status)
    assert node.logged_gaps() == [(19, 40, "network")]
    gaps.give_up(node.at(20), "the pull loop hung")
    again(node, 42, 42.5, 50)


def down_before_its_process_lost_a_thread(node: Node) -> None:
    gaps = live_for(node)
    node.reconnects = 1
    node.until(gaps, 60, CameraState.UNREACHABLE, Why.REFUSED)
    gaps.give_up(node.at(50), "the pull loop hung")


PLAYS: dict[Play, Gaps] = {
    a_hole_that_is_over: [(19, 22.5, "network")],
    down_and_killed_meanwhile: [(19, 100, "camera_down"), (100, 132, "restart")],
    killed_while_it_records: [(19.5, 24.25, "restart")],
    down_when_its_process_starts_again: [(20, 30, "restart"), (30, 60, "camera_down")],
    never_there: [(0, 60, "camera_down")],
    down_over_midnight: [(0, TO_MIDNIGHT_S + 60, "camera_down")],
    on_demand: [(0, 60, "not_asked")],
    given_up_under_pressure: [(19, 51, "shed")],
    a_clock_set_forward: [(20, 3620.5, "clock")],
    a_clock_set_forward_while_nothing_is_requested: [
        (0, 60, "not_asked"),
        (60, 3660, "clock"),
        (3660, 3700, "not_asked"),
    ],
    a_clock_set_forward_twice_before_a_request: [
        (0, 60, "not_asked"),
        (60, 160, "clock"),
        (160, 161, "not_asked"),
        (161, 261, "clock"),
        (261, 262, "not_asked"),
    ],
    no_longer_requested_while_it_is_down: [(0, 61, "camera_down"), (61, 100, "not_asked")],
    a_disk_that_refuses_for_a_while: [(5, 8, "disk")],
    a_process_that_lost_a_thread: [(19, 40, "restart"), (40, 42.5, "restart")],
    down_before_its_process_lost_a_thread: [(19, 50, "camera_down"), (50, 60, "restart")],
}


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_each_play_has_its_gaps(play: Play, skips: bool, node: Node) -> None:
    node.skips = skips
    play(node)
    assert node.logged_gaps() == PLAYS[play]


def test_a_camera_that_sends_rarely_has_only_an_ongoing_gap(node: Node) -> None:
    gaps = live_for(node)
    status = node.status(CameraState.LIVE)
    for _ in range(9):
        node.clock.advance(1)
        gaps.update(status)
    assert node.logged_gaps() == [(19, 29, "network")]
    node.until(gaps, 60, CameraState.LIVE)
    assert node.logged_gaps()[-1][1] <= 29.1


def test_a_gap_ends_where_a_process_recorded_that_was_killed_before_it_reported_so(
    node: Node,
) -> None:
    live_for(node)
    second = node.process()
    node.until(second, 30, CameraState.CONNECTING)
    node.record(31, 33)
    node.clock.advance(3)
    again(node, 60, 60, 70)
    assert node.logged_gaps() == [(20, 31, "restart"), (33, 60, "restart")]


def test_an_ongoing_gap_is_derived_again_only_after_a_change(node: Node) -> None:
    gaps = node.process()
    node.until(gaps, 15, CameraState.UNREACHABLE)
    assert not gaps.is_logged, "the cause of a short gap changes with its length"
    node.until(gaps, 17, CameraState.UNREACHABLE)
    assert gaps.is_logged
    gaps.on_hole(node.at(0), node.at(17), None)
    assert not gaps.is_logged
