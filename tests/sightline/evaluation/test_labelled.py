"""The plate in a file's name, and the formats that open."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from domain.errors import BadInput
from sightline.evaluation.labelled import labelled, open_picture, truth_of


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("鄂C12345.jpg", "鄂C12345"),
        ("鄂C·12345.png", "鄂C12345"),
        ("鄂c12345-2.jpg", "鄂C12345"),
        ("gate 3_鄂C12345 (night).jpg", "鄂C12345"),
        ("鄂C12345/7.jpg", "鄂C12345"),
        ("鄂C12345/front/0001.jpg", "鄂C12345"),
        ("粤BD1234-5.jpg", "粤BD1234"),  # and not the new-energy plate 粤BD12345
        ("粤B-D12345.jpg", "粤BD12345"),
        ("2024-05-11_粤Z1234港.jpg", "粤Z1234港"),
        ("WJ鄂1234X.jpg", "WJ鄂1234X"),  # no plate of the grammar: the truth all the same
    ],
)
def test_the_plate_in_a_name(name: str, truth: str) -> None:
    assert truth_of(Path("plates") / name, Path("plates")) == truth


def test_pictures_are_found_below_and_other_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "湘").mkdir()
    for name in ("湘/湘A12345.JPG", "鄂C12345.webp", "README.md", ".鄂C12345.jpg"):
        (tmp_path / name).write_bytes(b"x")
    assert [one.truth for one in labelled(tmp_path)] == ["湘A12345", "鄂C12345"]


def test_no_folder_and_no_picture_are_reported(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        labelled(tmp_path / "absent")
    with pytest.raises(BadInput, match="there is no picture"):
        labelled(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"鄂C12345.{suffix}"
    picture = np.full((24, 94), 120, np.uint8)  # grey
    file.write_bytes(cv2.imencode(f".{suffix}", picture)[1].tobytes())
    opened = open_picture(file)
    assert opened.shape == (24, 94, 3)
    assert abs(int(opened.mean()) - 120) < 4


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 and no more"])
def test_what_is_no_picture_is_reported(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "鄂C12345.jpg"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"empty|no picture"):
        open_picture(file)
