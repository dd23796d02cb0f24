"""The cause of a hole by the states of its camera: a table of the ways in which cameras fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.camera_states import CameraState, Why
from domain.clock import NS_PER_S
from domain.recordings.gap_explanation import CameraStateChange, Facts, explain
from domain.recordings.gaps import Gap, GapCause

State = CameraState


def state_changes(
    *rows: tuple[float, CameraState, int], why: Why = Why.FAILED
) -> list[CameraStateChange]:
    return [
        CameraStateChange(
            round(since_s * NS_PER_S),
            state,
            "" if state is State.LIVE else f"said {state}",
            failures,
            why,
        )
        for since_s, state, failures in rows
    ]


def causes(
    facts: Facts, start_s: float, end_s: float, recorder_cause: GapCause | None = None
) -> list[tuple[float, float, str]]:
    found = explain(facts, round(start_s * NS_PER_S), round(end_s * NS_PER_S), recorder_cause)
    return [(gap.start_ns / NS_PER_S, gap.end_ns / NS_PER_S, gap.cause.value) for gap in found]


@pytest.mark.parametrize(
    ("rows", "hole", "expected"),
    [
        pytest.param(
            [(0, State.LIVE, 0)], (100, 104), "network", id="packets lost, the connection held"
        ),
        pytest.param([(0, State.LIVE, 0)], (100, 130), "network", id="many packets lost"),
        pytest.param(
            [(0, State.LIVE, 0), (101, State.UNREACHABLE, 1), (102, State.LIVE, 1)],
            (100, 104),
            "network",
            id="broke, returned",
        ),
        pytest.param(
            [(0, State.LIVE, 0), (118, State.UNREACHABLE, 1), (119, State.LIVE, 1)],
            (100, 120),
            "camera_down",
            id="broke, long away",
        ),
        pytest.param(
            [(0, State.LIVE, 0), (101, State.UNREACHABLE, 1), (105, State.LIVE, 3)],
            (100, 106),
            "camera_down",
            id="refused meanwhile",
        ),
        pytest.param(
            [(0, State.LIVE, 7), (101, State.UNREACHABLE, 8), (500, State.LIVE, 40)],
            (100, 501),
            "camera_down",
            id="away for minutes",
        ),
        pytest.param(
            [
                (0, State.LIVE, 0),
                (101, State.UNREACHABLE, 1),
                (102, State.WRONG_PASSWORD, 2),
                (160, State.LIVE, 9),
            ],
            (100, 161),
            "camera_down",
            id="wrong password after a restart of the camera",
        ),
        pytest.param(
            [(0, State.LIVE, 0), (120, State.NO_KEYFRAMES, 0), (150, State.LIVE, 0)],
            (100, 150),
            "decoder",
            id="no keyframes",
        ),
        pytest.param(
            [(0, State.LIVE, 0), (101, State.UNREACHABLE, 1), (102, State.CODEC_UNSUPPORTED, 2)],
            (100, 180),
            "decoder",
            id="another codec",
        ),
    ],
)
def test_a_hole_has_the_cause_of_its_camera(
    rows: list[tuple[float, CameraState, int]], hole: tuple[float, float], expected: str
) -> None:
    facts = Facts("cam", 0, state_changes(*rows))
    assert causes(facts, *hole) == [(*hole, expected)]


def test_a_camera_that_fell_silent_is_down_however_quickly_it_returns() -> None:
    rows = state_changes(
        (0, State.LIVE, 0), (110, State.UNREACHABLE, 1), (111, State.LIVE, 1), why=Why.SILENT
    )
    assert causes(Facts("cam", 0, rows), 100, 112) == [(100, 112, "camera_down")]


def test_the_cause_that_the_recorder_knows_is_used() -> None:
    facts = Facts("cam", 0, state_changes((0, State.LIVE, 0)))
    assert causes(facts, 100, 104, GapCause.DISK) == [(100, 104, "disk")]


def test_a_process_that_was_not_there_is_a_restart_and_so_is_its_first_connecting() -> None:
    facts = Facts(
        "cam", 150 * NS_PER_S, state_changes((150, State.CONNECTING, 0), (152, State.LIVE, 0))
    )
    assert causes(facts, 100, 153) == [(100, 153, "restart")]
    assert causes(facts, 150, 153) == [(150, 153, "restart")]


def test_a_camera_that_is_down_after_a_restart_is_down_from_then_on() -> None:
    facts = Facts(
        "cam",
        150 * NS_PER_S,
        state_changes(
            (150, State.CONNECTING, 0), (151, State.UNREACHABLE, 1), (400, State.LIVE, 9)
        ),
    )
    assert causes(facts, 100, 401) == [(100, 150, "restart"), (150, 401, "camera_down")]


def test_shed_time_is_distinct_from_a_failure_of_the_camera() -> None:
    shed = Gap("cam", 110 * NS_PER_S, 140 * NS_PER_S, GapCause.SHED, "too much to do")
    facts = Facts(
        "cam",
        0,
        state_changes((0, State.LIVE, 0), (141, State.UNREACHABLE, 1), (160, State.LIVE, 4)),
        [shed],
    )
    assert causes(facts, 110, 160) == [(110, 140, "shed"), (140, 160, "camera_down")]


def test_the_seconds_before_and_after_what_was_not_asked_for_belong_to_it() -> None:
    idle = Gap(
        "cam", 110 * NS_PER_S, 140 * NS_PER_S, GapCause.NOT_ASKED, "no recording was requested"
    )
    facts = Facts(
        "cam",
        0,
        state_changes(
            (0, State.LIVE, 0),
            (110, State.IDLE, 0),
            (140, State.CONNECTING, 0),
            (142, State.LIVE, 0),
        ),
        [idle],
    )
    assert causes(facts, 109, 142) == [(109, 142, "not_asked")]


def test_the_last_error_is_the_detail() -> None:
    facts = Facts("cam", 0, state_changes((0, State.LIVE, 0), (101, State.WRONG_PASSWORD, 2)))
    assert [gap.detail for gap in explain(facts, 100 * NS_PER_S, 200 * NS_PER_S)] == [
        "said wrong_password"
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.sampled_from(list(State)), st.integers(0, 3)), max_size=6
    ),
    st.integers(0, 50),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_a_hole_is_explained_without_a_break(
    rows: list[tuple[int, CameraState, int]], started: int, start: int, length: int
) -> None:
    by_time, failures = [], 0
    for since, state, more in sorted(rows, key=lambda row: row[0]):
        failures += more
        by_time.append(CameraStateChange(since, state, "", failures))
    gaps = explain(Facts("cam", started, by_time), start, start + length)
    edges = [start, *(gap.end_ns for gap in gaps)]
    assert [gap.start_ns for gap in gaps] == edges[:-1]
    assert edges[-1] == start + length
