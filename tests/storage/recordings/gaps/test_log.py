"""The log of gaps: what is written is read, torn and overlapping lines included, by every
process of a node.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, ManualClock
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.holds import StandingHolds
from storage.recordings.gaps.log import GapLog
from tests.examples import examples

MIDNIGHT_NS = 20_000 * NS_PER_DAY
NOON_NS = MIDNIGHT_NS - NS_PER_DAY // 2


@dataclass
class Node:
    layout: Layout
    clock: ManualClock
    log: GapLog

    def reported(self, from_ns: int, to_ns: int) -> list[tuple[float, float, str]]:
        """As another process reads it; seconds after noon."""
        gaps = GapLog(self.layout, self.clock).between("cam", from_ns, to_ns)
        return [
            (
                (gap.start_ns - NOON_NS) / NS_PER_S,
                (gap.end_ns - NOON_NS) / NS_PER_S,
                gap.cause.value,
            )
            for gap in gaps
        ]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    clock = ManualClock(NOON_NS)
    return Node(Layout(tmp_path), clock, GapLog(Layout(tmp_path), clock))


def gap(start_s: float, end_s: float, cause: GapCause = GapCause.NETWORK, detail: str = "") -> Gap:
    return Gap(
        "cam", NOON_NS + round(start_s * NS_PER_S), NOON_NS + round(end_s * NS_PER_S), cause, detail
    )


def test_a_gap_that_is_written_is_read_by_others(node: Node) -> None:
    node.log.add(gap(10, 12.5, detail="线路断开"))
    (found,) = GapLog(node.layout, node.clock).between("cam", NOON_NS, NOON_NS + NS_PER_DAY)
    assert found == gap(10, 12.5, detail="线路断开")


def test_only_the_requested_range_is_returned_with_its_begin(node: Node) -> None:
    node.log.add(gap(10, 100))
    (found,) = node.log.between("cam", NOON_NS + 20 * NS_PER_S, NOON_NS + 30 * NS_PER_S)
    assert (found.start_ns, found.end_ns, found.since_ns) == (
        NOON_NS + 20 * NS_PER_S, NOON_NS + 30 * NS_PER_S, NOON_NS + 10 * NS_PER_S,
    )  # fmt: skip
    assert node.log.between("other", NOON_NS, NOON_NS + NS_PER_DAY) == ()


def test_a_gap_over_several_days_is_found_from_each_of_them(node: Node) -> None:
    node.log.add(Gap("cam", NOON_NS, NOON_NS + 3 * NS_PER_DAY, GapCause.CAMERA_DOWN))
    (whole,) = node.log.between("cam", 0, NOON_NS + 9 * NS_PER_DAY)
    assert (whole.start_ns, whole.end_ns) == (NOON_NS, NOON_NS + 3 * NS_PER_DAY)
    (part,) = node.log.between("cam", NOON_NS + 2 * NS_PER_DAY, NOON_NS + 2 * NS_PER_DAY + NS_PER_S)
    assert (part.end_ns - part.start_ns, part.since_ns) == (NS_PER_S, NOON_NS)


def test_an_open_gap_lasts_as_long_as_a_process_runs_the_camera(node: Node) -> None:
    node.log.open(gap(10, 10, GapCause.CAMERA_DOWN))
    node.clock.advance(60)
    node.log.beat("cam")
    assert node.reported(NOON_NS, NOON_NS + NS_PER_DAY) == [(10, 60, "camera_down")]


def test_an_open_gap_ends_where_the_next_line_begins(node: Node) -> None:
    node.log.open(gap(10, 10, GapCause.NETWORK))
    node.log.open(gap(10, 20, GapCause.CAMERA_DOWN))
    node.log.add(gap(10, 30, GapCause.CAMERA_DOWN, "refused"))
    node.clock.advance(100)
    node.log.beat("cam")
    assert node.reported(NOON_NS, NOON_NS + NS_PER_DAY) == [(10, 30, "camera_down")]


def test_an_open_gap_goes_on_over_midnight_when_it_is_reported_again(node: Node) -> None:
    node.log.open(gap(10, 10, GapCause.CAMERA_DOWN))
    node.clock.advance(43_200 + 60)
    node.log.open(gap(10, 43_260, GapCause.CAMERA_DOWN))
    node.log.beat("cam")
    assert node.reported(NOON_NS, NOON_NS + NS_PER_DAY) == [(10, 43_260, "camera_down")]


@pytest.mark.parametrize(
    "torn",
    [
        b'{"from": 1, "to"',
        b'{"from": 1}',
        b"\xff\xfe",
        b'{"from":1,"to":2,"cause":"x","detail":"","since":1}',
        b'{"from":1,"to":2,"cause":"network","detail":"","since":Infinity}',
    ],
)
def test_a_torn_line_costs_itself_alone(node: Node, torn: bytes) -> None:
    node.log.add(gap(10, 12))
    (file,) = node.layout.gaps.glob("cam/*.jsonl")
    file.write_bytes(file.read_bytes() + torn)
    node.log.add(gap(20, 22))
    assert node.reported(NOON_NS, NOON_NS + NS_PER_DAY) == [
        (10, 12, "network"),
        (20, 22, "network"),
    ]


def test_a_disk_that_refuses_is_a_store_error(node: Node) -> None:
    node.layout.gaps.write_text("in the way")
    with pytest.raises(StoreError):
        node.log.add(gap(10, 12))
    with pytest.raises(StoreError):
        node.log.beat("cam")


def test_no_process_ever_ran_an_unknown_camera(node: Node) -> None:
    assert (node.log.last_beat_ns("cam"), node.log.first_ns("cam")) == (None, None)
    node.log.beat("cam")
    node.log.add(gap(10, 12))
    assert (node.log.last_beat_ns("cam"), node.log.first_ns("cam")) == (
        NOON_NS,
        NOON_NS + 10 * NS_PER_S,
    )


def test_days_long_past_are_forgotten(node: Node) -> None:
    node.log.add(gap(10, 12))
    node.log.forget_before("cam", NOON_NS + NS_PER_DAY // 4, StandingHolds((), 0))
    assert node.reported(NOON_NS, NOON_NS + NS_PER_DAY) == [(10, 12, "network")]
    node.log.forget_before("cam", NOON_NS + NS_PER_DAY, StandingHolds((), 0))
    assert node.reported(NOON_NS, NOON_NS + NS_PER_DAY) == []


@settings(max_examples=examples(30), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 200_000), st.integers(1, 100_000), st.sampled_from(list(GapCause))
        ),
        max_size=6,
    ),
    st.integers(0, 300_000),
    st.integers(1, 300_000),
)
def test_the_line_written_last_is_right(
    rows: list[tuple[int, int, GapCause]], from_s: int, length_s: int
) -> None:
    with TemporaryDirectory() as folder:
        log = GapLog(Layout(Path(folder)), ManualClock(NOON_NS))
        for start_s, seconds, cause in rows:
            log.add(gap(start_s, start_s + seconds, cause))
        from_ns, to_ns = NOON_NS + from_s * NS_PER_S, NOON_NS + (from_s + length_s) * NS_PER_S
        found = log.between("cam", from_ns, to_ns)
    assert all(from_ns <= one.start_ns < one.end_ns <= to_ns for one in found)
    for moment_ns in {
        to_ns - 1,
        from_ns,
        *(edge for one in found for edge in (one.start_ns, one.end_ns - NS_PER_MS)),
    }:
        said = next(
            (
                cause
                for start_s, seconds, cause in reversed(rows)
                if _is_in(moment_ns, start_s, seconds)
            ),
            None,
        )
        if from_ns <= moment_ns < to_ns:
            assert (
                next((one.cause for one in found if one.start_ns <= moment_ns < one.end_ns), None)
                == said
            )


def _is_in(moment_ns: int, start_s: int, seconds: int) -> bool:
    return start_s <= (moment_ns - NOON_NS) / NS_PER_S < start_s + seconds
