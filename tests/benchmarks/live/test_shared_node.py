"""The passings of a film that is played again and again."""

from __future__ import annotations

import pytest

from benchmarks.live.shared_node import RepeatedFilm, events_of, registry
from domain.clock import NS_PER_S
from sightline.evaluation.film import EPOCH_NS
from sightline.evaluation.truth import Pass
from tests.kept import make_event

FILM = RepeatedFilm([Pass(enter_s=1, leave_s=3), Pass(enter_s=5, leave_s=7)], 10.0)


@pytest.mark.parametrize(
    ("from_s", "to_s", "enter_s"),
    [
        (0, 10, [3, 7]),
        (4, 10, [7]),
        (0, 8, [3]),
        (5.5, 24, [7, 13, 17]),
        (30, 31, []),
    ],
)
def test_passings_that_are_wholly_within_a_time_count(
    from_s: float, to_s: float, enter_s: list[float]
) -> None:
    began, begin, end = (EPOCH_NS + round(at_s * NS_PER_S) for at_s in (2, from_s, to_s))
    assert [one.enter_s for one in FILM.passes_within(began, begin, end)] == enter_s


@pytest.mark.parametrize(
    ("started_s", "ended_s", "is_counted"),
    [
        (0.9, 3.9, True),  # The vehicle is in view after its plate has left.
        (5.1, 8.1, True),
        (0.0, 1.2, False),
        (7.1, 9.0, False),
    ],
)
def test_an_event_belongs_to_the_period_of_its_middle(
    started_s: float, ended_s: float, is_counted: bool
) -> None:
    started, ended = (EPOCH_NS + round(at_s * NS_PER_S) for at_s in (started_s, ended_s))
    event = make_event().model_copy(update={"started_at": started, "ended_at": ended})
    assert events_of(FILM.passes, [event]) == ([event] if is_counted else [])
    assert events_of([], [event]) == []


def test_the_last_camera_is_the_checkpoint() -> None:
    cameras = registry(["rtsp://a/1", "rtsp://a/2"])["cameras"]
    assert isinstance(cameras, list)
    assert [one.get("checkpoint") for one in cameras] == [None, ["plate"]]
