"""What the public reader's word is worth: which province it is too ready to name, and of which
kinds of plate it knows nothing.

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
"""Added to its log-probability of each province: where all are equally frequent, what it says is
then right most often. It was taught on plates of which most were 皖, and takes that for granted.
"""
AS_SAID = 0.5
"""How likely a picture is to be of the sort that it was taught with, where its word stands. Even,
and not fitted to anything: drawn plates cannot say how like them real pictures are.
"""
UNTAUGHT = -2.1
"""The least that it says of a plate of a kind that it was never taught, which is what it says of
the kinds that it knows on average: its word is then neither for nor against.
"""

_BIAS = np.array([PROVINCE_BIAS[province] for province in PROVINCES])


def as_plate(public: Scores) -> Scores:
    """(bodies, firsts) the public reader's log-probabilities, of each province those of any:
    that it is a plate, and not whose.
    """
    provinces, others = np.split(public, [len(PROVINCES)], axis=1)
    any_of_them = np.logaddexp.reduce(provinces, axis=1, keepdims=True)
    return np.hstack([np.broadcast_to(any_of_them, provinces.shape), others])


def heard(public: Scores, bodies: list[str]) -> Scores:
    """(bodies, firsts) the public reader's log-probabilities, with its liking for some provinces
    taken out, and nothing said against kinds that it does not know. That it is a province, what is
    none (使), and what it says of a body of a kind that it knows stay.
    """
    said = public[:, : len(PROVINCES)]
    which = said - np.logaddexp.reduce(said, axis=1, keepdims=True)
    meant = which + _BIAS - np.logaddexp.reduce(which + _BIAS, axis=1, keepdims=True)
    whose = np.zeros_like(public)
    whose[:, : len(PROVINCES)] = np.logaddexp(
        math.log(AS_SAID) + which, math.log(1 - AS_SAID) + meant
    )
    plate = as_plate(public)
    return np.where([untaught(body) for body in bodies], np.maximum(plate, UNTAUGHT), plate) + whose


@lru_cache(maxsize=4096)
def untaught(body: str) -> tuple[bool, ...]:
    """Of each first character: whether it makes of the body a plate with a tail, the armed
    police's or the armed forces'.
    """
    return tuple(
        body[-1] in TAILS or first in ARMED_POLICE[0] + MILITARY_FIRSTS for first in FIRSTS
    )
