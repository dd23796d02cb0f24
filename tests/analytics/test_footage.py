"""The real footage, where it is: at fewer looks a second than in use, to keep the tests quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.registry.model import Camera, Checkpoint
from domain.settings import Settings
from sightline.evaluation.film import Look, run
from sightline.evaluation.truth import compare, read_truth


@pytest.mark.parametrize(("name", "kind", "fps", "passings"), [("plates", "plate", 5.0, 12), ("faces", "face", 5.0, 6)])
def test_each_passing_is_one_event(
    models: Models, settings: Settings, footage: Path, name: str, kind: Checkpoint, fps: float, passings: int
) -> None:
    done = run(footage / f"checkpoint-{name}.mp4", Look(kind, fps), settings, models)
    outcome = compare(done, read_truth(footage / f"checkpoint-{name}.json"))
    assert (outcome["passings"], outcome["found"], outcome["doubled"], outcome["false"]) == (passings, passings, 0, 0), outcome
    if kind == "plate":
        assert int(str(outcome["plates_right"])) >= 11, outcome["wrong"]
        assert int(str(outcome["colours_right"])) >= 11, outcome


def test_yunet_takes_centerfaces_place(settings: Settings, models_folder: Path, footage: Path) -> None:
    models = Models.load(settings.model_copy(update={"face_model": str(footage / "face-yunet.onnx")}))
    done = run(footage / "checkpoint-faces.mp4", Look("face", 5.0), settings, models)
    outcome = compare(done, read_truth(footage / "checkpoint-faces.json"))
    assert (outcome["passings"], outcome["found"], outcome["doubled"], outcome["false"]) == (6, 6, 0, 0), outcome


def test_a_camera_that_is_no_checkpoint_has_no_analyser(models: Models, settings: Settings, make_camera: Callable[..., Camera]) -> None:
    with pytest.raises(ValueError, match="east-gate is no checkpoint"):
        make_analyser(make_camera(()), models, settings)
