"""Which way a track went, from boxes as detectors give them: jittering by a twentieth of their
size.
"""

from __future__ import annotations

import numpy as np
import pytest

from analytics.tracking.direction import direction_of
from analytics.tracking.tracker import Track
from domain.clock import NS_PER_MS
from domain.events.event import Direction


def track(
    begin: tuple[float, float, float], end: tuple[float, float, float], looks: int = 15
) -> Track:
    """From one (centre x, centre y, width) to the other, evenly."""
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
    assert direction_of(track(begin, end)) == direction


def test_one_sight_has_no_direction() -> None:
    assert direction_of(track((300, 100, 60), (300, 100, 60), looks=1)) == ""
