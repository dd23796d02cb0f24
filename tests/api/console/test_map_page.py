"""The map in a browser, with the cameras of the reference city: results, a journey, states."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from api.access.api_context import SiteRegistry
from api.base_map.tile_archive import TileArchive
from api.site.console import built_console
from domain.people import Role
from domain.registry import Registry
from tests.api.base_map.written_map import write_map
from tests.api.console.pages import (
    MAP_IS_DRAWN,
    axe,
    check_access,
    choose,
    give_reason,
    open_in_english,
)
from tests.api.console.street import open_street
from tests.api.site_data import REGISTRY
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.paths.data_layout import Layout
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

CAMERAS = 5_911
CANVAS = ".map canvas"
FRAMES = 120
PAN = (
    """
const done = arguments[0];
const canvas = document.querySelector(".map canvas");
const send = (type, x) => canvas.dispatchEvent(new PointerEvent(type,
  {pointerId: 1, clientX: x, clientY: 300, bubbles: true}));
canvas.setPointerCapture = () => undefined;
send("pointerdown", 700);
const intervals = [];
let last = performance.now();
let count = 0;
const step = (now) => {
  intervals.push(now - last);
  last = now;
  count += 1;
  send("pointermove", 700 + 200 * Math.sin(count / 10));
  if (count < """
    + str(FRAMES)
    + """) requestAnimationFrame(step);
  else { send("pointerup", 700); done(intervals); }
};
requestAnimationFrame(step);
"""
)
"""Pans the map in each frame, and gives the intervals between frames in milliseconds."""


@pytest.fixture
def city(
    browser: Browser,
    open_site: OpenSite,
    make_event: MakeEvent,
    record: Callable[[Layout, str, int, float], Path],
) -> Any:
    """A street in a city with as many cameras as the reference city."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    cameras = [_camera(number) for number in range(CAMERAS - len(REGISTRY.cameras))]
    document = {"version": 1, "cameras": cameras}
    others = Registry.model_validate(document).cameras
    registry = REGISTRY.model_copy(update={"cameras": (*REGISTRY.cameras, *others)})
    yield open_street(open_site, make_event, record, registry=lambda: SiteRegistry(registry))
    browser.open("about:blank")


