"""Every drawn text is a plate that the grammar allows, and all kinds and provinces come."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from domain.plates import PROVINCES, is_plate
from training.texts import KINDS, Kind, draw_kind, draw_text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_texts_obey_the_grammar(kind: Kind) -> None:
    rng = np.random.default_rng(1)
    texts = [draw_text(kind, rng) for _ in range(300)]
    assert [text for text in texts if not is_plate(text)] == []
    assert all(text[-1] in kind.tails for text in texts if kind.tails)


def test_provinces_are_even() -> None:
    rng = np.random.default_rng(2)
    counts = Counter(draw_text(KINDS[0], rng)[0] for _ in range(6200))
    assert set(counts) == set(PROVINCES)
    assert min(counts.values()) > 140
    assert max(counts.values()) < 260


def test_the_letter_o_comes_only_after_the_province() -> None:
    rng = np.random.default_rng(3)
    texts = [draw_text(KINDS[0], rng) for _ in range(2000)]
    assert any(text[1] == "O" for text in texts)
    assert not any("O" in text[2:] for text in texts)


def test_every_kind_is_drawn() -> None:
    rng = np.random.default_rng(4)
    assert {draw_kind(rng).name for _ in range(3000)} == {kind.name for kind in KINDS}
