"""The figures of live video: percentiles, and what a further viewer costs."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from benchmarks import live
from benchmarks.processes import Cost


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 6), (0.95, 10), (1.0, 10)])
def test_a_percentile(part: float, value: float) -> None:
    assert live.percentile([3, 1, 2, 5, 4, 6, 7, 8, 10, 9], part) == value


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        live.percentile([], 0.5)


def test_the_cost_of_a_viewer_is_that_of_the_further_ones() -> None:
    few, many = Cost(1.0, 100, 60), Cost(4.0, 400, 360)
    assert live.cost_of_viewer(few, many, further=3) == Cost(1.0, 100, 100)


def test_the_film_has_the_stated_rate_and_keyframes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FILM_S", 6)
    file = live.film(tmp_path / "film.mp4")
    with av.open(str(file)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    keyframes = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert keyframes == [0, 50, 100]
    bits_per_s = 8 * sum(packet.size for packet in packets) / 6
    assert bits_per_s == pytest.approx(live.BITS_PER_S, rel=0.3)
