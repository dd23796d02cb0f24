"""The vehicles of the benchmark's footage begin at random phases of the groups of pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.checkpoints.footage import (
    EVERY_S,
    FPS,
    IN_VIEW_S,
    LEAST_APART_S,
    SEED,
    _pictures,
    _road,
    empty_frames,
    placed,
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


def test_the_truth_ends_with_the_pictures(tmp_path: Path) -> None:
    """A difference of half a frame for each vehicle adds up, and again with each repetition."""
    video = make_video(tmp_path / "file.mp4", "h264", 125)
    passes = [Pass(plate="a", enter_s=0, leave_s=1.6), Pass(plate="b", enter_s=3, leave_s=4.8)]
    empty = [25, 10, 12, 30]
    pictures = list(_pictures(video, passes, _road(video, passes), empty))
    assert len(pictures) == pytest.approx(FPS * placed(2 * passes, empty)[-1].leave_s)
