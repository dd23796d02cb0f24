"""Joins the detections of successive frames into tracks. Pure.

Tracks are joined by time, not by frame count, so that the rate of looks may vary. The expected
place of a track follows from constant velocity. A detection may continue the track if it lies near
that place, measured in the size of the box, and has about the same size. Plates are small and move
several times their width between looks, so overlap alone would lose them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from analytics.detection.detections import Detections, Floats
from domain.clock import NS_PER_MS, NS_PER_S

MAX_PATH = 32
COURSE_NS = 400 * NS_PER_MS
"""A course is fitted to so much of a track. At ten looks a second, a pixel of jitter changes the
velocity by 3 px/s.
"""
STEADY_MS = 300
MIN_TURN_LOG = math.log(1.2)
MAX_OFF_COURSE = 0.75
"""In lengths of the box. The plates of two vehicles bumper to bumper, seen from far and low, are
one and a half apart.
"""
RELATIVE_SPREAD, ALWAYS_SAME = 0.25, 1.5
"""In sizes of the other track: how far a mark on the same vehicle may move relative to it, and
within which distance it is always the same vehicle. A plate is 0.44 m wide, and no other vehicle's
plate comes within 0.66 m of it.
"""


@dataclass(frozen=True, slots=True)
class AssociationGate:
    """Limits within which a detection may continue a track."""

    reach: float
    """The distance from the expected place, in lengths of the box's longer side. It grows by
    `reach_per_s` a second.
    """
    reach_per_s: float
    growth: float
    """The largest ratio of the sizes of two successive boxes. It grows by the factor
    `growth_per_s` a second.
    """
    growth_per_s: float
    lost_ms: int
    """A track ends if no detection continued it for this long."""
    unseen_ms: int = 2000
    """After a time without looks, a detection may continue a track for at most this long."""


@dataclass(frozen=True, slots=True)
class TrackPosition:
    """The centre of a track and the longer side of its box, at one time."""

    wall_ns: int
    centre: Floats
    size_px: float


@dataclass(slots=True)
class Track:
    """One plate or one face over successive frames.

    Times are UTC nanoseconds, boxes are `xyxy` in pixels.
    """

    number: int
    first_ns: int
    first_box: Floats
    last_ns: int
    box: Floats
    score: float
    points: Floats
    detections: int = 1
    looks: int = 1
    """The number of looks from its first detection to its last."""
    score_mass: float = 0.0
    score_best: float = 0.0
    travel: float = 0.0
    """The largest distance of its centre from its first place, in lengths of its box's longer
    side.
    """
    growth: float = 1.0
    """The ratio of its largest size to its smallest."""
    moved_ns: int = 0
    """The last time at which it had moved by a fifth of its size."""
    path: list[TrackPosition] = field(default_factory=list)
    """At most `MAX_PATH` places, evenly spread over its time."""
    latest: list[TrackPosition] = field(default_factory=list)
    """The places of its last looks, which span `COURSE_NS` if it is that old."""
    velocity: Floats = field(default_factory=lambda: np.zeros(2, np.float32))
    _missed: int = 0
    """The number of looks since its last detection."""
    _path_gap_ns: int = 90 * NS_PER_MS
    _anchor: Floats = field(default_factory=lambda: np.zeros(4, np.float32))
    _sizes_px: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self.score_mass = self.score_best = self.score
        self.moved_ns = self.first_ns
        self._anchor = self.box
        self._sizes_px = (size_px(self.box), size_px(self.box))
        self.path.append(TrackPosition(self.first_ns, centre(self.box), size_px(self.box)))
        self._note_latest()

    @property
    def duration_ms(self) -> int:
        return (self.last_ns - self.first_ns) // NS_PER_MS

    @property
    def score_mean(self) -> float:
        return self.score_mass / self.detections

    @property
    def is_lost(self) -> bool:
        """Whether the last look did not find it."""
        return self._missed > 0

    @property
    def is_missed_again(self) -> bool:
        """Whether at least the last two looks did not find it."""
        return self._missed > 1

    @property
    def is_steady(self) -> bool:
        """Whether every look found it for a while.

        At two or three looks a second there are few in a passing.
        """
        return self.detections == self.looks > 1 and self.duration_ms >= STEADY_MS

    def reverses_growth(self, box: Floats) -> bool:
        """Return whether `box` would reverse the change of its size.

        An object that comes nearer does not move away immediately afterwards.
        """
        before, after = (
            math.log(max(size_px(b), 1e-3) / max(size_px(a), 1e-3))
            for a, b in ((self.first_box, self.box), (self.box, box))
        )
        return before * after < 0 and min(abs(before), abs(after)) > MIN_TURN_LOG

    def is_off_course(self, box: Floats, wall_ns: int) -> bool:
        """Return whether `box` is too far from the expected place to be the same object.

        Neither braking nor an inexact detection explains such a distance.
        """
        return _distance(centre(box), self.expected_centre(wall_ns)) > MAX_OFF_COURSE * max(
            size_px(box), size_px(self.box)
        )

    def expected_centre(self, wall_ns: int) -> Floats:
        place: Floats = centre(self.box) + self.velocity * np.float32(
            (wall_ns - self.last_ns) / NS_PER_S
        )
        return place

    def extend(self, wall_ns: int, box: Floats, score: float, points: Floats) -> None:
        passed_s = max((wall_ns - self.last_ns) / NS_PER_S, 1e-3)
        measured = (centre(box) - centre(self.box)) / np.float32(passed_s)
        # The new velocity counts half, because the corners of small plates jitter by pixels, and
        # the speed of a vehicle changes slowly.
        weight = np.float32(1.0 if self.detections == 1 else 0.5)
        self.velocity = (np.float32(1) - weight) * self.velocity + weight * measured
        self.last_ns, self.box, self.score, self.points = wall_ns, box, score, points
        self.detections += 1
        self.looks, self._missed = self.looks + self._missed + 1, 0
        self.score_mass += score
        self.score_best = max(self.score_best, score)
        self._note_movement()
        self._note_latest()

    def mark_missed(self) -> None:
        """Note that a look did not find it."""
        self._missed += 1

    def mark_still(self, wall_ns: int) -> None:
        """Note that it is still in its place, because nothing in the picture moved."""
        self.last_ns = wall_ns
        self.velocity = np.zeros(2, np.float32)
        self._note_latest()

    def _note_latest(self) -> None:
        self.latest.append(TrackPosition(self.last_ns, centre(self.box), size_px(self.box)))
        while len(self.latest) > 2 and self.last_ns - self.latest[1].wall_ns >= COURSE_NS:
            del self.latest[0]

    def _note_movement(self) -> None:
        size = size_px(self.box)
        self._sizes_px = (min(self._sizes_px[0], size), max(self._sizes_px[1], size))
        self.growth = self._sizes_px[1] / max(self._sizes_px[0], 1e-3)
        self.travel = max(
            self.travel, _distance(centre(self.box), centre(self.first_box)) / max(size, 1e-3)
        )
        grew = size / max(size_px(self._anchor), 1e-3)
        if _distance(centre(self.box), centre(self._anchor)) > 0.2 * size or not 0.83 < grew < 1.2:
            self._anchor, self.moved_ns = self.box, self.last_ns
        if self.last_ns - self.path[-1].wall_ns >= self._path_gap_ns:
            self.path.append(TrackPosition(self.last_ns, centre(self.box), size))
        if len(self.path) > MAX_PATH:
            del self.path[1::2]
            self._path_gap_ns *= 2


class Tracker:
    def __init__(self, gate: AssociationGate) -> None:
        self._gate = gate
        self._tracks: list[Track] = []
        self._next_number = 0
        self._last_look_ns = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks that have not ended, including lost ones, oldest first."""
        return tuple(self._tracks)

    def update(
        self,
        found: Detections,
        wall_ns: int,
        is_another: Callable[[Track, int], bool] = lambda track, at: False,
    ) -> list[Track]:
        """Continue and start tracks by the detections of one frame.

        Return the tracks that were continued or started, in the order of `found`. `is_another` is
        called with a track and the number of a detection that could continue it. It returns
        whether they show different subjects.
        """
        free_tracks, free_found = set(range(len(self._tracks))), set(range(len(found)))
        touched: dict[int, Track] = {}
        for _, track_at, found_at in sorted(self._pairs(found, wall_ns)):
            if (
                track_at in free_tracks
                and found_at in free_found
                and not is_another(self._tracks[track_at], found_at)
            ):
                free_tracks.discard(track_at)
                free_found.discard(found_at)
                track = touched[found_at] = self._tracks[track_at]
                track.extend(
                    wall_ns,
                    found.xyxy[found_at],
                    float(found.score[found_at]),
                    found.points[found_at],
                )
        for track_at in free_tracks:
            self._tracks[track_at].mark_missed()
        for found_at in sorted(free_found):
            touched[found_at] = self._start(found, found_at, wall_ns)
        self._last_look_ns = wall_ns
        return [touched[found_at] for found_at in sorted(touched)]

    def continues_all(self, found: Detections, wall_ns: int) -> bool:
        """Return whether each track has a detection that may continue it."""
        return {track_at for _, track_at, _ in self._pairs(found, wall_ns)} == set(
            range(len(self._tracks))
        )

    def mark_still(self, wall_ns: int, seen_ns: int) -> None:
        """Note that the picture has not changed since the look at `seen_ns`.

        The tracks found then are still there, and the others are still missed.
        """
        for track in self._tracks:
            if track.last_ns >= seen_ns:
                track.mark_still(wall_ns)
            else:
                track.mark_missed()

    def remove_ended(self, wall_ns: int) -> list[Track]:
        """Remove and return the tracks that no detection continued for `lost_ms`."""
        lost_ns = self._gate.lost_ms * NS_PER_MS
        gone = [track for track in self._tracks if wall_ns - track.last_ns >= lost_ns]
        self._tracks = [track for track in self._tracks if wall_ns - track.last_ns < lost_ns]
        return gone

    def close(self) -> list[Track]:
        gone, self._tracks = self._tracks, []
        return gone

    def _start(self, found: Detections, at: int, wall_ns: int) -> Track:
        box = found.xyxy[at]
        track = Track(
            self._next_number, wall_ns, box, wall_ns, box, float(found.score[at]), found.points[at]
        )
        self._next_number += 1
        self._tracks.append(track)
        return track

    def _pairs(self, found: Detections, wall_ns: int) -> list[tuple[float, int, int]]:
        """Return every (cost, track, detection) within the gate.

        The cost is the distance in lengths of the box plus the logarithm of the change of size.
        """
        pairs: list[tuple[float, int, int]] = []
        for track_at, track in enumerate(self._tracks):
            if self._is_over(track, wall_ns):
                continue
            for found_at in range(len(found)):
                cost = self._cost(track, found.xyxy[found_at], wall_ns)
                if cost is not None:
                    pairs.append((cost, track_at, found_at))
        return pairs

    def _is_over(self, track: Track, wall_ns: int) -> bool:
        """Return whether no detection may continue the track any more.

        Either looks did not find it, or there were no looks for so long that it may be anywhere.
        """
        missed = track.last_ns < self._last_look_ns
        return (
            wall_ns - track.last_ns
            >= (self._gate.lost_ms if missed else self._gate.unseen_ms) * NS_PER_MS
        )

    def _cost(self, track: Track, box: Floats, wall_ns: int) -> float | None:
        size = max(size_px(box), size_px(track.box))
        change = size / max(min(size_px(box), size_px(track.box)), 1e-3)
        # The last place counts as well as the expected one, because vehicles brake.
        away_px = min(
            _distance(centre(box), track.expected_centre(wall_ns)),
            _distance(centre(box), centre(track.box)) * 1.25,
        )
        passed_s = (wall_ns - track.last_ns) / NS_PER_S
        reach = self._gate.reach + self._gate.reach_per_s * passed_s
        if away_px / size > reach or change > self._gate.growth * self._gate.growth_per_s**passed_s:
            return None
        return away_px / size + math.log(change)


