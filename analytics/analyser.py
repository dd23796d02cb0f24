"""The analyser of one checkpoint camera: its masks, its rates of looks, and its passings of each
kind.
"""

from __future__ import annotations

from functools import cache

from analytics.detection.combined_plate_detector import CombinedPlateDetector
from analytics.detection.masks import Masks
from analytics.detection.motion import thumbnail
from analytics.models import Models
from analytics.passings.faces import Faces
from analytics.passings.passings import Passings
from analytics.passings.subjects import Subject
from analytics.passings.vehicles import Vehicles
from analytics.plates.fusion import Fusion
from analytics.plates.grammar_search import GrammarSearch
from domain.clock import NS_PER_MS, NS_PER_S
from domain.events.analyser import Analyser
from domain.events.event import Passing
from domain.media.live_detections import LiveDetection
from domain.media.packets import Frame
from domain.registry.model import Camera
from domain.settings import Settings
from domain.unread_reasons import Unread

FIRST_IDLE_NS = 250 * NS_PER_MS
"""The time since the last frame at the first call of `idle` after it."""
_EARLY = 0.8
"""A frame is due after this part of the period, because frames never arrive exactly at the period.
"""


class _RatedPassings:
    """The passings of one kind with their own rate of looks."""

    def __init__(self, passings: Passings, fps: float) -> None:
        self.passings = passings
        self._least_gap_ns = round(_EARLY * NS_PER_S / fps)
        self._last_ns: int | None = None

    def is_due(self, wall_ns: int) -> bool:
        if self._last_ns is not None and 0 <= wall_ns - self._last_ns < self._least_gap_ns:
            return False
        self._last_ns = wall_ns
        return True


class CheckpointAnalyser:
    """Implements `domain.events.analyser.Analyser`."""

    def __init__(self, camera: Camera, subjects: list[tuple[Subject, float]]) -> None:
        """Analyse frames for each of `subjects`, at its number of looks a second."""
        self._masks = Masks(camera.masks)
        self._kinds = [_RatedPassings(Passings(camera, subject), fps) for subject, fps in subjects]
        self._last_frame_ns = 0
        self._idle_since_ns: int | None = None

    def analyse(self, frame: Frame) -> list[Passing]:
        self._last_frame_ns, self._idle_since_ns = frame.wall_ns, None
        due = [kind for kind in self._kinds if kind.is_due(frame.wall_ns)]
        if not due:
            return []
        # These pictures are made only if a kind uses them.
        thumbnail_of_frame, picture = (
            cache(lambda: thumbnail(self._masks.apply(frame.pixels.grey))),
            cache(lambda: self._masks.apply(frame.bgr)),
        )
        return [
            passing
            for kind in due
            for passing in kind.passings.analyse(frame, picture, thumbnail_of_frame)
        ]

    def idle(self, wall_ns: int, until_ns: int | None = None) -> list[Passing]:
        if not self._last_frame_ns:
            return []
        if self._idle_since_ns is None:
            self._idle_since_ns = wall_ns
        # Frames have the time of the camera's clock, and `wall_ns` is that of ours. Only the
        # difference of two of ours says how long ago the last frame was.
        now_ns = self._last_frame_ns + FIRST_IDLE_NS + max(0, wall_ns - self._idle_since_ns)
        passings = [kind.passings for kind in self._kinds]
        if until_ns is None:
            return [one for each in passings for one in each.pass_time(now_ns)]
        ended_ns = max(self._last_frame_ns, min(now_ns, until_ns))
        ended = [one for each in passings for one in each.pass_time(ended_ns)]
        return ended + [one for each in passings for one in each.publish_unseen(now_ns)]

    def in_view(self) -> bool:
        return any(kind.passings.in_view() for kind in self._kinds)

    def settled(self) -> frozenset[str]:
        found = [kind.passings.settled() for kind in self._kinds if kind.passings.has_tracks()]
        return frozenset[str]().union(*found) if all(found) else frozenset()

    def publish_settled(self, ids: frozenset[str]) -> list[Passing]:
        return [one for kind in self._kinds for one in kind.passings.publish_settled(ids)]

    def stands(self) -> bool:
        return any(kind.passings.stands() for kind in self._kinds)

    def drafts(self) -> list[Passing]:
        return [draft for kind in self._kinds for draft in kind.passings.drafts()]

    def detections(self, wall_ns: int) -> list[LiveDetection]:
        return [one for kind in self._kinds for one in kind.passings.detections(wall_ns)]

    def unread(self) -> tuple[Unread, ...]:
        return tuple(one for kind in self._kinds for one in kind.passings.unread)

    def resume(self, recent: list[Passing]) -> None:
        for kind in self._kinds:
            kind.passings.resume(recent)

    def close(self) -> list[Passing]:
        return [passing for kind in self._kinds for passing in kind.passings.close()]


def make_analyser(camera: Camera, models: Models, settings: Settings) -> Analyser:
    """Return the analyser of a camera's checkpoint kinds.

    Raises ValueError for a camera that is no checkpoint.
    """
    subjects: list[tuple[Subject, float]] = []
    if "plate" in camera.checkpoint:
        fusion = Fusion(GrammarSearch(models.reader.alphabet))
        subjects.append(
            (
                Vehicles(CombinedPlateDetector(models.plates), models.reader, fusion),
                settings.plate_detect_fps,
            )
        )
    if "face" in camera.checkpoint:
        subjects.append((Faces(models.faces), settings.face_detect_fps))
    if not subjects:
        raise ValueError(f"camera {camera.id} is no checkpoint")
    return CheckpointAnalyser(camera, subjects)
