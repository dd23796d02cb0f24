"""Draws the footage that the tests need: films, photographs, crops and characters, with the truth.

Vehicles have plates of every kind and of every province. The simulator draws the road, the vehicles
and the people; the generator of the plate reader's training draws the plates. Everything is drawn
from fixed seeds, so that it is the same in each run.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from analytics.detection.detections import Picture
from domain.plates import ARMED_POLICE, DIGITS, LETTERS, PROVINCES, PlateColor
from simulator.footage import make_video
from simulator.plates import ASSETS
from simulator.reels import Car, faces_reel, plates_reel
from simulator.scene import HEIGHT_PX, WIDTH_PX, checkpoint_road
from simulator.sprites import Sprite
from simulator.vehicles import GROUND_PX, MIDDLE_PX, PX_PER_M, Shape, draw_with
from training.glyphs import Floats, Glyphs, Grey, make_glyphs
from training.plates import GROUNDS, draw_plate
from training.scenes import picture_of
from training.texts import ARMED_POLICE_KINDS, KINDS, MILITARY_KINDS, Kind, Rng, draw_text

FONT = ASSETS / "plate-font.otf"
FILM_SEED, PHOTO_SEED, CROP_SEED, CHARACTER_SEED = 1, 2, 3, 4
PLATE_WIDTHS_PX = (95, 190)
"""On photographs, of a plate of 440 mm."""
CROP_WIDTH_PX = 94
SAMPLES_OF_A_CHARACTER = 24
SHAPES: tuple[Shape, ...] = ("sedan", "van", "sedan")
_WITHOUT_PROVINCE = MILITARY_KINDS | {"embassy"}
_LIGHT_INK = frozenset({PlateColor.BLUE, PlateColor.BLACK})
_PALE_GREEN = (225, 240, 225)
_BLUR_PX, _NOISE_LEVELS, _JPEG_QUALITY = 0.6, 3.0, 90


def make_plates_film(file: Path) -> None:
    """One vehicle of each kind of plate, each of another province where its kind has one."""
    glyphs, provinces = _font_glyphs(), iter(PROVINCES)
    cars = []
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng([FILM_SEED, number])
        text = text_of(kind, "" if kind.name in _WITHOUT_PROVINCE else next(provinces), rng)
        cars.append(Car(text, kind.color, _vehicle(_plate(text, kind, glyphs, rng), kind, number)))
    make_video(plates_reel(cars), file)


def make_faces_film(file: Path) -> None:
    """Two people come up to a gate together, three times."""
    make_video(faces_reel(abreast=True), file)


def make_photos(folder: Path) -> None:
    """A vehicle on a road for each province, and each kind without one, named by its plate."""
    glyphs, road = _font_glyphs(), np.asarray(checkpoint_road(), np.uint8)
    for number, (text, kind) in enumerate(_texts(PHOTO_SEED)):
        rng = np.random.default_rng([PHOTO_SEED, number])
        vehicle = _vehicle(_plate(text, kind, glyphs, rng), kind, number)
        scale = float(rng.uniform(*PLATE_WIDTHS_PX)) / (0.44 * PX_PER_M)
        photo = road.copy()
        x, y = float(rng.uniform(0.3, 0.7)) * WIDTH_PX, float(rng.uniform(0.75, 0.9)) * HEIGHT_PX
        Sprite(vehicle, (MIDDLE_PX, GROUND_PX)).paste(photo, x, y, scale)
        _save(folder / f"{text}.jpg", _shot(photo, rng))


def photographed() -> dict[str, PlateColor]:
    """The plates of the photographs, and their colours."""
    return {text: kind.color for text, kind in _texts(PHOTO_SEED)}


def make_crops(folder: Path) -> None:
    """Plates of every province, and of every kind, cut out and named by their text."""
    glyphs = _font_glyphs()
    for number, (text, kind) in enumerate(_texts(CROP_SEED)):
        rng = np.random.default_rng([CROP_SEED, number])
        plate = _plate(text, kind, glyphs, rng)
        size = CROP_WIDTH_PX, round(CROP_WIDTH_PX * plate.shape[0] / plate.shape[1])
        small = np.asarray(cv2.resize(plate, size, interpolation=cv2.INTER_AREA), np.uint8)
        _save(folder / f"{text}.jpg", _shot(small, rng))


def make_characters(file: Path) -> None:
    """Characters in 20x20 px, white on black, a folder for each; no two samples are the same."""
    glyphs = _font_glyphs()
    with zipfile.ZipFile(file, "w") as archive:
        for index, character in enumerate(PROVINCES + DIGITS + LETTERS):
            rng = np.random.default_rng([CHARACTER_SEED, index])
            for number in range(SAMPLES_OF_A_CHARACTER):
                _, jpeg = cv2.imencode(".jpg", _scanned(glyphs.drawn[character][0], rng))
                archive.writestr(f"characters/{character}/{number:02}.jpg", jpeg.tobytes())


def text_of(kind: Kind, province: str, rng: Rng) -> str:
    """A text of that kind and province; "" for the kinds that have none."""
    while True:
        text = draw_text(kind, rng)
        if not province:
            return text
        if kind.name not in ARMED_POLICE_KINDS:
            return province + text[1:]
        if len(text) == 8:  # the plates of the headquarters have no province
            return ARMED_POLICE + province + text[3:]


def _texts(seed: int) -> list[tuple[str, Kind]]:
    """A plate of every province, their kinds in turn, and one of every kind without a province."""
    rng = np.random.default_rng(seed)
    of_province = [kind for kind in KINDS if kind.name not in _WITHOUT_PROVINCE]
    pairs = list(zip(PROVINCES, islice(cycle(of_province), len(PROVINCES)), strict=True))
    pairs += [("", kind) for kind in KINDS if kind.name in _WITHOUT_PROVINCE]
    return [(text_of(kind, province, rng), kind) for province, kind in pairs]


def _font_glyphs() -> Glyphs:
    return make_glyphs({}, [FONT], [FONT])


def _plate(text: str, kind: Kind, glyphs: Glyphs, rng: Rng) -> Picture:
    """In standard colours: those of training vary so far that some black plates are blue."""
    ink = np.full(3, 245 if kind.color in _LIGHT_INK else 20, np.float32)
    plate = draw_plate(text, kind, glyphs, rng)
    return picture_of(replace(plate, ground=_ground(kind), ink=ink, rim=ink))


def _ground(kind: Kind) -> Floats:
    """Small plates of new energy are pale above, large ones are yellow in their left quarter."""
    ground = np.broadcast_to(np.array(GROUNDS[kind.color], np.float32), (2, 8, 3)).copy()
    if kind.name == "green small":
        ground[0] = _PALE_GREEN
    elif kind.name == "green large":
        ground[:, :2] = GROUNDS[PlateColor.YELLOW]
    return ground


def _vehicle(plate: Picture, kind: Kind, number: int) -> Picture:
    """A plate of two rows is only on a lorry."""
    shape: Shape = "lorry" if kind.rows == 2 else SHAPES[number % len(SHAPES)]
    blue, green, red = (int(part) for part in np.random.default_rng(number).integers(30, 200, 3))
    return np.asarray(draw_with(plate, shape, (blue, green, red)), np.uint8)


def _shot(picture: Picture, rng: Rng) -> Picture:
    """As a camera gives it: a little blurred, with noise."""
    soft = cv2.GaussianBlur(picture, (0, 0), _BLUR_PX)
    noisy = soft + rng.normal(0, _NOISE_LEVELS, soft.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _scanned(glyph: Grey, rng: Rng) -> Grey:
    """The glyph moved by up to 1.5 px of its 54, blurred, made small, and with noise."""
    dx, dy = (float(shift) for shift in rng.uniform(-1.5, 1.5, 2))
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(glyph, matrix, glyph.shape[::-1], flags=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(0.4, 1.2)))
    small = cv2.resize(soft, (20, 20), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(np.clip(small + rng.normal(0, 8, small.shape), 0, 255), np.uint8)


def _save(file: Path, picture: Picture) -> None:
    file.parent.mkdir(exist_ok=True)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    file.write_bytes(jpeg.tobytes())
