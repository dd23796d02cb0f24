"""Glyphs for the tests of the generator, made of drawn characters, and of real ones where they
are.
"""

from __future__ import annotations

import pytest

from domain.plates import HEADS, TAILS
from tests.footage import Footage
from training.glyphs import SIDE_PX, Glyphs, Grey, load_characters, make_glyphs, split


@pytest.fixture(scope="session")
def characters(footage: Footage) -> dict[str, list[Grey]]:
    return load_characters(footage.characters)


@pytest.fixture(scope="session")
def glyphs(characters: dict[str, list[Grey]]) -> Glyphs:
    """Of a few samples each, for speed; fonts are not asked for, so what only they can draw is
    drawn as a block.
    """
    few = {name: samples[:6] for name, samples in split(characters, 1)[0].items()}
    made = make_glyphs(few, [], [])
    block = made.mean["8"].copy()
    block[: SIDE_PX // 2] = 255
    return Glyphs(made.mean, made.real, {character: [block] for character in HEADS + TAILS})
