"""What changed between two thumbnails, and where that lies in the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detection.motion import changed, extent, thumbnail


def _grey(level: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((1080, 1920), level, np.uint8)


@given(st.integers(0, 1800), st.integers(0, 960), st.integers(40, 120), st.integers(-40, 40))
def test_what_changed_lies_in_its_extent_whatever_the_light_does(
    left: int, top: int, side: int, light: int
) -> None:
    before, after = thumbnail(_grey(100)), _grey(100 + light)
    after[top : top + side, left : left + side] = 250
    blocks = changed(before, thumbnail(after))
    assert blocks is not None
    found = extent(blocks, (1920, 1080))
    assert found is not None
    assert np.abs(np.array(found) - (left, top, left + side, min(1080, top + side))).max() <= 24


@pytest.mark.parametrize("light", [-30, 0, 60])
def test_a_change_of_light_alone_changes_nothing(light: int) -> None:
    blocks = changed(thumbnail(_grey(100)), thumbnail(_grey(100 + light)))
    assert blocks is not None
    assert extent(blocks, (1920, 1080)) is None


def test_of_another_size_nothing_can_be_said() -> None:
    assert changed(thumbnail(_grey(100)), thumbnail(_grey(100)[:720, :1280])) is None
