"""What the public reader's word is taken for."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.plates.public_reader import (
    PROVINCE_BIAS,
    TRAINING_LIKE,
    UNTRAINED_LEAST,
    any_province,
    corrected,
    has_no_training,
)
from domain.plates import FIRSTS, PROVINCES

OTHERS = len(FIRSTS) - len(PROVINCES)


def said(
    provinces: list[float], others: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(1, firsts) logs; the others share what is given to them."""
    return np.log([[*provinces, *np.full(OTHERS, others / OTHERS)]])


def test_every_province_has_a_bias() -> None:
    assert set(PROVINCE_BIAS) == set(PROVINCES)


def test_only_the_choice_of_province_is_corrected() -> None:
    word = said([*np.full(30, 0.001), 0.57], 0.4)
    changed = corrected(word, ["A12345"])
    at = FIRSTS.index("使")
    assert changed[0, at] == word[0, at]
    assert np.exp(changed[0, : len(PROVINCES)]).sum() == pytest.approx(0.6)
    whose = np.exp(word[0, : len(PROVINCES)]) / 0.6
    unbiased = whose * np.exp([PROVINCE_BIAS[province] for province in PROVINCES])
    expected = TRAINING_LIKE * whose + (1 - TRAINING_LIKE) * unbiased / unbiased.sum()
    assert np.exp(changed[0, : len(PROVINCES)]) / 0.6 == pytest.approx(expected)


def test_whether_it_is_a_plate_is_the_same_of_each_province() -> None:
    word = said([*np.full(30, 0.001), 0.57], 0.4)
    plate = any_province(word)
    assert np.exp(plate[0, : len(PROVINCES)]) == pytest.approx(0.6)
    assert plate[0, len(PROVINCES) :].tolist() == word[0, len(PROVINCES) :].tolist()


def test_what_is_impossible_stays_so_and_does_no_harm() -> None:
    assert np.exp(
        corrected(np.full((1, len(FIRSTS)), -700.0), ["12345"])[0, : len(PROVINCES)]
    ) == pytest.approx(0.0)


def test_nothing_is_reported_against_kinds_that_it_was_never_taught() -> None:
    word = np.full((3, len(FIRSTS)), -30.0)
    counted = corrected(word, ["A12345", "A1234警", "J京1234X"])
    at = {first: FIRSTS.index(first) for first in "使VW"}
    assert counted[0, at["使"]] == -30.0
    assert np.logaddexp.reduce(counted[0, : len(PROVINCES)]) == pytest.approx(
        np.log(len(PROVINCES)) - 30
    )
    assert counted[0, at["V"]] == counted[2, at["W"]] == UNTRAINED_LEAST
    assert np.logaddexp.reduce(counted[1, : len(PROVINCES)]) == pytest.approx(UNTRAINED_LEAST)


def test_which_kinds_it_was_never_taught() -> None:
    assert [has_no_training("A12345")[FIRSTS.index(first)] for first in "鄂使VW"] == [
        False,
        False,
        True,
        True,
    ]
    assert all(has_no_training("A1234警"))
