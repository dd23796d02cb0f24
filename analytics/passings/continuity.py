"""Decides whether a track continues an earlier one in place and time, after the same plate was
missed for a while. Pure.

The detector may miss a small plate for longer than a track lives. Each end of the gap has a course:
a place, a velocity and a size, fitted to `COURSE_NS` of the track. The later track continues the
earlier one where it lies within half of the least distance between two vehicles of the place that
both courses predict.

The predicted displacement uses the geometric mean of the two speeds. It is exact for a vehicle at
constant speed that comes straight toward the camera or goes straight away from it: with the time to
contact T its place and size grow as 1/T, its speed in the picture as 1/T². For constant speed
across the picture both means agree. A vehicle that follows on the same way falls short of that
place by its time headway, however far apart the two tracks are.

A single detection has a size but no velocity. The same geometry gives its speed from the ratio of
the two sizes, so that the geometric mean is the speed of the track times that ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.detection.detections import Floats
from analytics.tracking.tracker import (
    COURSE_NS,
    MAX_OFF_COURSE,
    Track,
    TrackPosition,
    centre,
    size_px,
)
from domain.clock import NS_PER_MS, NS_PER_S

MIN_COURSE_NS = 150 * NS_PER_MS
"""The course of a shorter track does not predict a second ahead."""
MAX_SIZE_LOG = math.log(1.25)
"""How far the size may lie outside the range of the courses. The sides of small plates are found
with an error of a tenth.
"""

MAX_STANDING_SPEED, MAX_STANDING_GROWTH = 0.5, 0.5
"""A vehicle that stands moves by less than so many of its lengths a second, and its logarithmic
size changes by less. At 10 km/h, 15 m from a camera 6 m high, a plate moves by 2.5 lengths a
second; the course of a standing one has an error of 0.2.
"""


@dataclass(frozen=True, slots=True)
class Course:
    """A straight line fitted to some places of a track, at the middle of their times."""

    at_ns: int
    centre: Floats
    velocity_px_s: Floats
    log_size: float
    growth_per_s: float
    """The change of `log_size`."""

    @property
    def speed_px_s(self) -> float:
        return float(np.hypot(*self.velocity_px_s))


def has_course(track: Track) -> bool:
    """Return whether the track is so long that its first course no longer changes."""
    return track.path[-1].wall_ns - track.first_ns >= COURSE_NS


def continues_in_place(track: Track, before: Track, max_gap_ns: int) -> bool:
    """Return whether `track` may show the vehicle of `before`.

    That track ended at most `max_gap_ns` before `track` began.
    """
    if not 0 < track.first_ns - before.last_ns <= max_gap_ns:
        return False
    left, found = _fit(_last(before)), _fit(_first(track.path))
    if left is None or found is None:
        return False
    passed_s = (found.at_ns - left.at_ns) / NS_PER_S
    away_px = float(
        np.hypot(*(found.centre - left.centre - passed_s * _mean_velocity(left, found)))
    )
    return away_px <= MAX_OFF_COURSE * math.exp(found.log_size) and _sizes_agree(
        left, found, passed_s
    )


def stood_at_end(track: Track) -> bool:
    """Return whether the vehicle stood still in its last places. Return False if the track is too
    short to have a course.
    """
    left = _fit(_last(track))
    if left is None:
        return False
    lengths_s = left.speed_px_s / math.exp(left.log_size)
    return lengths_s < MAX_STANDING_SPEED and abs(left.growth_per_s) < MAX_STANDING_GROWTH


def leaves_course(track: Track, box: Floats, wall_ns: int) -> bool:
    """Return whether the box is too far from the predicted place to show the same vehicle.

    Return False if the track is too short to have a course. A vehicle without a text is then not
    a passing yet.
    """
    left = _fit(_last(track))
    if left is None:
        return False
    passed_s = (wall_ns - left.at_ns) / NS_PER_S
    mean_velocity = left.velocity_px_s * np.float32(size_px(box) / math.exp(left.log_size))
    away_px = float(np.hypot(*(centre(box) - left.centre - passed_s * mean_velocity)))
    return away_px > MAX_OFF_COURSE * size_px(box)


def _mean_velocity(left: Course, found: Course) -> Floats:
    """Return the geometric mean of the speeds, in the mean direction.

    It is zero if the two directions are opposite.
    """
    speeds = left.speed_px_s, found.speed_px_s
    if min(speeds) <= 0 or float(left.velocity_px_s @ found.velocity_px_s) <= 0:
        return np.zeros(2, np.float32)
    direction = left.velocity_px_s / speeds[0] + found.velocity_px_s / speeds[1]
    velocity: Floats = (direction / np.hypot(*direction) * math.sqrt(speeds[0] * speeds[1])).astype(
        np.float32
    )
    return velocity


def _sizes_agree(left: Course, found: Course, passed_s: float) -> bool:
    """Return whether the size changed at most as fast as in the faster of the two courses."""
    grown, rates = found.log_size - left.log_size, (0.0, left.growth_per_s, found.growth_per_s)
    return passed_s * min(rates) - MAX_SIZE_LOG <= grown <= passed_s * max(rates) + MAX_SIZE_LOG


def _first(places: Sequence[TrackPosition]) -> list[TrackPosition]:
    """Return the first places that span `COURSE_NS`, or all."""
    spans = (
        number
        for number, place in enumerate(places)
        if abs(place.wall_ns - places[0].wall_ns) >= COURSE_NS
    )
    return list(places[: next(spans, len(places)) + 1])


def _last(track: Track) -> list[TrackPosition]:
    return _first(list(reversed(track.latest)))


def _fit(places: Sequence[TrackPosition]) -> Course | None:
    """Return the least-squares line, or None if the places span less than `MIN_COURSE_NS`."""
    if abs(places[-1].wall_ns - places[0].wall_ns) < MIN_COURSE_NS:
        return None
    at_ns = sum(place.wall_ns for place in places) // len(places)
    at_s = np.array([(place.wall_ns - at_ns) / NS_PER_S for place in places])
    values = np.array([[*place.centre, math.log(max(place.size_px, 1e-3))] for place in places])
    slope, mean = at_s @ values / (at_s @ at_s), values.mean(axis=0)
    return Course(
        at_ns,
        mean[:2].astype(np.float32),
        slope[:2].astype(np.float32),
        float(mean[2]),
        float(slope[2]),
    )