def moves_with(track: Track, other: Track) -> bool:
    """Return whether `track` kept its place relative to `other` while both were seen.

    Distances are in sizes of `other`. Two marks on one vehicle keep their places. Two vehicles do
    not, because one is nearer to the camera or faster. Large marks move more, because they are
    found less exactly. The result is False if both were hardly seen together.
    """
    at = {place.wall_ns: place for place in other.path}
    pairs = [(place, at[place.wall_ns]) for place in track.path if place.wall_ns in at]
    if len(pairs) < 3:
        return False
    offsets = np.stack(
        [
            (place.centre - base.centre) / np.float32(max(base.size_px, 1e-3))
            for place, base in pairs
        ]
    )
    away = np.hypot(offsets[:, 0], offsets[:, 1])
    spread = np.hypot(*(offsets.max(axis=0) - offsets.min(axis=0)))
    larger = float(np.mean([place.size_px / max(base.size_px, 1e-3) for place, base in pairs]))
    return bool(
        away.max() < ALWAYS_SAME or spread < RELATIVE_SPREAD * max(1.0, float(away.mean()), larger)
    )


def centre(box: Floats) -> Floats:
    middle: Floats = (box[:2] + box[2:]) / np.float32(2)
    return middle


def size_px(box: Floats) -> float:
    return float(max(box[2] - box[0], box[3] - box[1]))


def _distance(a: Floats, b: Floats) -> float:
    return float(np.hypot(*(a - b)))
