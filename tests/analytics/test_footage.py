"""The real footage, where it is: at fewer looks a second than in use, to keep the tests quick."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics.models import Models
from benchmarks.passings import compare, run
from domain.registry.model import Checkpoint
from domain.settings import Settings


@pytest.mark.parametrize(("name", "kind", "fps", "passings"), [("plates", "plate", 5.0, 12), ("faces", "face", 5.0, 6)])
def test_each_passing_is_one_event(
    models: Models, settings: Settings, data: Path, name: str, kind: Checkpoint, fps: float, passings: int
) -> None:
    truth = json.loads((data / f"checkpoint-{name}.json").read_text("utf-8"))["passes"]
    outcome = compare(run(data / f"checkpoint-{name}.mp4", kind, fps, settings, models), truth)
    assert (outcome["passings"], outcome["found"], outcome["doubled"], outcome["false"]) == (passings, passings, 0, 0), outcome
    if kind == "plate":
        assert int(str(outcome["plates_right"])) >= 11, outcome["wrong"]
        assert int(str(outcome["colours_right"])) >= 11, outcome
