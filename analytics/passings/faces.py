"""Faces of people who pass: they are tracked by place alone, and never compared with each other."""

from __future__ import annotations

import numpy as np

from analytics.detection.best_shot import face_quality
from analytics.detection.detections import Detections, Picture
from analytics.detection.face_detector import FaceDetector
from analytics.passings.subjects import Record
from analytics.plates.crop import around
from analytics.tracking.tracker import AssociationGate, Track
from domain.clock import NS_PER_MS
from domain.events.event import Event, Kind

MIN_SIDE_PX = 16
"""A smaller face shows no details, and most false detections are smaller."""
DETECTIONS_LEAST, SCORE_MASS_LEAST = 3, 1.8
SCORE_OVER_THRESHOLD = 0.1
"""The best score of a face is this much above the threshold of its detector. A shirt or a lamp
stays below.
"""
STEADY_SCORE_MEAN_LEAST = 0.7
"""The limit for a track that every look found. Two good detections are enough if there were only
two looks.
"""
RESUME_NS = 5_000 * NS_PER_MS
RESUME_REACH = 3.0
"""How far a person may move while a process restarts, in widths of the face."""


class _LargeFaces:
    """A detector that omits faces that are too small."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self.threshold = detector.threshold

    @property
    def input_area_px(self) -> int:
        return self._detector.input_area_px

    def at(self, input_area_px: int) -> _LargeFaces:
        return _LargeFaces(self._detector.at(input_area_px))

    def detect(self, bgr: Picture) -> Detections:
        found = self._detector.detect(bgr)
        sides = found.xyxy[:, 2:] - found.xyxy[:, :2]
        return found.keep(np.min(sides, axis=1, initial=np.inf) >= MIN_SIDE_PX)


class Faces:
    """Implements `Subject` for faces, which are detected and never identified."""

    kind: Kind = "face"
    gate = AssociationGate(reach=1.0, reach_per_s=2.0, growth=1.6, growth_per_s=1.6, lost_ms=1000)

    def __init__(self, detector: FaceDetector) -> None:
        self.detector = _LargeFaces(detector)

    def quality(self, track: Track, bgr: Picture) -> float:
        face = around(bgr, track.box, 0.0, 0.0)
        return face_quality(
            track.score, track.box, track.points, face, (bgr.shape[1], bgr.shape[0])
        )

    def crop(self, track: Track, bgr: Picture) -> Picture:
        return around(bgr, track.box, 0.4, 0.4)

    def is_another(self, record: Record, found: Detections, bgr: Picture, wall_ns: int) -> bool:
        unseen_ms = (wall_ns - record.track.last_ns) // NS_PER_MS
        return unseen_ms >= self.gate.lost_ms and record.track.reverses_growth(found.xyxy[0])

    def study(self, record: Record, quality: float, bgr: Picture) -> None:
        """Do nothing: nothing is recorded of a person but the passing."""

    def plate(self, record: Record) -> None:
        return None

    def reading(self, record: Record) -> str:
        return ""

    def is_clear(self, record: Record) -> bool:
        return False

    def counts(self, record: Record, clear: list[Track]) -> bool:
        track = record.track
        if track.score_best < self.detector.threshold + SCORE_OVER_THRESHOLD:
            return False
        is_seen_often = (
            track.detections >= DETECTIONS_LEAST and track.score_mass >= SCORE_MASS_LEAST
        )
        return is_seen_often or (track.is_steady and track.score_mean >= STEADY_SCORE_MEAN_LEAST)

    def is_settled(self, record: Record) -> bool:
        """Return False: no reading says that the best picture of a face was already seen."""
        return False

    def why_unread(self, record: Record, clear: list[Track]) -> None:
        return None

    def continues(self, event: Event, before: Event, is_from_earlier_process: bool) -> bool:
        """Return whether a passing continues over a restart of the process, by place alone.

        Two people may walk the same way within seconds, so a track never continues another one.
        """
        if not is_from_earlier_process or event.started_at - before.ended_at > RESUME_NS:
            return False
        a, b = event.box, before.box
        apart = np.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
        return bool(apart <= RESUME_REACH * max(a[2] - a[0], b[2] - b[0]))
