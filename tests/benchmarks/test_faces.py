"""The benchmark of face detectors draws each face at the stated height and place."""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detection.detections import Detections, Picture
from benchmarks.faces import HEIGHTS_PX, SHOWN_PX, recall, shown

BOX = np.array([600, 300, 640, 350], np.float32)


class Finder:
    """A detector that finds bright areas."""

    threshold = 0.5
    input_area_px = SHOWN_PX[0] * SHOWN_PX[1]

    def at(self, input_area_px: int) -> Finder:
        return self

    def detect(self, bgr: Picture) -> Detections:
        left, top, wide, high = cv2.boundingRect((bgr[..., 0] > 150).astype(np.uint8))
        box = np.array([[left, top, left + wide, top + high]], np.float32)
        return Detections(box, np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32))


def frame() -> Picture:
    picture = np.full((720, 1280, 3), 20, np.uint8)
    cv2.rectangle(picture, (600, 300), (639, 349), (250, 250, 250), -1)
    return picture


def test_a_face_is_shown_at_each_height_where_the_truth_has_it() -> None:
    made = list(shown(frame(), BOX, np.random.default_rng(1)))
    assert [one.height for one in made] == ["12 to 20", "20 to 32", "32 to 48", "48 to 80"], (
        "80 px would be made up"
    )
    for one, (least, most) in zip(made, HEIGHTS_PX, strict=False):
        assert least <= one.box[3] - one.box[1] <= most
        found = Finder().detect(one.picture).xyxy[0]
        assert np.allclose(found, one.box, atol=2)


def test_what_is_found_is_counted_by_height_and_kind() -> None:
    result = recall(Finder(), [(frame(), BOX)])
    assert result["found"] == {
        f"{least} to {most}": {"shown": 1, "plain": 1, "dark": 0, "compressed": 1}
        for least, most in HEIGHTS_PX[:4]
    }
