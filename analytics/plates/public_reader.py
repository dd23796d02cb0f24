"""Corrects the public reader's probabilities: it prefers some provinces, and was not trained on
some kinds of plates.

Both were measured by `training/public_word.py` on drawn plates, and on no real picture.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from domain.plates import ARMED_POLICE, FIRSTS, MILITARY_FIRSTS, PROVINCES, TAILS

Scores = NDArray[np.float64]

PROVINCE_BIAS = {
    "京": -1.6,
    "津": 0.8,
    "沪": -1.8,
    "渝": 0.3,
    "冀": -0.1,
    "豫": -1.7,
    "云": -0.4,
    "辽": 1.6,
    "黑": 0.8,
    "湘": -0.8,
    "皖": -5.1,
    "鲁": -0.8,
    "新": 0.4,
    "苏": -3.8,
    "浙": -2.5,
    "赣": 0.9,
    "鄂": -1.7,
    "桂": 1.0,
    "甘": 0.5,
    "晋": 0.8,
    "蒙": 1.2,
    "陕": 0.5,
    "吉": 1.0,
    "闽": 0.5,
    "贵": 0.3,
    "粤": -0.2,
    "青": 1.9,
    "藏": 5.4,
    "川": -0.9,
    "宁": 1.6,
    "琼": 2.0,
}
"""Added to its log-probability of each province, so that it is right most often if all provinces
are equally frequent. It was trained mostly on plates of 皖, and expects them.
"""
TRAINING_LIKE = 0.5
"""The probability that a picture resembles its training material, so that no correction is needed.
It is even and not fitted: drawn plates cannot show how similar real pictures are.
"""
UNTRAINED_LEAST = -2.1
"""The least log-probability of a plate of a kind that it was not trained on. It is the mean of the
kinds that it knows, so the public reader is then neither for nor against such a plate.
"""

_BIAS = np.array([PROVINCE_BIAS[province] for province in PROVINCES])


def any_province(public: Scores) -> Scores:
    """Return (bodies, firsts) log-probabilities in which each province has that of any province.

    They say whether the text is a plate, and not of which province.
    """
    provinces, others = np.split(public, [len(PROVINCES)], axis=1)
    any_of_them = np.logaddexp.reduce(provinces, axis=1, keepdims=True)
    return np.hstack([np.broadcast_to(any_of_them, provinces.shape), others])


def corrected(public: Scores, bodies: list[str]) -> Scores:
    """Return (bodies, firsts) log-probabilities without the preference for some provinces.

    Kinds that the reader was not trained on get no less than `UNTRAINED_LEAST`. The probabilities
    that there is a province, of other first characters (使), and of bodies of known kinds are kept.
    """
    provinces = public[:, : len(PROVINCES)]
    given = provinces - np.logaddexp.reduce(provinces, axis=1, keepdims=True)
    unbiased = given + _BIAS - np.logaddexp.reduce(given + _BIAS, axis=1, keepdims=True)
    by_province = np.zeros_like(public)
    by_province[:, : len(PROVINCES)] = np.logaddexp(
        math.log(TRAINING_LIKE) + given, math.log(1 - TRAINING_LIKE) + unbiased
    )
    plate = any_province(public)
    is_untrained = [has_no_training(body) for body in bodies]
    return np.where(is_untrained, np.maximum(plate, UNTRAINED_LEAST), plate) + by_province


@lru_cache(maxsize=4096)
def has_no_training(body: str) -> tuple[bool, ...]:
    """Return for each first character whether the text is of a kind without training material.

    These are plates with a tail, of the armed police, and of the armed forces.
    """
    return tuple(
        body[-1] in TAILS or first in ARMED_POLICE[0] + MILITARY_FIRSTS for first in FIRSTS
    )
