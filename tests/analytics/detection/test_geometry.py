from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detection.detections import Detections, Floats
from analytics.detection.geometry import clip, iou, nms

_side = st.floats(0, 500, width=32)
_boxes = st.lists(st.tuples(_side, _side, _side, _side), min_size=1, max_size=12).map(
    lambda rows: np.array([[x, y, x + w, y + h] for x, y, w, h in rows], np.float32)
)


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),  # they touch
        ((0, 0, 10, 10), (2, 2, 4, 4), 0.04),  # one inside the other
        ((3, 3, 3, 3), (3, 3, 3, 3), 0.0),  # no area
        ((5, 5, 0, 0), (0, 0, 5, 5), 0.0),  # inside out
    ],
)
def test_iou(a: tuple[float, ...], b: tuple[float, ...], want: float) -> None:
    got = iou(np.array([a], np.float32), np.array([b], np.float32))
    assert got[0, 0] == pytest.approx(want, abs=1e-5)


@given(_boxes)
def test_iou_is_symmetric_and_within_its_range(boxes: Floats) -> None:
    got = iou(boxes, boxes)
    assert np.allclose(got, got.T)
    assert got.min() >= 0
    assert got.max() <= 1 + 1e-5


@given(_boxes, st.randoms(use_true_random=False))
def test_nms_keeps_the_best_of_every_clash(boxes: Floats, random: st.DataObject) -> None:
    score = np.array([random.random() for _ in boxes], np.float32)  # type: ignore[attr-defined]
    kept = nms(boxes, score, iou_most=0.4)
    assert kept[0] == np.argmax(score)
    assert (iou(boxes[kept], boxes[kept]) - np.eye(len(kept)) < 0.4 + 1e-5).all()
    for lost in set(range(len(boxes))) - set(kept.tolist()):
        assert any(
            score[other] >= score[lost] and iou(boxes[[lost]], boxes[[other]])[0, 0] > 0.4
            for other in kept
        )


def test_nms_drops_a_box_within_a_better_one() -> None:
    boxes = np.array([[0, 0, 100, 30], [60, 5, 95, 25]], np.float32)
    score = np.array([0.9, 0.8], np.float32)
    assert nms(boxes, score, iou_most=0.4).tolist() == [0, 1]
    assert nms(boxes, score, iou_most=0.4, inside_most=0.3).tolist() == [0]


def test_clip_keeps_boxes_in_the_picture() -> None:
    assert clip(np.array([[-5, 3, 700, 900]], np.float32), 640, 360).tolist() == [[0, 3, 640, 360]]


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 4), (3,), (2, 4, 2)),
        ((2, 5), (2,), (2, 4, 2)),
        ((2, 4), (2,), (2, 8)),
        ((2, 4), (2,), (1, 4, 2)),
    ],
)
def test_detections_refuse_arrays_that_do_not_belong_together(
    shapes: tuple[tuple[int, ...], ...],
) -> None:
    xyxy, score, points = (np.zeros(shape, np.float32) for shape in shapes)
    with pytest.raises(ValueError, match=r"boxes|points"):
        Detections(xyxy, score, points)
