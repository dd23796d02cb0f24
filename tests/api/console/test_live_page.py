"""Live video in a browser: the picture, the boxes, and the sound of a camera."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from api.access.api_context import SiteRegistry
from api.site.console import built_console
from domain.media.live_detections import LiveDetection, LiveDetections
from domain.people import Role
from tests.api.console.pages import LIVE_WIDTH, axe, check_access, give_reason, open_in_english
from tests.api.console.street import open_street
from tests.api.live.conftest import CAMERA, Camera
from tests.api.live.media_process import media_process
from tests.api.site_data import REGISTRY
from tests.live_station import Station, tapped
from tests.recorded import PLAIN, START_NS
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.paths.data_layout import Layout
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

    Record = Callable[[Layout, str, int, float], Path]


def test_a_tile_whose_cause_stays_is_not_tried_again_by_itself(
    browser: Browser, open_site: OpenSite, make_event: MakeEvent, record: Record
) -> None:
    """A camera with privacy masks is not shown without the right to it."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    street = open_street(open_site, make_event, record, registry=masked_registry)
    open_in_english(browser, street, street.tokens[Role.OPERATOR])
    give_reason(browser, "stolen vehicle")
    browser.run("location.hash = '#/live?size=1&cameras=school'")
    browser.until("cause", lambda: "privacy masks" in browser.text(".tile-message"))
    assert browser.text(".tile-message").startswith("No video. "), "it says that it tries again"
    assert refused_views(street) == 1
    browser.click(".tile-message .connect")
    browser.until("another try", lambda: refused_views(street) == 2)
    browser.open("about:blank")


def refused_views(site: Site) -> int:
    lines = [json.loads(line) for line in site.audit_lines()]
    return sum((line["route"], line["status"]) == ("camera.whep", 403) for line in lines)


def masked_registry() -> SiteRegistry:
    masks = (((0.0, 0.0), (1.0, 0.0), (1.0, 0.2)),)
    cameras = tuple(one.model_copy(update={"masks": masks}) for one in REGISTRY.cameras)
    return SiteRegistry(REGISTRY.model_copy(update={"cameras": cameras}))


def test_a_camera_is_watched_live(browser: Browser, street: Site) -> None:
    site = street
    station = Station(CAMERA, f"{CAMERA}/sub")
    site.hold(CAMERA)
    with tapped(site.layout.live_socket(0), station):
        camera = Camera(site, station)
        browser.open(f"{site.url}/healthz")
        browser.open(f"{site.url}/#token={site.tokens[Role.OPERATOR]}")
        browser.until("question for the reason", lambda: browser.text("form.reason-form"))
        browser.fill("input[name=reason]", "a theft in progress")
        browser.click("main form button.primary")
        browser.until("results", lambda: browser.text(".results-bar"))
        browser.run("location.hash = '#/live?size=1'")
        browser.click(".areas li button")
        with camera.feeding():
            browser.until("picture", lambda: browser.run(LIVE_WIDTH))
            browser.until("delay", lambda: "s behind" in browser.text(".tile-bar"))
        note = browser.text(".tile-route")
        assert "WebSocket" in note
        assert "The site serves no WebRTC" in note
        check_access(browser, "live", back="en")
        with camera.feeding():
            show_boxes(browser, camera)
            switch_on_sound(browser)
        browser.click(".tile-bar button:last-child")
        browser.until("free tile", lambda: "Choose a camera" in browser.text(".wall"))
        with media_process(site.layout):
            browser.open(f"{site.url}/healthz")  # The page forgets that there was no WebRTC.
            browser.open(f"{site.url}/#/live?size=1&cameras={CAMERA}")
            with camera.feeding():
                browser.until("picture by WebRTC", lambda: browser.run(LIVE_WIDTH))
                browser.until("WebRTC", lambda: browser.text(".tile-route").strip() == "WebRTC")
                browser.until("delay", lambda: "s behind" in browser.text(".tile-bar"))
            browser.click(".tile-bar button:last-child")
            browser.until("free tile", lambda: "Choose a camera" in browser.text(".wall"))
            site.eventually(lambda: _whep_phases(site)[-2:] == ["outcome", "viewed"])


def switch_on_sound(browser: Browser) -> None:
    """Switch the sound of a camera without sound on, which says so, and off again."""
    loudspeaker = "document.querySelector('.tile-bar .sound')"
    name = browser.run(f"return {loudspeaker}.getAttribute('aria-label')")
    assert str(name).startswith("Sound of ")
    browser.run(f"{loudspeaker}.focus()")
    browser.press("Enter")
    browser.until("reason", lambda: "sends no sound" in browser.text(".tile-message"))
    assert browser.run(f"return {loudspeaker}.getAttribute('aria-pressed')") == "true"
    browser.until("picture", lambda: browser.run(LIVE_WIDTH))
    browser.click(".tile-bar .sound")
    browser.until("no reason", lambda: "sends no sound" not in browser.text(".tile"))


def show_boxes(browser: Browser, camera: Camera) -> None:
    """Switch boxes on, let the analysis find a vehicle in each picture, and switch them off."""
    browser.click(".tile-bar .boxes")
    feed = camera.station.detections
    browser.until("a viewer watches the analysis", lambda: feed.is_watched)

    def plate_in_the_picture() -> object:
        car = LiveDetection(
            kind="vehicle", track=1, box=(0.1, 0.5, 0.4, 0.7), confidence=0.9, plate="鄂F88880"
        )
        newest_ns = START_NS + camera.put_count[CAMERA] * PLAIN.frame_ns
        feed.put(LiveDetections(wall_ns=newest_ns, items=(car,)))
        return browser.run(BOX)

    browser.until("box over the picture", plate_in_the_picture)
    label, text, left, right = cast("list[Any]", plate_in_the_picture())
    assert (label, text) == ("Detected vehicles: 1, faces: 0. 鄂F88880", "鄂F88880")
    assert (left, right) == (pytest.approx(0.1, abs=0.02), pytest.approx(0.4, abs=0.02))
    assert axe(browser) == []
    browser.click(".tile-bar .boxes")
    browser.until("no box", lambda: browser.run("return !document.querySelector('.detections')"))
    browser.until("no viewer watches the analysis", lambda: not feed.is_watched)


BOX = """
const drawn = document.querySelector('.detections'), box = drawn && drawn.querySelector('rect');
const video = document.querySelector('.tile video');
if (!box || !video.videoWidth) return null;
const outer = video.getBoundingClientRect(), inner = box.getBoundingClientRect();
const widthPx = Math.min(outer.width, outer.height * video.videoWidth / video.videoHeight);
const startPx = outer.left + (outer.width - widthPx) / 2;
const part = (xPx) => (xPx - startPx) / widthPx;
return [drawn.getAttribute('aria-label'), drawn.querySelector('text').textContent,
        part(inner.left), part(inner.right)]
"""
"""The label, the reading, and where the box is in the picture, whose sides may be black."""


def _whep_phases(site: Site) -> list[str]:
    lines = [json.loads(line) for line in site.audit_lines()]
    return [one["phase"] for one in lines if one["route"] == "camera.whep"]
