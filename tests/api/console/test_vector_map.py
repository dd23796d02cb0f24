"""The base map of vector tiles in a browser: colours, names, both themes, and damaged tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.base_map.pmtiles import TileType
from api.base_map.tile_archive import TileArchive
from api.site.console import built_console
from domain.people import Role
from tests.api.base_map.written_map import write_map
from tests.api.console.drawn_vector_map import CITY_PLACE, draw_vector_map, world
from tests.api.console.pages import axe, choose, has_label, open_in_english
from tests.api.console.street import open_street
from tests.api.site_data import REGISTRY
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.paths.data_layout import Layout
    from tests.api.conftest import OpenSite
    from tests.api.site_data import MakeEvent

OpenMap = Callable[[Path], AbstractContextManager[None]]
MARGIN_PX = 50
FAILED = "A part of the base map could not be loaded."


@pytest.fixture
def open_map(
    browser: Browser,
    open_site: OpenSite,
    make_event: MakeEvent,
    record: Callable[[Layout, str, int, float], Path],
) -> OpenMap:
    """Return a context in which the map of the cameras is open, over a map file."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")

    @contextmanager
    def opened(file: Path) -> Iterator[None]:
        with closing(TileArchive(file)) as archive:
            site = open_street(open_site, make_event, record, base_map=archive)
            open_in_english(browser, site, site.tokens[Role.INTEGRATOR])
            browser.until("signed in", lambda: browser.text(".person"))
            choose(browser, "Theme", "light")
            browser.run("location.hash = '#/cameras?view=map'")
            yield
            assert browser.console_errors() == []
            browser.open("about:blank")

    return opened


@pytest.mark.parametrize("schema", ["protomaps", "openmaptiles"])
def test_the_ground_has_the_colours_of_the_theme_and_names_in_the_language(
    browser: Browser, open_map: OpenMap, tmp_path: Path, schema: str
) -> None:
    """The tiles end three zooms before the view, so that they are drawn enlarged."""
    with open_map(draw_vector_map(tmp_path / "city.pmtiles", schema)):
        browser.until("lake", partial(_has_colour, browser, CORNER, "map-water"))
        assert browser.text(".map-source") == "drawn for the tests"
        browser.until("name", lambda: _ink_px(browser) > 50)
        english = browser.run(NAME_PICTURE, *_place_px(browser))
        assert axe(browser) == []
        browser.shoot(f"vector-map-{schema}-light")

        choose(browser, "Theme", "dark")
        browser.until("dark lake", partial(_has_colour, browser, CORNER, "map-water"))
        browser.until("light name", lambda: _ink_px(browser) > 50)
        browser.shoot(f"vector-map-{schema}-dark")

        choose(browser, "Theme", "light")
        choose(browser, "Language", "zh")
        browser.until("Chinese", partial(has_label, browser, "主题"))
        browser.until("lake", partial(_has_colour, browser, CORNER, "map-water"))
        browser.until("Chinese name", lambda: _ink_px(browser) > 50)
        assert browser.run(NAME_PICTURE, *_place_px(browser)) != english
        browser.shoot(f"vector-map-{schema}-zh")
        choose(browser, "语言", "en")


def test_lines_and_areas_of_an_unknown_schema_are_drawn_thinly(
    browser: Browser, open_map: OpenMap, tmp_path: Path
) -> None:
    with open_map(draw_vector_map(tmp_path / "city.pmtiles", "unknown")):
        browser.until("land", partial(_has_colour, browser, CORNER, "map-land"))
        width, height = browser.run(f"{CANVAS}; return [canvas.width, canvas.height]")
        land = _colour(browser, "map-land")
        browser.until("lines", lambda: width * height - browser.run(COUNT, land) > 3_000)
        assert _ink_px(browser) == 0, "an unknown schema has no names"


def test_a_damaged_tile_is_reported_as_one_that_could_not_be_loaded(
    browser: Browser, open_map: OpenMap, tmp_path: Path
) -> None:
    file = write_map(
        tmp_path / "city.pmtiles",
        {(0, 0, 0): b"\x1a\xff\xff\xff\xff\x07"},
        kind=TileType.VECTOR,
        metadata={"vector_layers": [{"id": "water"}]},
    )
    with open_map(file):
        browser.until("report", lambda: browser.text(".map-note") == FAILED)


def _place_px(browser: Browser) -> tuple[int, int]:
    """Return where the city is on the canvas, which shows the cameras with a margin."""
    width, height = browser.run(f"{CANVAS}; return [canvas.clientWidth, canvas.clientHeight]")
    places = [world((one.location.lon, one.location.lat)) for one in REGISTRY.cameras]
    left, right = (limit(x for x, _ in places) for limit in (min, max))
    top, bottom = (limit(y for _, y in places) for limit in (min, max))
    scale = (width - 2 * MARGIN_PX) / (right - left)
    x, y = world(CITY_PLACE)
    return (
        round(width / 2 + (x - (left + right) / 2) * scale),
        round(height / 2 + (y - (top + bottom) / 2) * scale),
    )


def _ink_px(browser: Browser) -> int:
    """Return how many pixels around the city have the colour of letters."""
    x, y = _place_px(browser)
    found: int = browser.run(COUNT, _colour(browser, "ink"), x - 50, y - 10, 100, 20)
    return found


def _has_colour(browser: Browser, script: str, name: str) -> bool:
    pixel = browser.run(script)  # None as long as the page has no map
    return bool(pixel is not None and pixel == _colour(browser, name))


def _colour(browser: Browser, name: str) -> list[int]:
    """Return the red, green and blue that the style sheet has now under a name."""
    found: list[int] = browser.run(
        "const probe = document.createElement('span');"
        "document.querySelector('.map').append(probe);"
        "probe.style.color = `var(--${arguments[0]})`;"
        "const color = getComputedStyle(probe).color; probe.remove();"
        "return color.match(/\\d+/g).slice(0, 3).map(Number)",
        name,
    )
    return found


CANVAS = "const canvas = document.querySelector('.map canvas')"
_CONTEXT = (
    f"{CANVAS}; if (!canvas || canvas.width === 0) return null;"
    "const context = canvas.getContext('2d');"
)
CORNER = _CONTEXT + "return [...context.getImageData(2, 2, 1, 1).data].slice(0, 3)"
COUNT = _CONTEXT + (
    "const [[red, green, blue], x = 0, y = 0, width = canvas.width, height = canvas.height] ="
    " arguments;"
    "const {data} = context.getImageData(x, y, width, height);"
    "let count = 0;"
    "for (let at = 0; at < data.length; at += 4)"
    " if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count += 1;"
    "return count"
)
"""Counts the pixels of a colour, in a rectangle or on the whole canvas."""
NAME_PICTURE = _CONTEXT + (
    "const [x, y] = arguments;return [...context.getImageData(x - 50, y - 10, 100, 20).data].join()"
)
