"""The priors of texts: which of them suit the plate's colour, and which plates are rare. Pure."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from domain.plates import ARMED_POLICE, FIRSTS, MILITARY_FIRSTS, PROVINCES, PlateColor

COLOR_LOG_PRIOR = -2.0
"""The prior of a text that does not suit the plate's colour (GA 36-2018).

Blue, white and black plates have 7 characters, and green ones 8. A tail belongs to one colour.
White plates are those of police (警), armed police (WJ) and armed forces, and only of these.
"""
ONE_LETTER_LOG_PRIOR = -3.0
"""The prior of a text that one letter in the province's place makes a plate of the armed forces, or
of the headquarters of the armed police. These are less than one plate in twenty.
"""
_LETTER_FIRSTS = ARMED_POLICE[0] + MILITARY_FIRSTS
_WRONG_LENGTH = {PlateColor.GREEN: 7, PlateColor.BLUE: 8, PlateColor.WHITE: 8, PlateColor.BLACK: 8}
_COLOR_OF_TAIL = {
    "警": PlateColor.WHITE,
    "学": PlateColor.YELLOW,
    "挂": PlateColor.YELLOW,
    "港": PlateColor.BLACK,
    "澳": PlateColor.BLACK,
    "领": PlateColor.BLACK,
}


def prior(bodies: list[str], color: PlateColor) -> NDArray[np.float64]:
    """Return the (bodies, firsts) log priors of each text, given the plate's colour."""
    return np.array([_priors(body, color) for body in bodies])


@lru_cache(maxsize=4096)
def _priors(body: str, color: PlateColor) -> tuple[float, ...]:
    """Return the log prior for each first character."""
    return tuple(_color_prior(first, body, color) + _letter_prior(first, body) for first in FIRSTS)


def _color_prior(first: str, body: str, color: PlateColor) -> float:
    return 0.0 if color is PlateColor.UNKNOWN or _suits(first, body, color) else COLOR_LOG_PRIOR


def _letter_prior(first: str, body: str) -> float:
    return ONE_LETTER_LOG_PRIOR if first in _LETTER_FIRSTS and body[1] not in PROVINCES else 0.0


def _suits(first: str, body: str, color: PlateColor) -> bool:
    if first in _LETTER_FIRSTS:
        return color is PlateColor.WHITE
    tail_color = _COLOR_OF_TAIL.get(body[-1])
    right_tail = tail_color is color if tail_color is not None else color is not PlateColor.WHITE
    return right_tail and len(body) + 1 != _WRONG_LENGTH.get(color)
