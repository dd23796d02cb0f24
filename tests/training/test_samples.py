"""The generator: shapes, the same pictures for the same seed, and characters where it says that
they are.
"""

from __future__ import annotations

import numpy as np
import pytest

from domain.plates import is_plate
from training.capture import Hardness
from training.glyphs import Glyphs, Grey, split
from training.samples import Drawer, again, kind_named, step_targets, symbols
from training.texts import KINDS, Kind

CLEAN = Hardness(level=0, least_height_px=47)


def test_the_split_keeps_some_of_every_character_apart(characters: dict[str, list[Grey]]) -> None:
    train, held = split(characters, 1)
    assert set(train) == set(held) == set(characters)
    for name, samples in characters.items():
        assert len(train[name]) + len(held[name]) == len(samples)
        assert held[name]
    assert [id(sample) for sample in split(characters, 1)[1]["A"]] == [
        id(sample) for sample in held["A"]
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_crop_of_each_kind(glyphs: Glyphs, kind: Kind) -> None:
    for index in range(10):
        crop, text, drawn, places = Drawer(glyphs, 5).sample(index, kind)
        assert crop.shape == (32, 128, 3)
        assert crop.dtype == np.uint8
        assert drawn is kind
        assert is_plate(text)
        assert len(places) == len(text)
        assert (np.diff(places) > 0).all()


def test_the_same_seed_draws_the_same(glyphs: Glyphs) -> None:
    first, second, other = (Drawer(glyphs, seed).batch(0, 8) for seed in (6, 6, 7))
    assert first.texts == second.texts != other.texts
    assert np.array_equal(first.crops, second.crops)


def test_streams_of_one_seed_differ(glyphs: Glyphs) -> None:
    assert (
        Drawer(glyphs, 6, stream=0).batch(0, 8).texts
        != Drawer(glyphs, 6, stream=1).batch(0, 8).texts
    )


def test_ink_stands_where_the_places_say(glyphs: Glyphs) -> None:
    """Columns at the characters' middles hold more ink than the gap after the second character,
    on clean blue plates.
    """
    drawer = Drawer(glyphs, 8, hardness=CLEAN)
    brighter = 0
    for index in range(40):
        crop, _, _, places = drawer.sample(index, kind_named("blue"))
        columns = crop[8:24].astype(float).mean(axis=2).max(axis=0)
        gap = columns[int((places[1] + 0.63 * (places[2] - places[1])) * 128)]
        brighter += columns[(places[:2] * 128).astype(int)].mean() > gap
    assert brighter >= 34


def test_again_keeps_the_truth_and_moves_the_places(glyphs: Glyphs) -> None:
    batch = Drawer(glyphs, 9).batch(0, 8)
    more = again(batch, np.random.default_rng(1))
    assert more.texts == batch.texts
    assert more.crops.shape == batch.crops.shape
    assert not np.array_equal(more.crops, batch.crops)
    assert (
        max(float(np.abs(a - b).max()) for a, b in zip(more.places, batch.places, strict=True))
        < 0.08
    )


def test_step_targets_spell_the_text(glyphs: Glyphs) -> None:
    batch = Drawer(glyphs, 10).batch(0, 16)
    for text, row in zip(batch.texts, step_targets(batch, 32), strict=True):
        assert [int(symbol) for symbol in row if symbol > 0] == symbols(text)


def test_a_known_blur_takes_the_edges(glyphs: Glyphs) -> None:
    def edges(defocus_px: tuple[float, float]) -> float:
        drawer = Drawer(
            glyphs, 12, hardness=Hardness(level=0, least_height_px=47, defocus_px=defocus_px)
        )
        crops = [drawer.sample(index, kind_named("blue"))[0].astype(float) for index in range(10)]
        return float(np.mean([np.abs(np.diff(crop, axis=1)).mean() for crop in crops]))

    assert edges((0.0, 1.0)) > edges((2.0, 3.0)) > edges((3.0, 4.0))
