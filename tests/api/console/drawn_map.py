"""A map of the streets around the cameras of the tests, drawn as a file of raster tiles."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike

from tests.api.base_map.written_map import write_map

ZOOM, LEAST_ZOOM = 14, 12
TILE_PX = 256
TILES_A_SIDE = 8
MIDDLE = (111.463, 32.54)
"""Longitude and latitude between the two gates."""
_LAND, _PARK, _RIVER = (233, 240, 242), (205, 229, 208), (232, 211, 176)
_STREET, _AVENUE, _EDGE = (255, 255, 255), (168, 221, 247), (205, 208, 212)
_RIVER_AT = (
    (111.4905, 32.62),
    (111.4965, 32.575),
    (111.4935, 32.54),
    (111.5, 32.5),
    (111.49, 32.46),
)
_AVENUES = (
    ((111.35, 32.5385), (111.413, 32.54), (111.513, 32.54), (111.58, 32.546)),
    ((111.413, 32.60), (111.413, 32.54), (111.43, 32.47)),
    ((111.513, 32.61), (111.513, 32.54), (111.505, 32.47)),
)


def draw_map(file: Path) -> Path:
    """Write the map and return its file."""
    left, top = _first_tile()
    canvas = _drawn()
    tiles: dict[tuple[int, int, int], bytes] = {}
    for zoom in range(ZOOM, LEAST_ZOOM - 1, -1):
        shift = ZOOM - zoom
        for row in range(TILES_A_SIDE >> shift):
            for column in range(TILES_A_SIDE >> shift):
                y, x = row * TILE_PX, column * TILE_PX
                tile = canvas[y : y + TILE_PX, x : x + TILE_PX]
                place = zoom, (left >> shift) + column, (top >> shift) + row
                tiles[place] = cv2.imencode(".png", tile)[1].tobytes()
        canvas = cv2.resize(canvas, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return write_map(file, tiles, leaf_entries=20, metadata={"attribution": "drawn for the tests"})


def _drawn() -> MatLike:
    side = TILE_PX * TILES_A_SIDE
    canvas = np.full((side, side, 3), _LAND, np.uint8)
    for west, north, east, south in (
        (111.44, 32.556, 111.458, 32.545),
        (111.466, 32.535, 111.482, 32.523),
        (111.52, 32.535, 111.545, 32.515),
    ):
        cv2.rectangle(canvas, _pixel((west, north)), _pixel((east, south)), _PARK, -1)
    _line(canvas, _RIVER_AT, _RIVER, 44)
    for step in range(-9, 10):
        lon, lat = MIDDLE[0] + 0.009 * step, MIDDLE[1] + 0.0075 * step
        for street in (((lon, 32.46), (lon + 0.004, 32.62)), ((111.35, lat), (111.6, lat + 0.003))):
            _line(canvas, street, _EDGE, 7)
            _line(canvas, street, _STREET, 5)
    for color, width_px in ((_EDGE, 15), (_AVENUE, 12)):
        for avenue in _AVENUES:
            _line(canvas, avenue, color, width_px)
    return canvas


def _line(
    canvas: MatLike,
    places: tuple[tuple[float, float], ...],
    color: tuple[int, int, int],
    width_px: int,
) -> None:
    points = np.array([_pixel(place) for place in places], np.int32)
    cv2.polylines(canvas, [points], isClosed=False, color=color, thickness=width_px, lineType=16)


def _first_tile() -> tuple[int, int]:
    """Return column and row of the first tile, whose parents begin there too."""
    x, y = _world(MIDDLE)
    coarse = TILES_A_SIDE >> 1
    return tuple(  # type: ignore[return-value]
        (round(part * (1 << ZOOM)) // coarse - 1) * coarse for part in (x, y)
    )


def _pixel(place: tuple[float, float]) -> tuple[int, int]:
    x, y = _world(place)
    left, top = _first_tile()
    scale = TILE_PX * (1 << ZOOM)
    return round(x * scale) - left * TILE_PX, round(y * scale) - top * TILE_PX


def _world(place: tuple[float, float]) -> tuple[float, float]:
    """Return a place in Web Mercator, as parts of the world's side."""
    lon, lat = place
    y = math.asinh(math.tan(math.radians(lat)))
    return (lon + 180) / 360, (1 - y / math.pi) / 2
