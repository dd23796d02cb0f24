"""A map of a lake, streets and places around the cameras of the tests, as vector tiles."""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from api.base_map.pmtiles import Compression, TileType
from tests.api.base_map.written_map import write_map
from tests.api.base_map.written_vector_tile import EXTENT, Feature, Property, Shape, vector_tile

ZOOMS = range(9, 13)
"""Views of the tests are closer, so the tiles of the last zoom are enlarged."""
WEST, SOUTH, EAST, NORTH = 111.2, 32.4, 111.7, 32.7
CITY_PLACE = (111.44, 32.552)
Place = tuple[float, float]
_Thing = tuple[str, Shape, Sequence[Place], Mapping[str, Property]]


def _box(west: float, south: float, east: float, north: float) -> list[Place]:
    return [(west, north), (east, north), (east, south), (west, south)]


def _names(chinese: str, english: str) -> dict[str, Property]:
    return {"name": chinese, "name:zh-Hans": chinese, "name:zh": chinese, "name:en": english}


_LAKE = _box(WEST, SOUTH, 111.412, NORTH)
_RIVER = [(111.412, 32.53), (111.45, 32.527), (111.5, 32.534), (111.6, 32.52)]
_AVENUE = [(111.35, 32.5465), (111.413, 32.547), (111.513, 32.5475), (111.6, 32.55)]
_STREETS = [
    [(lon, 32.5), (lon + 0.003, 32.58)] for lon in (111.42, 111.44, 111.455, 111.47, 111.49)
]
_PARK = _box(111.46, 32.548, 111.475, 32.556)
_HOUSES = [
    _box(111.425 + 0.003 * step, 32.5375, 111.427 + 0.003 * step, 32.539) for step in range(12)
]
_RAILWAY = [(111.4, 32.56), (111.47, 32.562), (111.56, 32.555)]
_CITY = _names("丹江口市", "Danjiangkou")
_AVENUE_NAMES = _names("汉江大道", "Hanjiang Avenue")

THINGS: Mapping[str, Sequence[_Thing]] = {
    "protomaps": (
        ("earth", "area", _box(WEST, SOUTH, EAST, NORTH), {"kind": "earth"}),
        ("landuse", "area", _PARK, {"kind": "park"}),
        ("water", "area", _LAKE, {"kind": "lake"}),
        ("water", "line", _RIVER, {"kind": "river"}),
        *(("buildings", "area", house, {"kind": "building"}) for house in _HOUSES),
        *(
            ("roads", "line", street, {"kind": "minor_road", "kind_detail": "residential"})
            for street in _STREETS
        ),
        (
            "roads",
            "line",
            _AVENUE,
            {"kind": "major_road", "kind_detail": "primary", **_AVENUE_NAMES},
        ),
        ("roads", "line", _RAILWAY, {"kind": "rail"}),
        (
            "places",
            "point",
            [CITY_PLACE],
            {"kind": "locality", "kind_detail": "city", "population_rank": 9, **_CITY},
        ),
    ),
    "openmaptiles": (
        ("park", "area", _PARK, {"class": "park"}),
        ("water", "area", _LAKE, {"class": "lake"}),
        ("waterway", "line", _RIVER, {"class": "river"}),
        *(("building", "area", house, {}) for house in _HOUSES),
        *(("transportation", "line", street, {"class": "minor"}) for street in _STREETS),
        ("transportation", "line", _AVENUE, {"class": "primary"}),
        ("transportation_name", "line", _AVENUE, {"class": "primary", **_AVENUE_NAMES}),
        ("transportation", "line", _RAILWAY, {"class": "rail"}),
        ("place", "point", [CITY_PLACE], {"class": "city", "rank": 4, **_CITY}),
    ),
    "unknown": (
        ("lakes", "area", _LAKE, {}),
        ("streets", "line", _AVENUE, _AVENUE_NAMES),
        *(("streets", "line", street, {}) for street in _STREETS),
    ),
}


def draw_vector_map(file: Path, schema: str = "protomaps") -> Path:
    """Write the map with gzip, as the usual programs do, and return its file."""
    things = THINGS[schema]
    tiles = {
        (zoom, column, row): gzip.compress(_tile(things, zoom, column, row), mtime=0)
        for zoom in ZOOMS
        for column in range(_position(WEST, 0, zoom)[0], _position(EAST, 0, zoom)[0] + 1)
        for row in range(_position(0, NORTH, zoom)[1], _position(0, SOUTH, zoom)[1] + 1)
    }
    layers = dict.fromkeys(layer for layer, *_ in things)
    return write_map(
        file,
        tiles,
        kind=TileType.VECTOR,
        tile_compression=Compression.GZIP,
        metadata={
            "attribution": "drawn for the tests",
            "vector_layers": [{"id": layer, "fields": {}} for layer in layers],
        },
    )


def _tile(things: Sequence[_Thing], zoom: int, column: int, row: int) -> bytes:
    """Return a tile with all things, wherever they are: the reader must clip them."""
    layers: dict[str, list[Feature]] = {}
    for layer, shape, places, properties in things:
        points = [_point(place, zoom, column, row) for place in places]
        layers.setdefault(layer, []).append(Feature(shape, [points], properties))
    return vector_tile(layers)


def _point(place: Place, zoom: int, column: int, row: int) -> tuple[int, int]:
    x, y = world(place)
    count = 1 << zoom
    return round((x * count - column) * EXTENT), round((y * count - row) * EXTENT)


def _position(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    x, y = world((lon, lat))
    return int(x * (1 << zoom)), int(y * (1 << zoom))


def world(place: Place) -> Place:
    """Return a place in Web Mercator, as parts of the world's side."""
    lon, lat = place
    y = math.asinh(math.tan(math.radians(lat)))
    return (lon + 180) / 360, (1 - y / math.pi) / 2
