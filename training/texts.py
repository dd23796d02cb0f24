"""Draws the texts of plates: every kind that GA 36 knows, and the armed forces', provinces
evenly. Not shipped in the package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.plates import (
    ARMED_POLICE,
    DIGITS,
    LETTERS,
    MILITARY_FIRSTS,
    NEW_ENERGY_MARKS,
    PROVINCES,
    SERIAL,
    PlateColor,
)

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of plate: how it looks, and how often it is drawn for training."""

    name: str
    color: PlateColor
    weight: float
    rows: int = 1
    tails: str = ""


KINDS = (
    Kind("blue", PlateColor.BLUE, 0.37),
    Kind("green small", PlateColor.GREEN, 0.14),
    Kind("green large", PlateColor.GREEN, 0.05),
    Kind("yellow", PlateColor.YELLOW, 0.05),
    Kind("yellow two rows", PlateColor.YELLOW, 0.06, rows=2),
    Kind("trailer", PlateColor.YELLOW, 0.02, rows=2, tails="挂"),
    Kind("learner", PlateColor.YELLOW, 0.04, tails="学"),
    Kind("police", PlateColor.WHITE, 0.06, tails="警"),
    Kind("border", PlateColor.BLACK, 0.06, tails="港澳"),
    Kind("consulate", PlateColor.BLACK, 0.02, tails="领"),
    Kind("embassy", PlateColor.BLACK, 0.01),
    Kind("black", PlateColor.BLACK, 0.03),
    Kind("armed police", PlateColor.WHITE, 0.04),
    Kind("armed police two rows", PlateColor.WHITE, 0.01, rows=2),
    Kind("military", PlateColor.WHITE, 0.03),
    Kind("military two rows", PlateColor.WHITE, 0.01, rows=2),
)
ARMED_POLICE_KINDS = frozenset({"armed police", "armed police two rows"})
MILITARY_KINDS = frozenset({"military", "military two rows"})
_WEIGHTS = np.array([kind.weight for kind in KINDS]) / sum(kind.weight for kind in KINDS)
_OLD_OFFICIAL = 0.02
"""How often the office letter is O, which few plates have and the reader must still know."""
_HEADQUARTERS = 0.1
"""How often an armed police's plate has no province."""
_LETTERS_EVEN = 0.5
"""How often serials are drawn evenly from letters and digits (U, D and Q as often as 0), rather
than with two letters at most as issued.
"""


def draw_kind(rng: Rng) -> Kind:
    return KINDS[int(rng.choice(len(KINDS), p=_WEIGHTS))]


def draw_text(kind: Kind, rng: Rng) -> str:
    """A text that the grammar of `domain/plates.py` allows for this kind."""
    if kind.name == "embassy":
        return "使" + _some(DIGITS, 6, rng)
    if kind.name in MILITARY_KINDS:
        return _some(MILITARY_FIRSTS, 1, rng) + _some(LETTERS, 1, rng) + _some(DIGITS, 5, rng)
    head = _some(PROVINCES, 1, rng)
    if kind.name in ARMED_POLICE_KINDS:
        head = "" if rng.random() < _HEADQUARTERS else head
        return ARMED_POLICE + head + _some(DIGITS, 4, rng) + _some(SERIAL, 1, rng)
    if kind.name == "green small":
        return (
            head
            + _some(LETTERS, 1, rng)
            + _some(NEW_ENERGY_MARKS, 1, rng)
            + _some(SERIAL, 1, rng)
            + _some(DIGITS, 4, rng)
        )
    if kind.name == "green large":
        return (
            head + _some(LETTERS, 1, rng) + _some(DIGITS, 5, rng) + _some(NEW_ENERGY_MARKS, 1, rng)
        )
    office = "O" if rng.random() < _OLD_OFFICIAL else _some(LETTERS, 1, rng)
    if kind.tails:
        return head + office + _serial(4, rng) + _some(kind.tails, 1, rng)
    return head + office + _serial(5, rng)


def _some(characters: str, count: int, rng: Rng) -> str:
    return "".join(characters[i] for i in rng.integers(0, len(characters), count))


def _serial(count: int, rng: Rng) -> str:
    if rng.random() < _LETTERS_EVEN:
        return _some(SERIAL, count, rng)
    drawn = list(_some(DIGITS, count, rng))
    for place in rng.integers(0, count, int(rng.integers(0, 3))):
        drawn[place] = _some(LETTERS, 1, rng)
    return "".join(drawn)
