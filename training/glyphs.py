"""The shapes of plate characters: real ones averaged into clean glyphs, real ones as they are, and
drawn ones. Not shipped in the package.

The real characters are 20x20 cut-outs, white on black, the height filled and the proportions kept,
so a 45 by 90 mm character is about 10 by 20 px in the middle. Averaging dozens of aligned cut-outs
of one character gives its true shape finer than any one of them holds.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from domain.plates import DIGITS, HEADS, LETTERS, PROVINCES, TAILS

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE_PX = 54
"""A glyph is a square of this side; its character stands in the middle, as high as the square
and half as wide.
"""
SPLIT_SEED = 1
HELD_OUT_PART = 0.15
"""Of the real characters of each kind, kept from training to measure on."""
DRAWN_CHARACTERS = PROVINCES + HEADS + TAILS + DIGITS + LETTERS + "O"
_ALIGNING_ROUNDS = 3
_SAMPLES_MOST = 160
"""Of one character: more make no sharper mean, and aligning them takes time."""
_KEPT_FOR_MEAN = 0.6
_KEPT_AS_THEY_ARE = 0.85
_SHARPEN, _BLURRED_BY_PX = np.float32(1.2), 3.5
"""Averaging closes the gaps between strokes; this opens them again."""
_HAN_BOX_PX, _LATIN_BOX_PX = (27, 53), (26, 53)
_DRAWN_PX = 96
_SIMPLIFIED = 2
"""The simplified Chinese face of Noto's collections, which have the Japanese first."""
_NARROW = {"1": 7, "J": 22, "L": 24}


@dataclass(frozen=True)
class Glyphs:
    """(54, 54) grey shapes, white on black, of each character: one mean (soft edges, to be
    thresholded), real ones, drawn ones.
    """

    mean: dict[str, Grey]
    real: dict[str, list[Grey]]
    drawn: dict[str, list[Grey]]


def load_characters(archive: Path) -> dict[str, list[Grey]]:
    """Real characters by name, (20, 20) each, in the archive's order. Raises FileNotFoundError
    where the archive is absent.
    """
    found: dict[str, list[Grey]] = {}
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            folder, _, file = name.rpartition("/")
            if file.endswith(".jpg"):
                picture = cv2.imdecode(
                    np.frombuffer(opened.read(name), np.uint8), cv2.IMREAD_GRAYSCALE
                )
                if picture is not None:
                    found.setdefault(folder.rpartition("/")[2], []).append(
                        np.asarray(picture, np.uint8)
                    )
    return found


def split(
    characters: dict[str, list[Grey]], seed: int
) -> tuple[dict[str, list[Grey]], dict[str, list[Grey]]]:
    """Those to train on and those held out, the same for the same seed."""
    train: dict[str, list[Grey]] = {}
    held: dict[str, list[Grey]] = {}
    for index, name in enumerate(sorted(characters)):
        order = np.random.default_rng([seed, index]).permutation(len(characters[name]))
        held_count = max(1, round(len(order) * HELD_OUT_PART))
        held[name] = [characters[name][i] for i in order[:held_count]]
        train[name] = [characters[name][i] for i in order[held_count:]]
    return train, held


def make_glyphs(
    characters: dict[str, list[Grey]], fonts: Iterable[Path], latin_fonts: Iterable[Path]
) -> Glyphs:
    """Glyphs of real `characters`, and of fonts: Chinese characters from `fonts`, digits and
    letters from `latin_fonts`.
    """
    mean, real = {}, {}
    for name, samples in characters.items():
        mean[name], real[name] = _average([_enlarge(sample) for sample in samples[:_SAMPLES_MOST]])
    drawn: dict[str, list[Grey]] = {}
    latin = set(DIGITS + LETTERS + "O")
    for paths, selected in (
        (list(fonts), lambda c: c not in latin),
        (list(latin_fonts), lambda c: c in latin),
    ):
        _draw_all(drawn, paths, selected)
    if "0" in mean:
        mean["O"], real["O"] = mean["0"], real["0"]
    return Glyphs(mean, real, drawn)


