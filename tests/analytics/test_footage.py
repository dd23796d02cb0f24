"""Whole films, at fewer looks a second than in use, to keep the tests quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.registry.model import Camera
from domain.settings import Settings
from sightline.evaluation.film import FilmAnalysis, run
from sightline.evaluation.truth import compare, read_truth
from simulator.footage import truth_of
from tests.footage import Footage


def _passings(outcome: dict[str, object]) -> list[object]:
    return [outcome[key] for key in ("passings", "found", "doubled", "false")]


def test_each_vehicle_is_one_event_with_its_plate(
    models: Models, settings: Settings, footage: Footage
) -> None:
    passes = footage.passes()
    outcome = compare(run(footage.plates, FilmAnalysis("plate", 5.0), settings, models), passes)
    assert _passings(outcome) == [len(passes), len(passes), 0, 0], outcome
    least = len(passes) - footage.unsure
    assert int(str(outcome["plates_right"])) >= least, outcome["wrong"]
    assert int(str(outcome["colours_right"])) >= least, outcome


def test_each_face_is_one_event(models: Models, settings: Settings, footage: Footage) -> None:
    done = run(footage.faces, FilmAnalysis("face", 5.0), settings, models)
    assert _passings(compare(done, read_truth(truth_of(footage.faces)))) == [6, 6, 0, 0]


def test_yunet_takes_centerfaces_place(settings: Settings, yunet: Path, footage: Footage) -> None:
    models = Models.load(settings.model_copy(update={"face_model": str(yunet)}))
    done = run(footage.faces, FilmAnalysis("face", 5.0), settings, models)
    assert _passings(compare(done, read_truth(truth_of(footage.faces)))) == [6, 6, 0, 0]


def test_a_camera_that_is_no_checkpoint_has_no_analyser(
    models: Models, settings: Settings, make_camera: Callable[..., Camera]
) -> None:
    with pytest.raises(ValueError, match="east-gate is no checkpoint"):
        make_analyser(make_camera(()), models, settings)
