"""The analyser of one checkpoint camera: its masks, its pace, and the passings of each kind
that it watches for.
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
from domain.media.packets import Frame
from domain.registry.model import Camera
from domain.settings import Settings
from domain.unread_reasons import Unread

FIRST_IDLE_NS = 250 * NS_PER_MS
"""How long no frame came when `idle` is first called after one."""
_EARLY = 0.8
"""A frame may come this part of the period after the last and still be looked at: frames never
fall exactly on the beat.
"""


class _Paced:
    """The passings of one kind, at its own rate of looks."""

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
        """`subjects`: what to watch for, each with its looks a second."""
        self._masks = Masks(camera.masks)
        self._kinds = [_Paced(Passings(camera, subject), fps) for subject, fps in subjects]
        self._last_frame_ns = 0
        self._idle_since_ns: int | None = None

    def analyse(self, frame: Frame) -> list[Passing]:
        self._last_frame_ns, self._idle_since_ns = frame.wall_ns, None
        due = [kind for kind in self._kinds if kind.is_due(frame.wall_ns)]
        if not due:
            return []
        # Made only for those that want to see them.
        small, shown = (
            cache(lambda: thumbnail(self._masks.apply(frame.pixels.grey))),
            cache(lambda: self._masks.apply(frame.bgr)),
        )
        return [passing for kind in due for passing in kind.passings.look(frame, shown, small)]

    def idle(self, wall_ns: int) -> list[Passing]:
        if not self._last_frame_ns:
            return []
        if self._idle_since_ns is None:
            self._idle_since_ns = wall_ns
        # Frames carry the camera's clock, `wall_ns` is ours: only its course says how long ago the
        # last frame was.
        now_ns = self._last_frame_ns + FIRST_IDLE_NS + max(0, wall_ns - self._idle_since_ns)
        return [passing for kind in self._kinds for passing in kind.passings.pass_time(now_ns)]

    def in_view(self) -> bool:
        return any(kind.passings.in_view() for kind in self._kinds)

    def drafts(self) -> list[Passing]:
        return [draft for kind in self._kinds for draft in kind.passings.drafts()]

    def unread(self) -> tuple[Unread, ...]:
        return tuple(one for kind in self._kinds for one in kind.passings.unread)

    def resume(self, recent: list[Passing]) -> None:
        for kind in self._kinds:
            kind.passings.resume(recent)

    def close(self) -> list[Passing]:
        return [passing for kind in self._kinds for passing in kind.passings.close()]


def make_analyser(camera: Camera, models: Models, settings: Settings) -> Analyser:
    """The analyser of a camera's checkpoint kinds; raises ValueError for a camera that is no
    checkpoint.
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
