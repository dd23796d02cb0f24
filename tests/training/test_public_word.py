"""How far a word is a guess: found from words that were made with a known share of guess, and measured of the reader itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.models import Models
from domain.plates import PROVINCES
from domain.settings import Settings
from training.glyphs import Glyphs
from training.public_word import Words, share_of_guess, together, words


def made(share: float, count: int = 3000) -> Words:
    """A reader that is sure of the true province, but for `share` of them, where it is as sure of any."""
    rng = np.random.default_rng(1)
    truths = rng.integers(0, len(PROVINCES), count)
    said = np.where(rng.random(count) < share, rng.integers(0, len(PROVINCES), count), truths)
    return Words(np.eye(len(PROVINCES))[said], truths)


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_the_share_of_guess_is_found(share: float) -> None:
    assert share_of_guess(made(share)) == pytest.approx(share, abs=0.03)


def test_each_province_weighs_alike_however_often_it_is_drawn() -> None:
    sure = Words(np.eye(len(PROVINCES))[[0] * 900], np.zeros(900, np.intp))
    wrong = Words(np.eye(len(PROVINCES))[[0] * 9], np.ones(9, np.intp))
    assert share_of_guess(together([sure, wrong])) == pytest.approx(0.5, abs=0.03)


def test_the_public_reader_knows_some_provinces_and_not_others(models_folder: Path, glyphs: Glyphs) -> None:
    models = Models.load(Settings(models_dir=models_folder))
    measured = words(models.reader, glyphs, 0, 60, 0.3)
    assert measured.chances.shape == (len(measured.truths), len(PROVINCES))
    assert measured.chances.sum(axis=1) == pytest.approx(1.0)
    assert 0.2 < measured.right < 0.8
