"""What a viewer on a narrow path saw, by the pictures of its browser."""

from __future__ import annotations

import pytest

from benchmarks.live.film import SMALL_WIDTH_PX, WIDTH_PX
from benchmarks.live.narrow import Shown, frozen_ms, summary


def shown(begin_ms: int, end_ms: int, width_px: int = WIDTH_PX) -> list[Shown]:
    return [(float(at), width_px, 150.0) for at in range(begin_ms, end_ms, 40)]


def test_long_intervals_are_freezes_and_also_the_last_one() -> None:
    assert frozen_ms([0.0, 40.0, 240.0], 280.0) == 0
    assert frozen_ms([0.0, 300.0, 340.0], 840.0) == 800


def test_the_summary_says_when_the_sub_stream_was_shown() -> None:
    pictures = shown(0, 2000) + shown(3000, 10_000, SMALL_WIDTH_PX)
    found = summary(pictures, 10_000.0)
    assert found["substream_after_s"] == 3.0
    assert found["changes"] == 1
    assert found["frozen_percent"] == pytest.approx(10.4, abs=0.1)
    assert found["longest_freeze_s"] == 1.0
    assert found["delay_ms_p95"] == 150


def test_a_viewer_that_stays_with_the_main_stream() -> None:
    found = summary(shown(0, 5000), 5000.0)
    assert (found["substream_after_s"], found["changes"], found["frozen_s"]) == (None, 0, 0.0)
