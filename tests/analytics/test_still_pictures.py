"""Still pictures, on the development photographs: a plate of two rows among them, which the detector alone does not find."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from analytics.detections import Picture
from analytics.models import Models
from analytics.still_pictures import StillPictures
from domain.plates import PlateColor


@pytest.fixture(scope="module")
def stills(models: Models) -> StillPictures:
    return StillPictures(models)


def _open(file: Path) -> Picture:
    return np.asarray(cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize(("name", "color"), [("粤AB2893", PlateColor.YELLOW), ("湘AED855", PlateColor.BLUE)])
def test_plates_of_one_and_of_two_rows(stills: StillPictures, footage: Path, name: str, color: PlateColor) -> None:
    read = {still.fused.text: still for still in stills.photograph(_open(footage / "plate-photos" / f"{name}.jpg"))}
    assert read[name].fused.is_read
    assert read[name].color is color


def test_a_crop_is_one_plate(stills: StillPictures, footage: Path) -> None:
    still = stills.crop(_open(footage / "plate-crops" / "川X90621.jpg"))
    assert (still.fused.text, still.fused.is_read) == ("川X90621", True)


def test_nothing_is_read_on_an_empty_picture(stills: StillPictures) -> None:
    assert stills.photograph(np.full((300, 400, 3), 90, np.uint8)) == []
    assert not stills.crop(np.full((24, 94, 3), 90, np.uint8)).fused.is_read
