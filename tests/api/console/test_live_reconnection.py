"""Live video in a browser after its source was lost: a tile connects again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from domain.people import Role
from tests.api.console.pages import LIVE_WIDTH, give_reason, open_in_english
from tests.api.live.conftest import CAMERA, Camera
from tests.api.live.media_process import media_process
from tests.live_station import Station, tapped
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import Site

NO_VIDEO = "No video. The connection is tried again."


@contextmanager
def worker_of_camera(site: Site) -> Iterator[None]:
    """Run the live tap of a worker, whose camera sends pictures."""
    station = Station(CAMERA, f"{CAMERA}/sub")
    with tapped(site.layout.live_socket(0), station), Camera(site, station).feeding():
        yield


def watch(browser: Browser, site: Site) -> None:
    site.hold(CAMERA)
    open_in_english(browser, site, site.tokens[Role.OPERATOR])
    give_reason(browser, "a theft in progress")
    browser.run(f"location.hash = '#/live?size=1&cameras={CAMERA}'")


def route(browser: Browser) -> str:
    return browser.text(".tile-route")


def test_a_tile_shows_video_again_when_its_worker_is_back(browser: Browser, street: Site) -> None:
    with worker_of_camera(street):
        watch(browser, street)
        browser.until("picture", lambda: browser.run(LIVE_WIDTH))
    browser.until("no video", lambda: NO_VIDEO in browser.text(".tile-message"))
    assert not browser.run(LIVE_WIDTH)
    with worker_of_camera(street):
        browser.until("picture again", lambda: browser.run(LIVE_WIDTH))
        browser.until("no message", lambda: browser.text(".tile-message") == "")


def test_a_tile_goes_on_by_websocket_when_the_process_of_webrtc_ends(
    browser: Browser, street: Site
) -> None:
    with worker_of_camera(street):
        with media_process(street.layout):
            watch(browser, street)
            browser.until("picture", lambda: browser.run(LIVE_WIDTH))
            browser.until("WebRTC", lambda: route(browser).strip() == "WebRTC")
        browser.until("another way", lambda: "WebSocket" in route(browser))
        browser.until("picture again", lambda: browser.run(LIVE_WIDTH))
