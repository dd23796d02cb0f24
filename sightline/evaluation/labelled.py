"""Labelled pictures: image files of many formats, each named by its plate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from domain.errors import BadInput
from domain.plates import is_plate, normalise

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif"),
    *(".avif", ".heic", ".heif", ".jp2", ".ppm", ".pgm", ".pbm"),
)
_BETWEEN = re.compile(r"[-_ .,+~#@()（）\[\]【】·•—]+")
"""Separators between a plate and a number, a place or a date in a file's name.

They may also be inside the plate.
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and the plate that it shows."""

    file: Path
    truth: str


def labelled(folder: Path) -> list[Labelled]:
    """Return the pictures in `folder` and below it, by name.

    Raises BadInput where there is no folder, or no picture in it.
    """
    if not folder.is_dir():
        raise BadInput(
            "there is no folder {folder}; name one that holds pictures, each named by its plate",
            folder=folder,
        )
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file() and file.name[0] != "."
    )
    if not files:
        raise BadInput(
            "there is no picture in {folder}; pictures end in {suffixes}",
            folder=folder,
            suffixes=", ".join(SUFFIXES),
        )
    return [Labelled(file, truth_of(file, folder)) for file in files]


def truth_of(file: Path, folder: Path) -> str:
    """Return the plate in a picture's name, or in the name of a parent folder within `folder`.

    Without one it returns the first part of the name. `鄂C12345.jpg`, `鄂C·12345.png`,
    `鄂C12345-2.jpg`, `gate 3_鄂C12345 (night).jpg` and `鄂C12345/7.jpg` are all of 鄂C12345.
    """
    around = [parent.name for parent in file.relative_to(folder).parents if parent.name]
    named = (plate for name in (file.stem, *around) for plate in _plates_in(name))
    return next(named, normalise(_BETWEEN.split(file.stem)[0]))


def _plates_in(name: str) -> Iterator[str]:
    """Yield the plates in a name, at each position the shortest first.

    `粤BD1234-5` is the fifth picture of a plate, and not another plate.
    """
    parts = [normalise(part) for part in _BETWEEN.split(name)]
    for start in range(len(parts)):
        for end in range(start + 1, len(parts) + 1):
            joined = "".join(parts[start:end])
            if is_plate(joined):
                yield joined


def open_picture(file: Path) -> NDArray[np.uint8]:
    """Return the picture upright, as (height, width, 3) in blue, green and red.

    Raises BadInput where the file holds no picture, OSError where it cannot be read.
    """
    content = np.fromfile(file, np.uint8)
    if not content.size:
        raise BadInput("it is empty")
    try:
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    return np.asarray(picture, np.uint8) if picture is not None else _by_ffmpeg(file)


def _by_ffmpeg(file: Path) -> NDArray[np.uint8]:
    """Open a picture in a format that OpenCV does not support."""
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(video=0):
                return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise BadInput("it is no picture, or a damaged one") from error
    raise BadInput("it holds no picture")
