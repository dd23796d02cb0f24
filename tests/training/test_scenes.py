"""Drawn vehicles whose plates only the video path must find: of two rows, and of the armed
police.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.models import Models
from domain.settings import Settings
from tests.footage import Footage
from training.glyphs import Glyphs, load_characters, make_glyphs, split
from training.plates import draw_plate
from training.samples import kind_named
from training.scenes import Outcome, drive_by, picture_of, report


@pytest.fixture(scope="module")
def whole_glyphs(footage: Footage) -> Glyphs:
    """Of all characters of the footage, and no fonts: kinds with a tail cannot be drawn."""
    return make_glyphs(split(load_characters(footage.characters), 1)[0], [], [])


@pytest.mark.parametrize("kind", ["yellow two rows", "armed police"])
def test_a_passing_in_video_is_one_event_with_its_plate(
    kind: str, whole_glyphs: Glyphs, models_folder: Path
) -> None:
    settings = Settings()
    models = Models.load(settings)
    outcomes = [
        drive_by(kind_named(kind), index, whole_glyphs, models, settings) for index in range(3)
    ]
    assert [len(one.read) for one in outcomes] == [1, 1, 1], outcomes
    assert sum(one.guessed == (one.truth,) for one in outcomes) >= 2, outcomes
    assert any(one.read == (one.truth,) for one in outcomes), outcomes


def test_a_flat_plate_is_as_large_as_its_kind(glyphs: Glyphs) -> None:
    rng = np.random.default_rng(1)
    sizes = {
        name: picture_of(draw_plate(text, kind_named(name), glyphs, rng)).shape
        for name, text in (
            ("blue", "鄂A12345"),
            ("green small", "鄂AD12345"),
            ("yellow two rows", "鄂A12345"),
        )
    }
    assert sizes == {
        "blue": (280, 880, 3),
        "green small": (280, 960, 3),
        "yellow two rows": (440, 880, 3),
    }


def test_the_report_counts_events_and_right_plates() -> None:
    outcomes = [
        Outcome("blue", "鄂A12345", ("鄂A12345",), ("鄂A12345",)),
        Outcome("blue", "鄂B12345", ("", "鄂B12345"), ("鄂B1234S", "鄂B12345")),
        Outcome("black", "鄂C12345", ("",), ("鄂C12345",)),
    ]
    result = report(outcomes)
    assert (result["blue"]["passings"], result["blue"]["one event"], result["blue"]["right"]) == (
        2,
        1,
        1,
    )
    assert result["black"] == {
        "passings": 1,
        "one event": 1,
        "right": 0,
        "right or first guess": 1,
        "wrong": ["鄂C12345 as nothing (鄂C12345)"],
    }
