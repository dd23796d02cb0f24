"""Pictures with coverage, laid into frames at any scale and place without jitter."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike


class Sprite:
    """A BGRA picture with an anchor (x, y) in its own pixels; halved copies keep small drawings
    smooth.
    """

    def __init__(self, bgra: MatLike, anchor: tuple[float, float]) -> None:
        self.anchor = anchor
        premultiplied = bgra.astype(np.float32)
        premultiplied[:, :, :3] *= premultiplied[:, :, 3:] / 255
        self._levels: list[MatLike] = [premultiplied.astype(np.uint8)]
        while min(self._levels[-1].shape[:2]) > 64:
            self._levels.append(
                cv2.resize(self._levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            )

    def paste(self, frame: MatLike, x: float, y: float, scale: float) -> None:
        """Lay it into `frame` (BGR, changed in place) with the anchor at (x, y); what falls
        outside is left out.
        """
        level = min(len(self._levels) - 1, max(0, int(np.floor(-np.log2(max(scale, 1e-6))))))
        picture, zoom = self._levels[level], scale * 2**level
        left, top = x - self.anchor[0] * scale, y - self.anchor[1] * scale
        x0, y0 = max(0, int(left)), max(0, int(top))
        x1 = min(frame.shape[1], int(left + picture.shape[1] * zoom) + 1)
        y1 = min(frame.shape[0], int(top + picture.shape[0] * zoom) + 1)
        if x1 <= x0 or y1 <= y0:
            return
        matrix = np.array([[zoom, 0, left - x0], [0, zoom, top - y0]], np.float64)
        drawn = cv2.warpAffine(picture, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        region = frame[y0:y1, x0:x1]
        behind = cv2.multiply(
            region, cv2.cvtColor(255 - drawn[:, :, 3], cv2.COLOR_GRAY2BGR), scale=1 / 255
        )
        cv2.add(behind, drawn[:, :, :3], dst=region)


def shadow(width_px: int, height_px: int, darkness: int) -> Sprite:
    """A soft dark ellipse, anchored at its middle."""
    bgra = np.zeros((height_px * 2, width_px * 2, 4), np.uint8)
    cv2.ellipse(
        bgra,
        (width_px, height_px),
        (round(width_px * 0.72), round(height_px * 0.6)),
        0,
        0,
        360,
        (0, 0, 0, darkness),
        -1,
        cv2.LINE_AA,
    )
    blurred = cv2.GaussianBlur(bgra, (0, 0), height_px / 6)
    return Sprite(blurred, (width_px, height_px))
