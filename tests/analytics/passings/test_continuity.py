"""Whether a track continues another one, over courses of vehicles that come nearer, cross,
brake and follow each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.passings.continuity import continues_in_place, leaves_course, stood_at_end
from analytics.tracking.tracker import COURSE_NS, MAX_OFF_COURSE, MAX_PATH, Track
from domain.clock import NS_PER_MS, NS_PER_S

GAP_MOST_NS = 2_000 * NS_PER_MS
BEGAN_NS = 1_760_000_000 * NS_PER_S
Way = Callable[[float], tuple[float, float, float]]
"""Time in seconds -> centre x, centre y and width of a plate, in pixels."""
POINTS = np.zeros((4, 2), np.float32)


def toward(contact_s: float, x_m: float = 0.0) -> Way:
    """A plate at constant speed that is 40 px wide at 0 s and at the camera, 4 m above it,
    after `contact_s`.
    """

    def at(at_s: float) -> tuple[float, float, float]:
        wide = 40 * contact_s / (contact_s - at_s)
        return 960 + x_m / 0.44 * wide, 4 / 0.44 * wide - 200, wide

    return at


def across(px_per_s: float) -> Way:
    return lambda at_s: (200 + px_per_s * at_s, 500, 60)


def follow(way: Way, times_s: np.ndarray, seed: int = 0) -> Track:
    """The track of a plate that is found at these times with a jitter of a pixel."""
    rng, track = np.random.default_rng(seed), None
    for at_s in times_s:
        x, y, wide = way(float(at_s))
        sides = np.array([x - wide / 2, y - wide / 6.5, x + wide / 2, y + wide / 6.5]) + rng.normal(
            0, 1, 4
        )
        box, wall_ns = sides.astype(np.float32), BEGAN_NS + round(float(at_s) * NS_PER_S)
        if track is None:
            track = Track(0, wall_ns, box, wall_ns, box, 0.9, POINTS)
        else:
            track.extend(wall_ns, box, 0.9, POINTS)
    assert track is not None
    return track


def looks(from_s: float, to_s: float, step_s: float = 0.1) -> np.ndarray:
    return np.arange(from_s, to_s + 1e-6, step_s)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("span_s", [0.3, 0.6, 3.0])
def test_a_vehicle_stood_or_moved_at_the_end_of_its_track(span_s: float, seed: int) -> None:
    end = looks(0.0, span_s)
    assert stood_at_end(follow(across(0), end, seed))
    for way in (toward(3.5), toward(8.0, x_m=3.2), across(60), across(600)):
        assert not stood_at_end(follow(way, end, seed))


def test_a_track_without_a_course_does_not_show_that_its_vehicle_stood() -> None:
    assert not stood_at_end(follow(across(0), looks(0.0, 0.1)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gap_s", [0.8, 1.2, 1.9])
@pytest.mark.parametrize(
    "way",
    [
        *(toward(contact_s) for contact_s in (3.5, 5.0, 8.0)),
        toward(5.0, x_m=3.2),
        across(120),
        across(600),
    ],
)
def test_one_vehicle_continues_itself(way: Way, gap_s: float, seed: int) -> None:
    before = follow(way, looks(0.0, 0.8), seed)
    after = follow(way, looks(0.8 + gap_s, 1.6 + gap_s)[:6], seed + 100)
    assert continues_in_place(after, before, GAP_MOST_NS)


@pytest.mark.parametrize("gap_s", [1.0, 1.5])
def test_two_looks_a_second_are_enough(gap_s: float) -> None:
    """A machine that is behind looks so seldom that one look without the plate ends a track."""
    way = toward(6.0)
    before, after = (
        follow(way, looks(0.0, 1.5, 0.5)),
        follow(way, looks(1.5 + gap_s, 2.1 + gap_s, 0.5)),
    )
    assert continues_in_place(after, before, GAP_MOST_NS)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gap_s", [0.1, 0.4, 0.8, 1.2, 1.6, 2.0])
@pytest.mark.parametrize("headway_s", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("way", [toward(3.5), toward(5.0), toward(8.0), across(120), across(600)])
def test_a_vehicle_that_follows_is_another(
    way: Way, headway_s: float, gap_s: float, seed: int
) -> None:
    """Each on the same way at the same speed, the second first found after any gap."""
    before = follow(way, looks(0.0, 0.8), seed)
    after = follow(lambda at_s: way(at_s - headway_s), looks(0.8 + gap_s, 1.6 + gap_s), seed + 100)
    assert not continues_in_place(after, before, GAP_MOST_NS)


@pytest.mark.parametrize("gap_s", [0.3, 0.8, 1.4, 2.0])
@pytest.mark.parametrize("lengths_per_s", [0.0, 0.3, 1.0])
def test_bumper_to_bumper_is_another(lengths_per_s: float, gap_s: float) -> None:
    """Plates are one and a half of their lengths apart where vehicles in a queue are seen from
    far and low.
    """
    way = across(60 * lengths_per_s)
    before = follow(way, looks(0.0, 0.8))
    after = follow(
        lambda at_s: (way(at_s)[0] - 90, *way(at_s)[1:]), looks(0.8 + gap_s, 1.6 + gap_s), 1
    )
    assert not continues_in_place(after, before, GAP_MOST_NS)


@pytest.mark.parametrize("gap_s", [0.3, 0.8, 1.4, 2.0])
def test_the_next_lane_is_another(gap_s: float) -> None:
    before = follow(toward(5.0), looks(0.0, 0.8))
    after = follow(toward(5.0, x_m=3.2), looks(0.8 + gap_s, 1.6 + gap_s))
    assert not continues_in_place(after, before, GAP_MOST_NS)


def test_a_vehicle_that_brakes_continues_itself() -> None:
    def braking(at_s: float) -> tuple[float, float, float]:
        """Four lengths a second at first, one at the end."""
        return 200 + 60 * (4 * at_s - 0.6 * at_s**2), 500, 60

    before, after = follow(braking, looks(0.0, 0.8)), follow(braking, looks(1.7, 2.4))
    assert continues_in_place(after, before, GAP_MOST_NS)


def test_a_vehicle_that_stands_continues_itself() -> None:
    before, after = follow(across(0), looks(0.0, 0.8)), follow(across(0), looks(2.0, 2.6), 1)
    assert continues_in_place(after, before, GAP_MOST_NS)


def test_another_size_in_the_same_place_is_another() -> None:
    def larger(at_s: float) -> tuple[float, float, float]:
        return across(120)(at_s)[0], 500, 60 * 1.6

    assert not continues_in_place(
        follow(larger, looks(1.8, 2.5)), follow(across(120), looks(0.0, 0.8)), GAP_MOST_NS
    )


@pytest.mark.parametrize("gap_s", [-0.3, 2.1])
def test_overlapping_tracks_and_longer_gaps_are_others(gap_s: float) -> None:
    way = toward(8.0)
    before, after = follow(way, looks(0.0, 0.8)), follow(way, looks(0.8 + gap_s, 1.6 + gap_s))
    assert not continues_in_place(after, before, GAP_MOST_NS)


def test_a_track_of_one_look_has_no_course() -> None:
    way = toward(8.0)
    assert not continues_in_place(
        follow(way, looks(1.7, 1.7)), follow(way, looks(0.0, 0.8)), GAP_MOST_NS
    )
    assert math.isclose(follow(way, looks(0.0, 0.8)).duration_ms, 800)


LEFT_S = 0.8
"""When the earlier track was found last."""
SHORT_GAPS_S = (0.1, 0.25, 0.4, 0.6, 0.75)
FOLLOWERS = [
    *((toward(contact_s), headway_s) for contact_s in (3.5, 5.0) for headway_s in (0.5, 1.0, 3.0)),
    *((toward(8.0), headway_s) for headway_s in (1.0, 1.5, 3.0)),
    *((across(px_per_s), headway_s) for px_per_s in (120, 600) for headway_s in (0.5, 1.0, 3.0)),
]
"""Ways and headways at which the second vehicle is at least its length of a plate behind the
first in the picture.
"""


def is_off_course(way: Way, before: Track, at_s: float, seed: int = 7) -> bool:
    """Whether one detection on this way leaves the course of the earlier track."""
    found = follow(way, np.array([at_s]), seed)
    return leaves_course(before, found.box, found.last_ns)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gap_s", SHORT_GAPS_S)
@pytest.mark.parametrize(
    "way",
    [
        *(toward(contact_s) for contact_s in (3.5, 5.0, 8.0)),
        toward(5.0, x_m=3.2),
        across(0),
        across(120),
        across(600),
    ],
)
def test_one_vehicle_keeps_its_course(way: Way, gap_s: float, seed: int) -> None:
    before = follow(way, looks(0.0, LEFT_S), seed)
    assert not is_off_course(way, before, LEFT_S + gap_s, seed + 100)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gap_s", SHORT_GAPS_S)
@pytest.mark.parametrize(("way", "headway_s"), FOLLOWERS)
def test_a_vehicle_that_follows_leaves_the_course(
    way: Way, headway_s: float, gap_s: float, seed: int
) -> None:
    before = follow(way, looks(0.0, LEFT_S), seed)
    assert is_off_course(lambda at_s: way(at_s - headway_s), before, LEFT_S + gap_s, seed + 100)


@given(
    contact_s=st.floats(2.5, 10),
    headway_s=st.floats(0.5, 3),
    gap_s=st.floats(0.1, 0.75),
    step_s=st.sampled_from([0.08, 0.1, 0.15, 0.2]),
)
def test_only_the_vehicle_itself_keeps_the_course_at_any_speed(
    contact_s: float, headway_s: float, gap_s: float, step_s: float
) -> None:
    """A vehicle that follows leaves it where it is a third farther behind than the limit."""
    way = toward(contact_s)
    before = follow(way, looks(0.0, LEFT_S, step_s))
    assert not is_off_course(way, before, LEFT_S + gap_s)
    lengths_behind = 4 / 0.44 / (contact_s - LEFT_S) * headway_s
    is_behind = is_off_course(lambda at_s: way(at_s - headway_s), before, LEFT_S + gap_s)
    assert is_behind or lengths_behind < MAX_OFF_COURSE * 4 / 3


def test_the_next_lane_leaves_the_course() -> None:
    before = follow(toward(5.0), looks(0.0, LEFT_S))
    assert is_off_course(toward(5.0, x_m=3.2), before, LEFT_S + 0.4)


def test_a_track_of_two_looks_has_no_course_to_leave() -> None:
    before = follow(across(120), looks(0.0, 0.1))
    assert not is_off_course(across(600), before, 0.7)


def test_a_course_is_fitted_to_the_last_looks_however_long_the_stay() -> None:
    """A path of a long stay keeps too few places for a vehicle that has just driven off."""

    def way(at_s: float) -> tuple[float, float, float]:
        return 200 + 240 * max(0.0, at_s - 40), 500, 60

    before = follow(way, looks(0.0, 40.8))
    assert len(before.path) <= MAX_PATH
    assert COURSE_NS <= before.latest[-1].wall_ns - before.latest[0].wall_ns <= 1.3 * COURSE_NS
    assert not is_off_course(way, before, 41.4)
    assert continues_in_place(follow(way, looks(41.4, 42.0), 1), before, GAP_MOST_NS)


def test_a_vehicle_that_is_held_has_the_course_of_one_that_stands() -> None:
    before = follow(across(120), looks(0.0, LEFT_S))
    for at_s in looks(LEFT_S + 0.1, 3.0):
        before.mark_still(BEGAN_NS + round(at_s * NS_PER_S))
    x, y, wide = across(120)(LEFT_S)
    assert not is_off_course(lambda at_s: (x, y, wide), before, 3.6)
    assert is_off_course(across(120), before, 3.6)
