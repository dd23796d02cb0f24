"""The vehicles of the benchmark's footage begin at random phases of the groups of pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.checkpoints.footage import (
    EVERY_S,
    FPS,
    IN_VIEW_S,
    LEAST_APART_S,
    SEED,
    Planes,
    _pictures,
    _planes,
    _road,
    empty_frames,
    placed,
    side_by_side,
    traffic_of,
)
from sightline.evaluation.truth import Pass
from tests.ingest.conftest import make_video

VEHICLES = 24
GROUP_S = 2.0


def test_vehicles_begin_anywhere_in_a_group_and_some_follow_closely() -> None:
    empty = empty_frames(VEHICLES, SEED)
    assert sum(empty) == round(VEHICLES * (EVERY_S - IN_VIEW_S) * FPS)
    assert min(empty) >= LEAST_APART_S * FPS
    assert sum(frames < FPS for frames in empty) >= VEHICLES // 6
    passes = [Pass(plate=f"{at}", enter_s=9, leave_s=12) for at in range(VEHICLES)]
    eighths = Counter(int(8 * one.enter_s / GROUP_S) % 8 for one in placed(passes, empty))
    assert len(eighths) == 8
    assert 2 <= min(eighths.values()) <= max(eighths.values()) <= 4


def test_each_vehicle_is_in_view_after_its_empty_road() -> None:
    passes = [Pass(plate=name, enter_s=9, leave_s=12) for name in ("a", "b")]
    first, second = placed(passes, [25, 50])
    assert (first.plate, first.enter_s, first.leave_s) == ("a", 1.0, 2.52)
    assert second.plate == "b"
    assert second.enter_s == pytest.approx(4.52)


def test_two_lanes_show_vehicles_together_by_chance() -> None:
    passes = [Pass(plate=f"{at}", enter_s=9, leave_s=12) for at in range(VEHICLES // 2)]
    lanes = [placed(*traffic) for traffic in traffic_of(passes, 2)]
    assert lanes[0][-1].leave_s == pytest.approx(lanes[1][-1].leave_s) == VEHICLES * EVERY_S
    together = [
        one
        for one in lanes[0]
        if any(one.enter_s < other.leave_s and other.enter_s < one.leave_s for other in lanes[1])
    ]
    assert 3 <= len(together) <= 9
    by_plate = [{one.plate: one.enter_s for one in lane} for lane in lanes]
    assert all(abs(by_plate[0][one.plate] - by_plate[1][one.plate]) > 15 for one in passes)


def test_two_lanes_show_the_middles_of_two_pictures() -> None:
    left, right = (
        _planes(
            av.VideoFrame.from_ndarray(
                np.tile(np.arange(64, dtype=np.uint8)[None, :, None] + level, (32, 1, 3)), "rgb24"
            )
        )
        for level in (0, 100)
    )
    shown = _colours(side_by_side(left, right))
    assert np.abs(shown[:, 2:30] - _colours(left)[:, 18:46]).max() <= 2
    assert np.abs(shown[:, 34:62] - _colours(right)[:, 18:46]).max() <= 2


def _colours(planes: Planes) -> NDArray[np.int32]:
    rgb = av.VideoFrame.from_ndarray(planes, "yuv420p").to_ndarray(format="rgb24")
    return np.asarray(rgb, np.int32)


def test_the_truth_ends_with_the_pictures(tmp_path: Path) -> None:
    """A difference of half a frame for each vehicle adds up, and again with each repetition."""
    video = make_video(tmp_path / "file.mp4", "h264", 125)
    passes = [Pass(plate="a", enter_s=0, leave_s=1.6), Pass(plate="b", enter_s=3, leave_s=4.8)]
    empty = [25, 10, 12, 30]
    for shown in (2 * passes, [*passes[::-1], *passes]):
        pictures = list(_pictures(video, shown, _road(video, passes), empty))
        assert len(pictures) == pytest.approx(FPS * placed(shown, empty)[-1].leave_s)