def _camera(number: int) -> dict[str, object]:
    """Return one of the cameras on a grid around the street."""
    return {
        "id": f"camera-{number}",
        "name": f"Camera {number}",
        "class": "B",
        "area": "danjiangkou",
        "location": {"lon": 111.0 + 0.01 * (number % 80), "lat": 32.2 + 0.01 * (number // 80)},
        "url": f"rtsp://10.1.2.3:554/{number}",
    }


def test_the_ground_of_a_map_is_the_map_file_of_the_site(
    browser: Browser,
    open_site: OpenSite,
    make_event: MakeEvent,
    record: Callable[[Layout, str, int, float], Path],
    tmp_path: Path,
) -> None:
    """The only tile of the file is enlarged, and fetched with the token of the person."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    picture = cv2.imencode(".png", np.full((8, 8, 3), (160, 90, 30), np.uint8))[1].tobytes()
    file = write_map(
        tmp_path / "city.pmtiles", {(0, 0, 0): picture}, metadata={"attribution": "the survey"}
    )
    with closing(TileArchive(file)) as archive:
        site = open_street(open_site, make_event, record, base_map=archive)
        open_in_english(browser, site, site.tokens[Role.INTEGRATOR])
        browser.until("signed in", lambda: browser.text(".person"))
        browser.run("location.hash = '#/cameras?view=map'")
        browser.until("ground", lambda: browser.run(CORNER) == [30, 90, 160])
        assert browser.text(".map-source") == "the survey"
        assert axe(browser) == []
        assert browser.console_errors() == []
        browser.open("about:blank")


def test_results_journeys_and_cameras_are_on_the_map(
    browser: Browser, city: Site, make_event: MakeEvent
) -> None:
    city.context.index.put(make_event(61, "west-gate"))
    open_in_english(browser, city, city.tokens[Role.OPERATOR])
    give_reason(browser, "stolen vehicle")
    browser.until("results", lambda: len(browser.texts(".card")) == 4)
    search_on_the_map(browser)
    play_a_journey(browser)
    pan_all_cameras(browser)


def search_on_the_map(browser: Browser) -> None:
    choose(browser, "View", "map")
    browser.until("map", lambda: browser.run(MAP_IS_DRAWN))
    check_access(browser, "find-map", back="en")
    # Both gates are at the same latitude, so they are at the left and right margins.
    east = _margin_part(browser)
    browser.point_at(CANVAS, 1 - east, 0.5)
    browser.until("name", lambda: "均州路东口卡口: 1 result" in browser.text(".map-hint"))
    assert len(browser.texts(".card.pointed")) == 1, "the list marks what the map points at"
    browser.point_at(CANVAS, 1 - east, 0.5, click=True)
    browser.until("passing", lambda: "鄂F·88888" in browser.text("dialog"))
    browser.press("Escape")

    browser.run(
        "[...document.querySelectorAll('.map-buttons button')]"
        ".find((one) => one.innerText === 'Polygon').click()"
    )
    for across, down in ((0.6, 0.2), (0.99, 0.2), (0.99, 0.8)):
        browser.point_at(CANVAS, across, down, click=True)
    browser.run(f"document.querySelector('{CANVAS}').focus()")
    browser.press("Enter")
    browser.until("polygon", lambda: "within=111." in browser.run(ADDRESS))
    browser.until("one result", lambda: len(browser.texts(".card")) == 1)
    browser.click(".map-buttons button:last-child")
    browser.until("all results", lambda: len(browser.texts(".card")) == 4)
    assert "within" not in browser.run(ADDRESS)


def _margin_part(browser: Browser) -> float:
    """Return the margin of a map that shows all marks, as a part of its width."""
    width: int = browser.run(f"return document.querySelector('{CANVAS}').clientWidth")
    return 50 / width


def play_a_journey(browser: Browser) -> None:
    day = "from=2025-11-24T00:00:00Z&to=2025-11-25T00:00:00Z"
    browser.run(f"location.hash = '#/journeys?plate=鄂F88888&{day}'")
    browser.until("sightings", lambda: len(browser.texts("button.sighting")) == 2)
    first = browser.text(".journey-map time")
    browser.click(".journey-map .row button")
    browser.until("movement", lambda: browser.text(".journey-map time") != first)
    browser.click(".journey-map .row button")
    browser.shoot("journey-map")
    browser.point_at("button.sighting", 0.5, 0.5)
    browser.until("mark of the camera", lambda: len(browser.texts(".sighting.pointed")) == 1)


def pan_all_cameras(browser: Browser) -> None:
    """Pan the map of all cameras. SIGHTLINE_SCREENSHOTS gets the intervals between frames."""
    browser.run("location.hash = '#/cameras?view=map'")
    browser.until("cameras", lambda: f"{CAMERAS} cameras" in browser.text("main"))
    browser.until("map", lambda: browser.run(MAP_IS_DRAWN))
    assert axe(browser) == []
    before = browser.run(PICTURE)
    intervals = browser.run_async(PAN)
    assert len(intervals) == FRAMES
    browser.until("another picture", lambda: browser.run(PICTURE) != before)
    browser.shoot("cameras-map")
    if folder := os.environ.get("SIGHTLINE_SCREENSHOTS"):
        (Path(folder) / "frame-intervals-ms.json").write_text(json.dumps(sorted(intervals)))


CORNER = (
    f"const canvas = document.querySelector('{CANVAS}');"
    "if (!canvas || canvas.width === 0) return null;"
    "return [...canvas.getContext('2d').getImageData(2, 2, 1, 1).data].slice(0, 3)"
)
"""The colour of the ground in a corner, where no camera is."""
ADDRESS = "return decodeURIComponent(location.hash)"
PICTURE = f"return document.querySelector('{CANVAS}').toDataURL()"
