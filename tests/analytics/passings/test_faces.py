"""Passings of faces: scripted boxes in pictures in which something moves."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.analyser import CheckpointAnalyser
from analytics.detection.detections import Detections, Picture
from analytics.passings.faces import Faces
from analytics.passings.vehicles import Vehicles
from analytics.plates.fusion import Fusion
from analytics.plates.grammar_search import GrammarSearch
from domain.events.event import Passing
from tests.analytics.drawn import (
    FULL,
    GONE,
    Box,
    MakeCamera,
    MakeFound,
    MakeFrame,
    Street,
    approach,
    draw,
)


class DrawnFaces:
    """Scripted faces: boxes of the next look."""

    def __init__(self, make_found: MakeFound) -> None:
        self._make_found = make_found
        self.next: list[Box] = []
        self.threshold = 0.5
        self.score = 0.9
        # so small that looking closely would save nothing: boxes are those of the whole picture
        self.input_area_px = 1

    def at(self, input_area_px: int) -> DrawnFaces:
        return self

    def detect(self, bgr: Picture) -> Detections:
        found = self._make_found(*self.next, score=self.score)
        return Detections(found.xyxy, found.score, np.repeat(found.points[:, :1], 5, axis=1))


def walk(
    analyser: CheckpointAnalyser,
    faces: DrawnFaces,
    make_frame: MakeFrame,
    from_ms: int,
    looks: list[list[Box]],
) -> list[Passing]:
    out = []
    for n, boxes in enumerate(looks):
        faces.next = boxes
        # Something moves all the while, so that every picture is looked at.
        out += analyser.analyse(
            make_frame(from_ms + 167 * n, draw([(60 + 40 * (n % 2), (300, 180, 200, 100))]))
        )
    return out


def towards(x: float, looks: int = 14) -> list[list[Box]]:
    return [[(x + 3 * n, 100 + 4 * n, 30 * 1.05**n, 36 * 1.05**n)] for n in range(looks)]


def test_two_people_side_by_side_are_two_events_and_again_after_two_seconds(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    faces = DrawnFaces(make_found)
    analyser = CheckpointAnalyser(make_camera(("face",)), [(Faces(faces), 6.0)])
    both = [a + b for a, b in zip(towards(200), towards(330), strict=True)]
    turned = [*both[:5], towards(200)[5], towards(330)[6], *both[7:]]
    out = walk(analyser, faces, make_frame, 0, [*both, *[[]] * 12, *turned, *[[]] * 12])
    assert len({passing.event.id for passing in out}) == len(out) == 4
    assert all(passing.event.plate is None and passing.event.kind == "face" for passing in out)


@pytest.mark.parametrize(
    ("threshold", "score", "events"), [(0.5, 0.65, 1), (0.7, 0.75, 0), (0.7, 0.85, 1)]
)
def test_what_its_detector_is_never_sure_of_is_no_face(
    make_camera: MakeCamera,
    make_found: MakeFound,
    make_frame: MakeFrame,
    threshold: float,
    score: float,
    events: int,
) -> None:
    """Detectors differ in the scores that they give: YuNet's begin where CenterFace's are sure."""
    faces = DrawnFaces(make_found)
    faces.threshold, faces.score = threshold, score
    analyser = CheckpointAnalyser(make_camera(("face",)), [(Faces(faces), 6.0)])
    assert len(walk(analyser, faces, make_frame, 0, [*towards(200), *[[]] * 12])) == events


def test_a_face_goes_on_over_a_restart_by_its_place_alone(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    faces = DrawnFaces(make_found)
    first = CheckpointAnalyser(make_camera(("face",)), [(Faces(faces), 6.0)])
    walk(first, faces, make_frame, 0, towards(200)[:8])
    drafts = first.drafts()
    near, far = (
        CheckpointAnalyser(make_camera(("face",)), [(Faces(faces), 6.0)]) for _ in range(2)
    )
    near.resume(drafts)
    far.resume(drafts)
    assert [
        p.event.id for p in walk(near, faces, make_frame, 3000, [*towards(215), *[[]] * 8])
    ] == [drafts[0].event.id]
    assert [
        p.event.id == drafts[0].event.id
        for p in walk(far, faces, make_frame, 3000, [*towards(500), *[[]] * 8])
    ] == [False]


def test_both_kinds_run_on_one_camera_each_at_its_pace(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    street = Street(make_camera(), make_found, make_frame)
    faces = DrawnFaces(make_found)
    vehicles = Vehicles(street.detector, street.reader, Fusion(GrammarSearch(FULL)))  # type: ignore[arg-type]
    analyser = CheckpointAnalyser(
        make_camera(("plate", "face")), [(vehicles, 10.0), (Faces(faces), 5.0)]
    )
    out = []
    for n, scene in enumerate([*approach(60), *GONE]):
        faces.next = [(500.0 + 2 * n, 100.0, 40.0, 48.0)] if n < 30 else []
        out += analyser.analyse(make_frame(100 * n, draw(scene)))
    assert sorted(passing.event.kind for passing in out) == ["face", "vehicle"]
