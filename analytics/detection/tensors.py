"""Makes the input tensors of models from pictures, in memory that is reused. To allocate megabytes
takes more time than to write them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from analytics.detection.detections import Floats, Picture

_spare: deque[Floats] = deque()
"""The buffers that are not in use, each as large as its largest tensor."""


@contextmanager
def tensor_of(
    picture: Picture, less: Sequence[float] = (0.0, 0.0, 0.0), red_first: bool = False
) -> Iterator[Floats]:
    """Yield a tensor (1, 3, height, width) of the planes blue, green and red, minus `less`.

    It is valid until the end of the context. Any thread may call this.
    """
    memory = _buffer(picture.size)
    try:
        tensor = memory[: picture.size].reshape(1, 3, *picture.shape[:2])
        for at, plane in enumerate(cv2.split(picture)):
            cv2.subtract(
                plane, less[at], dst=tensor[0, 2 - at if red_first else at], dtype=cv2.CV_32F
            )  # type: ignore[call-overload]  # OpenCV's types know no number as second operand
        yield tensor
    finally:
        _spare.append(memory)


def _buffer(size: int) -> Floats:
    try:
        memory = _spare.pop()
    except IndexError:
        memory = np.empty(0, np.float32)
    return memory if memory.size >= size else np.empty(size, np.float32)
