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
"""In lengths of the box. A smaller move is jitter of the box, or a vehicle that stands."""
_ENDS = 3
"""So many places at each end of the path are averaged, since single boxes are up to a fifth too
large or too small.
"""
Points = NDArray[np.float64]


def lane_at(lanes: Sequence[Polygon], box: tuple[float, float, float, float]) -> int:
    """Return the number, from 1, of the first lane that contains the middle of `box`, or else 0.

    `box` is left, top, right, bottom in parts of the picture.
    """
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    for number, lane in enumerate(lanes, start=1):
        if cv2.pointPolygonTest(np.array(lane, np.float32), middle, measureDist=False) >= 0:
            return number
    return 0


class CountLines:
    """The count lines of one camera.

    A crossing of line n is n from its left to its right, seen along the line from its first
    point, and -n in the other direction. Crossings are in the order of the registry. A track that
    turns back over a line has not crossed it.
    """

    def __init__(self, lines: Sequence[CountLine]) -> None:
        self._lines = [np.array(line, np.float64) for line in lines]

    def crossed_by(self, track: Track, size_px: tuple[int, int]) -> tuple[int, ...]:
        """Return the crossings between the first and the last place of `track`.

        `size_px` is the width and height of the picture.
        """
        return self._crossed([*(place.centre for place in track.path), centre(track.box)], size_px)

    def crossed_between(
        self, before: Track, after: Track, size_px: tuple[int, int]
    ) -> tuple[int, ...]:
        """Return the crossings between the last place of `before` and the first of `after`.

        The track `after` continues `before`.
        """
        return self._crossed([centre(before.box), centre(after.first_box)], size_px)

    def _crossed(self, places_px: Sequence[Floats], size_px: tuple[int, int]) -> tuple[int, ...]:
        if not self._lines:
            return ()
        path = np.array(places_px, np.float64) / np.array(size_px, np.float64)
        return net_crossings(
            number * _crossings(path, line) for number, line in enumerate(self._lines, start=1)
        )


def net_crossings(crossed: Iterable[int]) -> tuple[int, ...]:
    """Return the crossings of a whole path, from those of its parts."""
    net: Counter[int] = Counter()
    for line in crossed:
        net[abs(line)] += (line > 0) - (line < 0)
    return tuple(line if ways > 0 else -line for line, ways in sorted(net.items()) if ways)


def direction_of(track: Track) -> Direction:
    """Return the direction from the growth and the movement of the box.

    It is empty if the track is too short. Cameras look down on the road, so a vehicle that moves
    down in the picture comes nearer.
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
    """Return 1, 0 or -1: how often the path of (n, 2) points crosses the line from its left, less
    how often it crosses back.

    Loops around the end of the line may give more, of which only the sign counts.
    """
    begin, end = line
    side = np.sign(_turn(end - begin, path - begin))
    own, after = path[:-1], path[1:]
    starts, ends = np.sign(_turn(after - own, begin - own)), np.sign(_turn(after - own, end - own))
    changes = (np.where(side[1:] > 0, 1, -1) - np.where(side[:-1] > 0, 1, -1)) // 2
    return int(np.sign(np.sum(changes[starts * ends <= 0])))


def _turn(along: Points, to: Points) -> Points:
    """Return a positive number where `to` lies to the right of `along` in the picture.

    The y axis of a picture points downwards.
    """
    turn: Points = along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]
    return turn
