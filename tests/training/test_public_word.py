"""What the public reader's word is worth: a liking that was put into words is found, and that
of the reader itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.models import Models
from domain.plates import PROVINCES
from domain.settings import Settings
from training.glyphs import Glyphs
from training.public_word import NONE, Words, fit, together, words

LIKED = PROVINCES.index("皖")


def made(liking: float, count: int = 1500) -> Words:
    """A reader that sees the true province through noise, and says one more by `liking` than it
    sees it.
    """
    rng = np.random.default_rng(1)
    truths = rng.integers(0, len(PROVINCES), count)
    logs = rng.normal(0, 1, (count, len(PROVINCES)))
    logs[np.arange(count), truths] += 3
    logs[:, LIKED] += liking
    return Words(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True), truths, np.zeros(count))


def test_a_liking_for_a_province_is_found_and_mended() -> None:
    biased = made(4.0)
    found = fit(biased)
    assert found[LIKED] - np.delete(found, LIKED).mean() == pytest.approx(-4.0, abs=1.0)
    assert biased.right(NONE) + 0.2 < biased.right(found)
    assert biased.log_loss(found) < biased.log_loss(NONE)


def test_a_reader_without_a_bias_is_used_unchanged() -> None:
    assert np.abs(fit(made(0.0))).max() < 0.5


def test_each_province_weighs_alike_however_often_it_is_drawn() -> None:
    sure = np.log(np.full((1, len(PROVINCES)), 1e-6))
    sure[0, 0] = 0.0
    often, seldom = (
        Words(np.repeat(sure, count, axis=0), np.full(count, truth), np.zeros(count))
        for count, truth in ((900, 0), (9, 1))
    )
    assert together([often, seldom]).right(NONE) == pytest.approx(0.5)


def test_the_public_reader_knows_some_provinces_and_not_others(
    models_folder: Path, glyphs: Glyphs
) -> None:
    models = Models.load(Settings(models_dir=models_folder))
    measured = words(models.reader, glyphs, 0, 60, 0.3)
    assert measured.logs.shape == (len(measured.truths), len(PROVINCES))
    assert measured.chances(NONE).sum(axis=1) == pytest.approx(1.0)
    assert 0.2 < measured.right(NONE) < 0.9
