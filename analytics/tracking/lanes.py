"""What a track did in the picture: the lane it was in, the count lines that it crossed, and its
direction. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detection.detections import Floats
from analytics.tracking.tracker import Track, centre
from domain.events.event import Direction
from domain.registry.model import CountLine, Polygon

NEARER = math.log(1.25)
"""A box that grew by a quarter comes towards the camera, however far it moves sideways."""
ASIDE = 1.0
"""In lengths of the box: less is the jitter of a box, or a vehicle that stands."""
_ENDS = 3
"""Places at each end of the path that are averaged, since single boxes are a fifth too large or too
small.
"""
Points = NDArray[np.float64]


def lane_at(lanes: Sequence[Polygon], box: tuple[float, float, float, float]) -> int:
    """The number, from 1, of the first lane that the middle of `box` (left, top, right, bottom
    in parts of the picture) lies in; else 0.
    """
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    for number, lane in enumerate(lanes, start=1):
        if cv2.pointPolygonTest(np.array(lane, np.float32), middle, measureDist=False) >= 0:
            return number
    return 0


class CountLines:
    """Those of one camera. What is crossed is told in the order of the registry: n from the left of
    line n to its right, -n the other way, as somebody sees them who looks along the line from its
    first point. Who turns back over a line has not crossed it.
    """

    def __init__(self, lines: Sequence[CountLine]) -> None:
        self._lines = [np.array(line, np.float64) for line in lines]

    def crossed_by(self, track: Track, size_px: tuple[int, int]) -> tuple[int, ...]:
        """What lies between where `track` came from and where it went. `size_px`: width and
        height of the picture.
        """
        return self._crossed([*(place.centre for place in track.path), centre(track.box)], size_px)

    def crossed_between(
        self, before: Track, after: Track, size_px: tuple[int, int]
    ) -> tuple[int, ...]:
        """What lies between where `before` was seen last and where `after`, which continues it,
        was seen first.
        """
        return self._crossed([centre(before.box), centre(after.first_box)], size_px)

    def _crossed(self, places_px: Sequence[Floats], size_px: tuple[int, int]) -> tuple[int, ...]:
        if not self._lines:
            return ()
        path = np.array(places_px, np.float64) / np.array(size_px, np.float64)
        return together(
            number * _crossings(path, line) for number, line in enumerate(self._lines, start=1)
        )


def together(crossed: Iterable[int]) -> tuple[int, ...]:
    """What parts of one way crossed, as the whole of it did."""
    net: Counter[int] = Counter()
    for line in crossed:
        net[abs(line)] += (line > 0) - (line < 0)
    return tuple(line if ways > 0 else -line for line, ways in sorted(net.items()) if ways)


def direction_of(track: Track) -> Direction:
    """The direction by how the box grew and where it moved; empty where the track is too short to
    tell. Cameras look down on the road, so a vehicle that moves down in the picture comes nearer.
    """
    if len(track.path) < 2:
        return ""
    begin, end = track.path[:_ENDS], track.path[-_ENDS:]
    first_px, last_px = (
        float(np.mean([place.size_px for place in places])) for places in (begin, end)
    )
    grew = math.log(max(last_px, 1e-3) / max(first_px, 1e-3))
    if abs(grew) >= NEARER:
        return "toward" if grew > 0 else "away"
    moved = np.mean([place.centre for place in end], axis=0) - np.mean(
        [place.centre for place in begin], axis=0
    )
    across, down = (float(part) / max(first_px, last_px, 1e-3) for part in moved)
    if max(abs(across), abs(down)) < ASIDE:
        return ""
    if abs(down) > abs(across):
        return "toward" if down > 0 else "away"
    return "right" if across > 0 else "left"


def _crossings(path: Points, line: Points) -> int:
    """How often the path of (n, 2) points goes over the line from its left, less how often it goes
    back: 1, 0 or -1 but for loops around its end, of which the sign counts.
    """
    begin, end = line
    side = np.sign(_turn(end - begin, path - begin))
    own, after = path[:-1], path[1:]
    starts, ends = np.sign(_turn(after - own, begin - own)), np.sign(_turn(after - own, end - own))
    changes = (np.where(side[1:] > 0, 1, -1) - np.where(side[:-1] > 0, 1, -1)) // 2
    return int(np.sign(np.sum(changes[starts * ends <= 0])))


def _turn(along: Points, to: Points) -> Points:
    """Positive where `to` lies to the right of `along` as the picture shows it, whose y grows
    downwards.
    """
    turn: Points = along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]
    return turn
