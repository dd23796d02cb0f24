"""Whole films, at fewer looks a second than in use, to keep the tests quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.clock import NS_PER_S
from domain.registry.model import Camera
from domain.settings import Settings
from sightline.evaluation.film import EPOCH_NS, AnalyserRun, FilmAnalysis, camera, frames, run
from sightline.evaluation.truth import compare, read_truth
from simulator.footage import truth_of
from tests.footage import Footage

CAMERA = camera("plate")


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


@pytest.mark.parametrize("keyframe_at_s", [0.7, 1.7])
def test_without_the_rests_of_groups_each_vehicle_is_still_one_event(
    models: Models, settings: Settings, footage: Footage, keyframe_at_s: float
) -> None:
    """Groups of 2 s are left after the look that settles everything in view, so the vehicles are
    found again at one or two keyframes.
    """
    passes, analyser, done = (
        footage.passes(),
        make_analyser(CAMERA, models, settings),
        AnalyserRun(),
    )
    left, frames_left, settled = -1, 0, frozenset[str]()
    for frame in frames(footage.plates, 5.0):
        at_s = (frame.wall_ns - EPOCH_NS) / NS_PER_S
        group = int((at_s + 2.0 - keyframe_at_s) // 2.0)
        frames_left += group == left
        if group == left:
            continue
        published = analyser.analyse(frame)
        before, settled = settled, analyser.settled()
        if settled:
            left = group
            published += analyser.publish_settled(settled - before)
        done.passings += [(at_s, passing) for passing in published]
    done.passings += [(0.0, passing) for passing in analyser.close()]
    outcome = compare(done, passes)
    assert _passings(outcome) == [len(passes), len(passes), 0, 0], outcome
    assert int(str(outcome["plates_right"])) >= len(passes) - footage.unsure, outcome["wrong"]
    assert frames_left > 40


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