def with_first_from(glyphs: Glyphs, fonts: Iterable[Path]) -> Glyphs:
    """The same but for the provinces, which only `fonts` draw."""
    drawn: dict[str, list[Grey]] = {}
    _draw_all(drawn, list(fonts), lambda character: character in PROVINCES)
    mean = {
        character: glyph for character, glyph in glyphs.mean.items() if character not in PROVINCES
    }
    real = {
        character: some for character, some in glyphs.real.items() if character not in PROVINCES
    }
    return Glyphs(mean, real, {**glyphs.drawn, **drawn})


def _draw_all(
    drawn: dict[str, list[Grey]], paths: list[Path], selected: Callable[[str], bool]
) -> None:
    for path in paths:
        for character in DRAWN_CHARACTERS:
            if selected(character):
                drawn.setdefault(character, []).append(_draw(path, character))


def _enlarge(sample: Grey) -> Grey:
    return np.asarray(
        cv2.resize(sample, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC), np.uint8
    )


def _average(samples: list[Grey]) -> tuple[Grey, list[Grey]]:
    """The mean of the samples that agree, each shifted onto it; and those samples that are not
    plainly something else.
    """
    shifted: list[Floats] = [sample.astype(np.float32) / np.float32(255) for sample in samples]
    mean: Floats = np.median(np.stack(shifted), axis=0).astype(np.float32)
    order = np.arange(len(samples))
    for _ in range(_ALIGNING_ROUNDS):
        shifted = [_shift_onto(sample, mean) for sample in shifted]
        agreement = [float(np.corrcoef(sample.ravel(), mean.ravel())[0, 1]) for sample in shifted]
        order = np.argsort(agreement)[::-1]
        kept = order[: max(3, round(len(order) * _KEPT_FOR_MEAN))]
        mean = np.mean([shifted[i] for i in kept], axis=0, dtype=np.float32)
    usable = order[: max(3, round(len(order) * _KEPT_AS_THEY_ARE))]
    mean = mean / np.float32(max(float(np.percentile(mean, 99)), 0.1))
    mean = mean + _SHARPEN * (mean - cv2.GaussianBlur(mean, (0, 0), _BLURRED_BY_PX))
    return _grey(mean), [_grey(shifted[i]) for i in usable]


def _shift_onto(sample: Floats, mean: Floats) -> Floats:
    shift, _ = cv2.phaseCorrelate(sample, mean)
    dx, dy = (float(np.clip(value, -4, 4)) for value in shift)
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return np.asarray(
        cv2.warpAffine(sample, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR), np.float32
    )


def _grey(picture: Floats) -> Grey:
    return np.asarray(np.clip(picture, 0, 1) * 255, np.uint8)


def _face(font: Path) -> ImageFont.FreeTypeFont:
    """The font; of a collection its first face of simplified Chinese, where it names one:
    others draw some characters otherwise.
    """
    first = ImageFont.truetype(str(font), _DRAWN_PX)
    if font.suffix == ".ttc" and (first.getname()[0] or "").endswith(" JP"):
        return ImageFont.truetype(str(font), _DRAWN_PX, index=_SIMPLIFIED)
    return first


def _draw(font: Path, character: str) -> Grey:
    """The character from a font, stretched to the box that plates give it."""
    face = _face(font)
    left, top, right, bottom = face.getbbox(character)
    canvas = Image.new("L", (round(right - left) + 8, round(bottom - top) + 8), 0)
    ImageDraw.Draw(canvas).text((4 - left, 4 - top), character, font=face, fill=255)
    ink = np.asarray(canvas, np.uint8)
    rows, columns = np.flatnonzero(ink.max(axis=1) > 100), np.flatnonzero(ink.max(axis=0) > 100)
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    wide, high = _LATIN_BOX_PX if character.isascii() else _HAN_BOX_PX
    stretched = cv2.resize(ink, (_NARROW.get(character, wide), high), interpolation=cv2.INTER_AREA)
    glyph = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    x = (SIDE_PX - stretched.shape[1]) // 2
    glyph[:high, x : x + stretched.shape[1]] = stretched
    return glyph
