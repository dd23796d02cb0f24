"""Our own reader: what its file says of itself, and what it makes of a crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

import analytics
from analytics.inference.onnx_runtime import Model
from analytics.plates.own_reader import ALPHABET, HEIGHT_PX, WIDTH_PX, OwnReader

WEIGHTS = Path(str(analytics.__file__)).parent / "weights" / "plate_reader.onnx"


@pytest.fixture(scope="module")
def reader() -> OwnReader:
    return OwnReader(Model(WEIGHTS))


def test_the_file_knows_the_alphabet_that_the_code_uses() -> None:
    known = {entry.key: entry.value for entry in onnx.load(str(WEIGHTS)).metadata_props}
    assert known["alphabet"] == ALPHABET
    assert f"{HEIGHT_PX},{WIDTH_PX},3" in known["input"]
    assert known["seed"]
    assert "plate-characters.zip" in known["data"]


def test_the_file_is_small() -> None:
    assert WEIGHTS.stat().st_size < 4_000_000


@pytest.mark.parametrize("shape", [(48, 188, 3), (24, 94, 3), (7, 20, 3), (1, 1, 3)])
def test_a_lattice_is_a_distribution_at_each_step(
    reader: OwnReader, shape: tuple[int, ...]
) -> None:
    lattice = reader.read(np.full(shape, 90, np.uint8))
    assert lattice.shape == (32, 1 + len(ALPHABET))
    assert np.allclose(lattice.sum(axis=1), 1, atol=1e-4)


def test_darkness_changes_little(reader: OwnReader) -> None:
    """The crop is standardised inside the graph."""
    crop = np.zeros((48, 188, 3), np.uint8)
    cv2.putText(crop, "A 12345", (6, 38), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (240, 240, 240), 4)
    dark = (crop // 2).astype(np.uint8)
    assert np.abs(reader.read(crop) - reader.read(dark)).mean() < 0.01
