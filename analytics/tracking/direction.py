"""Which way a track went, in the picture's terms: by how its box grew and where it moved. Pure."""

from __future__ import annotations

import math

import numpy as np

from analytics.tracking.tracker import Track
from domain.events.event import Direction

NEARER = math.log(1.25)
"""What comes a quarter nearer comes towards the camera, however far it goes aside meanwhile."""
ASIDE = 1.0
"""Lengths of its box: less is the jitter of a box, or a vehicle that stands."""
_ENDS = 3
"""Places at either end of its path that are averaged: one box is a fifth too large or too small
now and then.
"""


def direction_of(track: Track) -> Direction:
    """Empty where it did not go far enough to tell. Cameras look down on the road, so that what
    moves down comes nearer.
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
