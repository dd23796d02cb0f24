"""The intervals between frames on a map over vector tiles, far and near."""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path
from typing import Any

import httpx

from api.base_map.pmtiles import Compression, TileType
from benchmarks.city import City
from benchmarks.console.pages import CAMERAS, PAN, camera_entries, measure_frames
from tests.api.base_map.written_map import write_map
from tests.api.base_map.written_vector_tile import EXTENT, Feature, Property, vector_tile
from tests.waiting import wait_for
from tests.web_driver import Browser

ZOOMS = range(6, 14)
WEST, EAST, NORTH, SOUTH = 0.8055, 0.8112, 0.4000, 0.4060
"""The part of the world around the cameras, in Web Mercator."""
CONTENTS = 4
ROADS, BUILDINGS, AREAS, PLACES = 900, 2_000, 60, 12
_KINDS = (("highway", "motorway"), ("major_road", "primary"), ("minor_road", "residential"))
_NEARER_STEPS = 8
"""Each enlarges the map by a half, so that names of streets are shown."""
_IS_DRAWN = """
const canvas = document.querySelector('.map canvas');
if (!canvas || canvas.width === 0) return false;
const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
return new Set(new Uint32Array(data.buffer)).size > 500;
"""


def measure_vector_map(browser: Browser, folder: Path) -> dict[str, Any]:
    """Pan a map of all cameras over vector tiles: all of them in view, and at street names."""
    os.environ["SIGHTLINE_REASON_REQUIRED"] = "0"
    folder.mkdir(parents=True)
    os.environ["SIGHTLINE_MAP_FILE"] = str(_written(folder / "city.pmtiles"))
    try:
        with City(folder / "site", camera_entries(()), ()) as city:
            token = city.headers["Authorization"].removeprefix("Bearer ")
            address = f"http://127.0.0.1:{city.port}"
            wait_for("answer of the API", lambda: _is_up(address))
            browser.open("about:blank")
            browser.open(f"{address}/#token={token}")
            browser.until("signed in", lambda: browser.text(".person"))
            browser.run("location.hash = '#/cameras?view=map'")
            browser.until("cameras", lambda: f"{CAMERAS}" in browser.text("main"))
            browser.until("tiles", lambda: browser.run(_IS_DRAWN))
            found = {"far": measure_frames(browser, PAN)}
            for _ in range(_NEARER_STEPS):
                browser.click(".map-buttons button:first-child")
            browser.until("near tiles", lambda: browser.run(_IS_DRAWN))
            found["near"] = measure_frames(browser, PAN)
            return found
    finally:
        del os.environ["SIGHTLINE_MAP_FILE"]


def _is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _written(file: Path) -> Path:
    """Write a map with as much in each tile as a dense city has at its last zooms."""
    contents = [gzip.compress(_tile(seed), mtime=0) for seed in range(CONTENTS)]
    tiles = {
        (zoom, column, row): contents[(column + 2 * row) % CONTENTS]
        for zoom in ZOOMS
        for column in range(int(WEST * (1 << zoom)), int(EAST * (1 << zoom)) + 1)
        for row in range(int(NORTH * (1 << zoom)), int(SOUTH * (1 << zoom)) + 1)
    }
    layers = ("earth", "water", "landuse", "buildings", "roads", "places")
    return write_map(
        file,
        tiles,
        kind=TileType.VECTOR,
        tile_compression=Compression.GZIP,
        metadata={"vector_layers": [{"id": layer, "fields": {}} for layer in layers]},
    )


def _tile(seed: int) -> bytes:
    drawn = random.Random(seed)

    def walk(steps: int, step: int) -> list[tuple[int, int]]:
        x, y = drawn.randrange(EXTENT), drawn.randrange(EXTENT)
        points = [(x, y)]
        for _ in range(steps):
            x, y = x + drawn.randint(-step, step), y + drawn.randint(-step, step)
            points.append((x, y))
        return points

    def box(most: int) -> list[tuple[int, int]]:
        [(x, y)] = walk(0, 0)
        width, height = drawn.randint(8, most), drawn.randint(8, most)
        return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]

    def road(number: int) -> Feature:
        kind, detail = _KINDS[min(2, number % 9)]
        properties: dict[str, Property] = {"kind": kind, "kind_detail": detail}
        if number % 4 == 0:
            properties["name"] = f"人民路{number}"
        return Feature("line", [walk(8, 300)], properties)

    return vector_tile(
        {
            "water": [Feature("area", [box(900)], {"kind": "lake"}) for _ in range(AREAS // 4)],
            "landuse": [Feature("area", [box(700)], {"kind": "park"}) for _ in range(AREAS)],
            "buildings": [
                Feature("area", [box(40)], {"kind": "building"}) for _ in range(BUILDINGS)
            ],
            "roads": [road(number) for number in range(ROADS)],
            "places": [
                Feature(
                    "point",
                    [walk(0, 0)],
                    {"kind": "locality", "kind_detail": "town", "name": f"镇{seed}{number}"},
                )
                for number in range(PLACES)
            ],
        }
    )
