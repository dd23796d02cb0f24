"""Two rows laid side by side."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.detection.two_rows import UPPER_ROW_WIDTH, is_two_rows, unroll


def test_the_upper_row_comes_left_and_the_lower_right() -> None:
    crop = np.zeros((100, 200, 3), np.uint8)
    crop[:30] = 200
    crop[45:] = 90
    flat = unroll(crop, 128, 32)
    edge = round(128 * UPPER_ROW_WIDTH)
    assert flat.shape == (32, 128, 3)
    assert (flat[:20, : edge - 1] == 200).all()
    assert (flat[10:, edge + 1 :] == 90).all()


def test_a_crop_of_one_pixel_is_no_error() -> None:
    assert unroll(np.zeros((1, 1, 3), np.uint8), 128, 32).shape == (32, 128, 3)


@pytest.mark.parametrize(
    ("wide_px", "high_px", "two"),
    [(440, 140, False), (480, 140, False), (440, 220, True), (350, 140, False)],
)
def test_rows_are_distinguished_by_the_proportions(
    wide_px: float, high_px: float, two: bool
) -> None:
    corners = np.array([[0, 0], [wide_px, 10], [wide_px, high_px + 10], [0, high_px]], np.float32)
    assert is_two_rows(corners) is two
