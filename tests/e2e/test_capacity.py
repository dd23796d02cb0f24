"""The capacity benchmark with few cameras loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cameras import Picture, make_stream
from benchmarks.capacity import Plan, measure
from benchmarks.recorders import sightline


@pytest.mark.e2e
@pytest.mark.usefixtures("models_folder")
def test_a_few_cameras_lose_nothing(tmp_path: Path) -> None:
    plan = Plan(Picture(180, 0.2), seconds=3.0, server="simulator", settle_s=6.0)
    run = measure(
        "sightline", sightline, 4, plan, make_stream(tmp_path / "stream.mp4", plan.picture)
    )
    assert run.lost == 0
    assert run.pictures > 4 * 25 * 5
    assert run.processes >= 1
    assert run.cpu_percent_of_a_core > 0
    assert run.resident_mb >= run.proportional_mb > 1
