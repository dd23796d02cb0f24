"""A glyph that is varied is another picture of the same character."""

from __future__ import annotations

import numpy as np

from training.glyphs import SIDE_PX, Glyphs, with_first_from
from training.plates import draw_plate
from training.samples import Drawer, kind_named
from training.variation import vary


def test_varied_glyphs_differ_and_are_still_the_character(glyphs: Glyphs) -> None:
    """Each is more like its own character than like the others."""
    rng = np.random.default_rng(1)
    characters = [character for character in "鄂京津A8" if character in glyphs.mean]
    means = {character: glyphs.mean[character].astype(float).ravel() for character in characters}
    for character in characters:
        varied = [vary(glyphs.mean[character], rng) for _ in range(30)]
        assert all(one.shape == (SIDE_PX, SIDE_PX) and one.dtype == np.uint8 for one in varied)
        assert len({one.tobytes() for one in varied}) == 30
        likest = [
            max(means, key=lambda name: float(np.corrcoef(one.ravel(), means[name])[0, 1]))
            for one in varied
        ]
        assert likest.count(character) >= 27


def test_only_training_draws_varied_plates(glyphs: Glyphs) -> None:
    kind = kind_named("blue")
    plain, again, varied = (
        Drawer(glyphs, 1, varied=varied).sample(0, kind)[0] for varied in (False, False, True)
    )
    assert (plain == again).all()
    assert (plain != varied).any()


def test_the_armed_forces_letters_are_red(glyphs: Glyphs) -> None:
    plate = draw_plate("VA12345", kind_named("military"), glyphs, np.random.default_rng(1))
    middle = plate.layers.shape[1] // 2
    assert plate.layers[:, :middle, 1].any()
    assert not plate.layers[:, middle:, 1].any()


def test_provinces_can_be_drawn_of_other_fonts_than_all_else(glyphs: Glyphs) -> None:
    without = with_first_from(glyphs, [])
    assert "鄂" not in without.mean
    assert "鄂" not in without.real
    assert (without.mean["A"] == glyphs.mean["A"]).all()
