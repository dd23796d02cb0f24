"""The demo's footage has valid plates and the right encoding, and is created once."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from domain.plates import ALPHABET, PlateColor, is_plate
from simulator.footage import BITRATE_BPS, FPS, VEHICLES, make_footage, truth_of
from simulator.media import prepare
from simulator.plates import draw_plate, glyph
from simulator.vehicles import Vehicle


@pytest.mark.parametrize("vehicle", VEHICLES, ids=lambda vehicle: str(vehicle.plate))
def test_the_plates_are_correct(vehicle: Vehicle) -> None:
    assert is_plate(vehicle.plate)
    assert (len(vehicle.plate) == 8) == (vehicle.plate_color is PlateColor.GREEN)


def test_every_vehicle_has_a_plate_and_a_province_of_its_own() -> None:
    assert len({vehicle.plate[0] for vehicle in VEHICLES}) == len(VEHICLES) == 8


@pytest.mark.parametrize(
    "color", [color for color in PlateColor if color is not PlateColor.UNKNOWN]
)
def test_a_plate_has_its_size_and_ink(color: PlateColor) -> None:
    text = (
        "粤BD12345"
        if color is PlateColor.GREEN
        else "京A0216警"
        if color is PlateColor.WHITE
        else "鄂C12345"
    )
    plate = draw_plate(text, color)
    assert plate.shape == (280, 960 if color is PlateColor.GREEN else 880, 3)
    assert plate.std() > 20


def test_the_font_has_every_character_of_a_plate() -> None:
    missing = glyph("☃")
    assert not [character for character in ALPHABET if np.array_equal(glyph(character), missing)]


def test_footage_is_made_once_and_is_as_a_camera_would_send_it(tmp_path: Path) -> None:
    said: list[str] = []
    footage = make_footage(tmp_path, said.append)
    assert len(said) == 3
    made_ns = [path.stat().st_mtime_ns for path in (footage.plates, footage.faces, footage.street)]
    assert make_footage(tmp_path, said.append) == footage
    assert [
        path.stat().st_mtime_ns for path in (footage.plates, footage.faces, footage.street)
    ] == made_ns
    assert len(said) == 3
    for path in (footage.plates, footage.faces, footage.street):
        media, truth = prepare(path), json.loads(truth_of(path).read_text("utf-8"))
        assert len(media.units) == truth["frames"]
        assert all(unit.pts == unit.due for unit in media.units)
        assert all(unit.is_keyframe == (index % FPS == 0) for index, unit in enumerate(media.units))
        assert path.stat().st_size * 8 / media.duration_s < BITRATE_BPS * 1.5
    with av.open(str(footage.plates)) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height) == (1280, 720)
