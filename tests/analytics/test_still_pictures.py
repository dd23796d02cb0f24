"""Still pictures: plates of two rows are among them, which the detector alone does not find."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from analytics.detection.detections import Picture
from analytics.models import Models
from analytics.still_pictures import StillPictures
from tests.footage import Footage


@pytest.fixture(scope="module")
def stills(models: Models) -> StillPictures:
    return StillPictures(models)


def _open(file: Path) -> Picture:
    return np.asarray(cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def test_plates_of_one_and_of_two_rows(stills: StillPictures, footage: Footage) -> None:
    """Drawn photographs show every province and kind."""
    for name, color in footage.colors.items():
        found = stills.photograph(_open(footage.photos / f"{name}.jpg"))
        read = {still.fused.text: still for still in found}
        assert name in read, (name, sorted(read))
        assert read[name].fused.is_read, name
        assert read[name].color is color, name


def test_a_crop_is_one_plate(stills: StillPictures, footage: Footage) -> None:
    for name in footage.read_crops:
        still = stills.crop(_open(footage.crops / f"{name}.jpg"))
        assert (still.fused.text, still.fused.is_read) == (name, True)


def test_nothing_is_read_on_an_empty_picture(stills: StillPictures) -> None:
    assert stills.photograph(np.full((300, 400, 3), 90, np.uint8)) == []
    assert not stills.crop(np.full((24, 94, 3), 90, np.uint8)).fused.is_read
