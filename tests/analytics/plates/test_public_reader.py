"""What the public reader's word is taken for."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.plates.public_reader import (
    AS_SAID,
    PROVINCE_BIAS,
    UNTAUGHT,
    as_plate,
    heard,
    untaught,
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


def test_only_which_province_it_is_is_heard_otherwise() -> None:
    word = said([*np.full(30, 0.001), 0.57], 0.4)
    changed = heard(word, ["A12345"])
    at = FIRSTS.index("使")
    assert changed[0, at] == word[0, at]
    assert np.exp(changed[0, : len(PROVINCES)]).sum() == pytest.approx(0.6)
    whose = np.exp(word[0, : len(PROVINCES)]) / 0.6
    unbiased = whose * np.exp([PROVINCE_BIAS[province] for province in PROVINCES])
    wanted = AS_SAID * whose + (1 - AS_SAID) * unbiased / unbiased.sum()
    assert np.exp(changed[0, : len(PROVINCES)]) / 0.6 == pytest.approx(wanted)


def test_whether_it_is_a_plate_is_the_same_of_each_province() -> None:
    word = said([*np.full(30, 0.001), 0.57], 0.4)
    plate = as_plate(word)
    assert np.exp(plate[0, : len(PROVINCES)]) == pytest.approx(0.6)
    assert plate[0, len(PROVINCES) :].tolist() == word[0, len(PROVINCES) :].tolist()


def test_what_is_impossible_stays_so_and_does_no_harm() -> None:
    assert np.exp(
        heard(np.full((1, len(FIRSTS)), -700.0), ["12345"])[0, : len(PROVINCES)]
    ) == pytest.approx(0.0)


def test_nothing_is_said_against_kinds_that_it_was_never_taught() -> None:
    word = np.full((3, len(FIRSTS)), -30.0)
    counted = heard(word, ["A12345", "A1234警", "J京1234X"])
    at = {first: FIRSTS.index(first) for first in "使VW"}
    assert counted[0, at["使"]] == -30.0
    assert np.logaddexp.reduce(counted[0, : len(PROVINCES)]) == pytest.approx(
        np.log(len(PROVINCES)) - 30
    )
    assert counted[0, at["V"]] == counted[2, at["W"]] == UNTAUGHT
    assert np.logaddexp.reduce(counted[1, : len(PROVINCES)]) == pytest.approx(UNTAUGHT)


def test_which_kinds_it_was_never_taught() -> None:
    assert [untaught("A12345")[FIRSTS.index(first)] for first in "鄂使VW"] == [
        False,
        False,
        True,
        True,
    ]
    assert all(untaught("A1234警"))
