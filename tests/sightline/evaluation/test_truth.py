"""The pass of an event, and what counts as found, doubled and false."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.clock import NS_PER_S
from domain.errors import BadInput
from domain.events.event import Event, Location, Passing, Plate
from domain.ulid import event_id
from sightline.evaluation.film import EPOCH_NS, AnalyserRun
from sightline.evaluation.truth import Pass, compare, read_truth

PASSES = [
    Pass(enter_s=1, leave_s=4, plate="鄂C12345", color="blue"),
    Pass(enter_s=2, leave_s=5, plate="湘A67890", color="blue"),
]


def _passing(
    text: str, from_s: float, to_s: float, key: str = "", confidence: float = 0.9
) -> tuple[float, Passing]:
    start_ns = EPOCH_NS + round(from_s * NS_PER_S)
    event = Event(
        id=event_id("film", "vehicle", start_ns, key or text),
        kind="vehicle",
        camera="film",
        class_="A",
        area="film",
        location=Location(lon=111.5, lat=32.5),
        started_at=start_ns,
        best_at=start_ns,
        ended_at=EPOCH_NS + round(to_s * NS_PER_S),
        plate=Plate(text=text, color="blue", confidence=confidence, alternatives=()),
        confidence=0.9,
        box=(0.1, 0.1, 0.2, 0.2),
        wall_source="receiver",
    )
    return to_s + 0.75, Passing(event, b"", b"")


def test_two_concurrent_vehicles_are_distinguished_by_their_plates() -> None:
    outcome = compare(
        AnalyserRun([_passing("湘A67890", 1.5, 4.5), _passing("鄂C12346", 1.5, 4.5)]), PASSES
    )
    assert (outcome["passings"], outcome["found"], outcome["doubled"], outcome["false"]) == (
        2,
        2,
        0,
        0,
    )
    assert outcome["plates_right"] == 1
    assert outcome["wrong"] == ["鄂C12345 read as 鄂C12346 (0.90)"]


def test_a_second_event_is_doubled_and_one_of_an_empty_road_is_false() -> None:
    events = [
        _passing("鄂C12345", 1.2, 2.0),
        _passing("鄂C12345", 2.2, 2.4, "again"),
        _passing("京A00001", 8, 9),
    ]
    outcome = compare(AnalyserRun(events), PASSES[:1])
    assert (outcome["found"], outcome["doubled"], outcome["false"], outcome["plates_right"]) == (
        1,
        1,
        1,
        1,
    )


@pytest.mark.parametrize(
    ("text", "confidence", "is_other"),
    [
        ("闽D66651", 0.99, True),
        ("闽D66651", 0.8, False),
        ("鄂C12399", 0.99, False),
        ("", 0.99, False),
    ],
)
def test_one_too_many_that_surely_names_another_vehicle_is_none_doubled(
    text: str, confidence: float, is_other: bool
) -> None:
    outcome = compare(
        AnalyserRun(
            [_passing("鄂C12345", 1.2, 3.6), _passing(text, 1.4, 3.6, "other", confidence)]
        ),
        PASSES[:1],
    )
    assert (outcome["found"], outcome["doubled"], outcome["false"]) == (1, int(not is_other), 0)
    assert outcome["others"] == ([f"{text} ({confidence:.2f})"] if is_other else [])


def test_an_event_that_was_extended_counts_once() -> None:
    first, later = _passing("鄂C12345", 1.2, 2.0), _passing("鄂C12345", 1.2, 3.6)
    outcome = compare(AnalyserRun([first, later]), PASSES[:1])
    assert (outcome["found"], outcome["doubled"]) == (1, 0)
    assert outcome["latency_s"] == {"median": 0.35, "worst": 0.35}


def test_a_pass_without_an_event_is_missed() -> None:
    outcome = compare(AnalyserRun(), PASSES)
    assert (outcome["found"], outcome["wrong"]) == (0, ["鄂C12345 missed", "湘A67890 missed"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no JSON"),
        ("{}", "passes"),
        ('{"passes": [{"enter_s": "soon", "leave_s": 2}]}', r"passes\.0\.enter_s"),
        ("[]", "passes"),
    ],
)
def test_a_file_that_is_no_truth_is_refused_with_its_place(
    tmp_path: Path, content: str, says: str
) -> None:
    file = tmp_path / "truth.json"
    file.write_text(content)
    with pytest.raises(BadInput, match=says):
        read_truth(file)
    with pytest.raises(BadInput, match="there is no truth file"):
        read_truth(tmp_path / "absent.json")
