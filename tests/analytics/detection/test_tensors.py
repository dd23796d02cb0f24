"""Tensors hold what the picture does, whatever was in their memory before and however many are
made together.
"""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from analytics.detection.tensors import tensor_of
from tests.waiting import PATIENCE_S

LESS = (104.0, 117.0, 123.0)


@pytest.mark.parametrize("red_first", [False, True])
def test_a_tensor_is_what_opencv_makes_of_the_picture(red_first: bool) -> None:
    drawn = np.random.default_rng(3)
    for high, wide in [(64, 96), (544, 960), (32, 32), (320, 512)]:
        picture = drawn.integers(0, 256, (high, wide, 3), dtype=np.uint8)
        less = LESS[::-1] if red_first else LESS
        with tensor_of(picture, LESS, red_first) as tensor:
            assert tensor.dtype == np.float32
            assert np.array_equal(
                tensor, cv2.dnn.blobFromImage(picture, 1.0, mean=less, swapRB=red_first)
            )


def test_two_at_once_share_no_memory() -> None:
    both, seen = threading.Barrier(2), dict[int, bool]()

    def make(level: int) -> None:
        with tensor_of(np.full((32, 32, 3), level, np.uint8)) as tensor:
            both.wait(PATIENCE_S)
            seen[level] = bool((tensor == level).all())
            both.wait(PATIENCE_S)

    threads = [threading.Thread(target=make, args=(level,)) for level in (10, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {10: True, 200: True}
