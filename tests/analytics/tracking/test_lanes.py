"""Lanes, count lines and directions: by table, by property, and for vehicles that drive through a
drawn picture.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.tracking.lanes import CountLines, direction_of, lane_at
from analytics.tracking.tracker import Track
from domain.clock import NS_PER_MS
from domain.events.event import Direction
from domain.registry.model import CountLine, Polygon
from tests.analytics.drawn import GONE, MakeCamera, MakeFound, MakeFrame, Scene, Street, approach

LEFT: Polygon = ((0.0, 1.0), (0.2, 0.0), (0.5, 0.0), (0.5, 1.0))
RIGHT: Polygon = ((0.5, 1.0), (0.5, 0.0), (0.8, 0.0), (1.0, 1.0))
ACROSS: CountLine = ((0.0, 0.5), (1.0, 0.5))
BACKWARDS: CountLine = ((1.0, 0.5), (0.0, 0.5))
SHORT: CountLine = ((0.6, 0.5), (1.0, 0.5))
SIZE_PX = (640, 360)


def track(*places: tuple[float, float]) -> Track:
    """One that was seen at these places, in parts of the picture, every 100 ms."""
    made: Track | None = None
    for number, (x, y) in enumerate(places):
        centre = np.array([x * SIZE_PX[0], y * SIZE_PX[1]] * 2, np.float32)
        box = centre + np.array([-30, -9, 30, 9], np.float32)
        if made is None:
            made = Track(0, 0, box, 0, box, 0.9, np.zeros((4, 2), np.float32))
        else:
            made.extend(100 * number * NS_PER_MS, box, 0.9, np.zeros((4, 2), np.float32))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("box", "lane"),
    [
        ((0.2, 0.4, 0.4, 0.5), 1),
        ((0.6, 0.4, 0.7, 0.5), 2),
        ((0.0, 0.0, 0.1, 0.1), 0),  # next to the road
        ((0.4, 0.4, 0.6, 0.5), 1),  # on the line between: the first
    ],
)
def test_the_lane(box: tuple[float, float, float, float], lane: int) -> None:
    assert lane_at([LEFT, RIGHT], box) == lane


def test_without_lanes_there_is_none() -> None:
    assert lane_at([], (0.2, 0.4, 0.4, 0.5)) == 0


@pytest.mark.parametrize(
    ("places", "lines", "crossed"),
    [
        (
            [(0.3, 0.2), (0.3, 0.4), (0.3, 0.7)],
            [ACROSS],
            (1,),
        ),  # down the picture, from the left of a line drawn to the right
        ([(0.3, 0.7), (0.3, 0.2)], [ACROSS], (-1,)),
        ([(0.3, 0.2), (0.3, 0.7)], [BACKWARDS], (-1,)),
        ([(0.3, 0.2), (0.3, 0.7)], [SHORT], ()),  # past its end
        ([(0.7, 0.2), (0.7, 0.7)], [SHORT, ACROSS], (1, 2)),
        ([(0.7, 0.2), (0.3, 0.7)], [ACROSS, BACKWARDS], (1, -2)),
        ([(0.3, 0.2), (0.3, 0.45)], [ACROSS], ()),  # never there
        ([(0.3, 0.2), (0.3, 0.6), (0.3, 0.3)], [ACROSS], ()),  # turned back
        (
            [(0.3, 0.4), (0.3, 0.52), (0.3, 0.48), (0.3, 0.53), (0.3, 0.8)],
            [ACROSS],
            (1,),
        ),  # a box that jitters
        ([(0.3, 0.2)], [ACROSS], ()),
        ([(0.3, 0.2), (0.3, 0.7)], [], ()),
    ],
)
def test_what_was_crossed(
    places: list[tuple[float, float]], lines: list[CountLine], crossed: tuple[int, ...]
) -> None:
    assert CountLines(lines).crossed_by(track(*places), SIZE_PX) == crossed


WITHIN = st.floats(0.05, 0.95)


@given(places=st.lists(st.tuples(WITHIN, WITHIN), min_size=1, max_size=12), x=st.floats(0.1, 0.9))
def test_a_line_over_the_whole_picture_is_crossed_by_who_ends_on_its_other_side(
    places: list[tuple[float, float]], x: float
) -> None:
    first, last = places[0][0] - x, places[-1][0] - x
    if any(abs(place[0] - x) < 1e-4 for place in places):
        return  # on the line itself: either side
    went = 0 if (first > 0) == (last > 0) else 1 if last > 0 else -1
    line: CountLine = ((x, 1.0), (x, 0.0))
    assert CountLines([line]).crossed_by(track(*places), SIZE_PX) == ((went,) if went else ())


def test_an_event_tells_lane_and_line(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    street = Street(
        make_camera(lanes=(LEFT, RIGHT), count_lines=(ACROSS, SHORT)), make_found, make_frame
    )
    (first, second) = street.show(
        [*GONE, *approach(60, x=250), *GONE, *approach(100, x=450), *GONE]
    )
    assert (first.event.lane, first.event.crossed) == (1, (1,))
    assert (second.event.lane, second.event.crossed) == (2, (1, 2))


def test_a_line_crossed_while_it_was_hidden_is_crossed_all_the_same(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    street = Street(make_camera(count_lines=(ACROSS,)), make_found, make_frame)
    way: list[Scene] = approach(60)
    parts = street.show([*way[:12], *GONE, *way[18:], *GONE])
    assert [part.event.crossed for part in parts] == [(), (1,)], "the second tells of the whole"
    assert len({part.event.id for part in parts}) == 1


def test_there_and_back_in_two_parts_is_no_crossing(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    street = Street(make_camera(count_lines=(ACROSS,)), make_found, make_frame)
    way: list[Scene] = approach(60)
    parts = street.show([*way[:20], *GONE, *way[20:8:-1], *GONE])
    assert [part.event.crossed for part in parts] == [(1,), ()]
    assert len({part.event.id for part in parts}) == 1


def sized_track(
    begin: tuple[float, float, float], end: tuple[float, float, float], looks: int = 15
) -> Track:
    """From one (centre x, centre y, width) to the other, evenly, with boxes that jitter by a
    twentieth of their size.
    """
    rng, made = np.random.default_rng(4), None
    for number, (x, y, wide) in enumerate(np.linspace(begin, end, looks)):
        wide *= rng.uniform(0.95, 1.05)
        box = np.array([x - wide / 2, y - wide / 6, x + wide / 2, y + wide / 6], np.float32)
        points = np.zeros((4, 2), np.float32)
        if made is None:
            made = Track(0, 0, box, 0, box, 0.9, points)
        else:
            made.extend(100 * number * NS_PER_MS, box, 0.9, points)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("begin", "end", "direction"),
    [
        ((300, 100, 60), (320, 400, 110), "toward"),
        ((300, 100, 60), (900, 400, 110), "toward"),  # across a wide road, and nearer
        ((300, 400, 110), (310, 100, 60), "away"),
        ((300, 100, 80), (310, 400, 82), "toward"),  # seen from straight above
        ((300, 400, 80), (310, 100, 82), "away"),
        ((900, 300, 90), (200, 310, 95), "left"),
        ((200, 310, 90), (900, 300, 85), "right"),
        ((300, 300, 90), (330, 310, 92), ""),  # it stands
    ],
)
def test_the_direction(
    begin: tuple[float, float, float], end: tuple[float, float, float], direction: Direction
) -> None:
    assert direction_of(sized_track(begin, end)) == direction


def test_one_sight_has_no_direction() -> None:
    assert direction_of(sized_track((300, 100, 60), (300, 100, 60), looks=1)) == ""
