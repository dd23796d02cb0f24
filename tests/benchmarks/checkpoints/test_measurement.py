"""The benchmark of checkpoints counts which passings a camera showed, and when they were caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.checkpoints.bound import Decoding, by_what_it_shows
from benchmarks.checkpoints.footage import Footage
from benchmarks.checkpoints.measurement import (
    APART_S,
    Seen,
    _costs,
    _expected,
    _outcome,
)
from benchmarks.checkpoints.spending import Spending, _counted
from domain.clock import NS_PER_S
from domain.events.event import Event, Location, Plate
from domain.plates import PlateColor
from sightline.evaluation.film import EPOCH_NS
from sightline.evaluation.truth import Pass

PASSES = [
    Pass(plate="鄂C12345", colour="blue", enter_s=0.5, leave_s=2.0),
    Pass(plate="皖A6B789", colour="blue", enter_s=4.5, leave_s=6.0),
]
FOOTAGE = Footage(Path("busy.mp4"), Path("still.mp4"), PASSES)


def ns(at_s: float) -> int:
    return EPOCH_NS + round(at_s * NS_PER_S)


def event(number: int, text: str, started_s: float, ended_s: float) -> Event:
    return Event(
        id=f"01JD000000000000000000000{number}",
        kind="vehicle",
        camera="cam-1",
        class_="A",
        area="bench",
        location=Location(lon=111.5, lat=32.5),
        started_at=ns(started_s),
        best_at=ns(started_s),
        ended_at=ns(ended_s),
        plate=Plate(text=text, color=PlateColor.BLUE, confidence=0.9),
        confidence=0.9,
        box=(0.1, 0.1, 0.2, 0.2),
        wall_source="sender",
    )


def test_a_camera_that_starts_later_in_the_file_expects_only_whole_passings() -> None:
    first = [round(one.enter_s, 3) for one in _expected(FOOTAGE, ns(100), 0, ns(101), ns(117))]
    second = [round(one.enter_s, 3) for one in _expected(FOOTAGE, ns(100), 1, ns(101), ns(117))]
    assert first == [104.5, 108.5, 112.5]
    assert second == [pytest.approx(100 - APART_S + at_s) for at_s in (8.5, 12.5, 16.5, 20.5)]


def test_caught_doubled_and_late_passings_are_distinguished() -> None:
    expected = _expected(FOOTAGE, ns(100), 0, ns(100), ns(116))
    seen = Seen()
    for number, (text, from_s, to_s) in enumerate(
        [("鄂C12345", 100.6, 101.9), ("皖A6B788", 104.6, 105.8), ("鄂C12345", 108.6, 109.0)]
    ):
        one = event(number, text, from_s, to_s)
        seen.events[one.id], seen.at_ns[one.id] = one, ns(to_s + 1)
    outcome, late_s = _outcome(1, seen, expected)
    assert (outcome["passings"], outcome["found"], outcome["doubled"], outcome["false"]) == (
        4,
        3,
        0,
        0,
    )
    assert outcome["plates_right"] == 2
    assert sorted(late_s) == [pytest.approx(value, abs=0.01) for value in (0.0, 0.8, 0.9)]


def test_shares_are_of_the_workers_and_the_rest_is_what_no_step_has() -> None:
    before = Spending(
        10.0,
        {"worker-0": 1.0, "api": 1.0},
        {"decode": 0.5},
        {"sightline_frames_decoded_total": 0.0},
    )
    after = Spending(
        20.0,
        {"worker-0": 5.0, "api": 2.0},
        {"decode": 2.5, "clp_det": 1.0},
        {"sightline_frames_decoded_total": 500.0},
    )
    costs = _costs(after.since(before), cameras=2)
    assert costs["cores_used"] == 0.5
    assert costs["percent_of_a_core_a_camera"] == 20.0
    assert costs["shares"] == {"clp_det": 0.25, "decode": 0.5, "the rest": 0.25}
    assert costs["decode_ms_a_frame"] == 4.0


def test_frames_are_grouped_by_what_they_show_without_keyframes() -> None:
    """A vehicle is visible from 0.5 s to 2.0 s of every 4 s.

    The second after a vehicle is in no group.
    """
    decoding = [
        Decoding(
            at / 25,
            20.0 if at % 50 == 0 else 3.0 if at % 100 < 50 else 2.0 if at % 100 < 75 else 1.0,
        )
        for at in range(200)
    ]
    assert by_what_it_shows(decoding, PASSES) == {"vehicle": 3.0, "road": 1.0}


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        ('sightline_frames_decoded_total{camera="cam-1"} 12.0', "sightline_frames_decoded_total"),
        (
            'sightline_frames_skipped_total{camera="cam-1",reason="backlog"} 3.0',
            "sightline_frames_skipped_total:backlog",
        ),
        (
            'sightline_frames_skipped_total{camera="cam-1",reason="late"} 3.0',
            "sightline_frames_skipped_total:late",
        ),
    ],
)
def test_frames_skipped_are_counted_by_their_reason(line: str, counted: str) -> None:
    assert _counted(line) == counted
