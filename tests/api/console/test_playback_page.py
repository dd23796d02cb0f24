"""Playback in a browser: pictures, frames, events, a gap, two cameras in step, and a download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from domain.clock import NS_PER_S, SystemClock, rfc3339
from domain.paths.data_layout import Layout
from domain.people import Role
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from storage.recordings.gaps.log import GapLog
from tests.api.console.pages import axe, check_access
from tests.api.site_data import START_NS
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import Site

Record = Callable[[Layout, str, int, float], Path]
FRAME_S = 0.1
"""The cameras of these tests send 10 frames a second."""
GAP_S = (6, 40)
"""Neither camera is recorded between these seconds."""
SHOWN = """
const video = document.querySelectorAll('.tile video')[arguments[0]];
if (!video || video.readyState < 2 || video.seeking) return null;
const canvas = document.createElement('canvas');
canvas.width = canvas.height = 8;
const paper = canvas.getContext('2d');
paper.drawImage(video, 0, 0, 8, 8);
return Math.round(paper.getImageData(4, 4, 1, 1).data[0] / 8)
"""
"""The number of the frame that a tile shows: its shade is eight times that."""
LAPTOP = (1366, 650)
"""The page of a browser on a screen of 1366 x 768."""
IN_VIEW = """
const element = document.querySelector(arguments[0]);
const main = document.querySelector('main').getBoundingClientRect();
const box = element.getBoundingClientRect();
return box.height > 20 && box.top >= main.top && box.bottom <= main.bottom
"""
LEAST_PICTURE_PX = 280
"""The height of two pictures on a laptop, with the row of a chosen range under them."""
HEIGHT = "return document.querySelector(arguments[0]).getBoundingClientRect().height"
MOST_BAR_PX = 60
"""Of a bar in one row."""
MEDIA_TIMES = "return [...document.querySelectorAll('.tile video')].map((one) => one.currentTime)"


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


@pytest.fixture
def recorded(street: Site, record: Record) -> Site:
    """Record two cameras for 6 s, leave a gap, and record them again. One was not analysed for a
    second.
    """
    missed = PartlyAnalysed(at(2), at(3), PartlyCause.OVERLOAD)
    GapLog(street.layout, SystemClock()).add_partly_analysed("east-gate", [missed])
    record(street.layout, "west-gate", at(0), GAP_S[0])
    for camera in ("east-gate", "west-gate"):
        record(street.layout, camera, at(GAP_S[1]), 10)
        street.hold(camera)
    street.hold("school")
    return street


def open_playback(browser: Browser, site: Site, *cameras: str, seconds: float) -> None:
    moment = [("camera", one) for one in cameras] + [("at", rfc3339(at(seconds)))]
    browser.run(f"location.hash = '#/playback?{urlencode(moment)}'")


def position(browser: Browser) -> float:
    """Return the position in seconds after the start of the recordings."""
    text = browser.text(".position")
    minute, second = text.split(":")[-2:]
    return int(minute) * 60 + float(second)


def test_recordings_are_played_back_in_step_and_across_a_gap(
    browser: Browser, recorded: Site
) -> None:
    browser.open(f"{recorded.url}/healthz")
    browser.run("localStorage.setItem('sightline.preferences', '{\"language\": \"en\"}')")
    browser.open(f"{recorded.url}/#token={recorded.tokens[Role.OPERATOR]}")
    browser.until("question for the reason", lambda: browser.text("form.reason-form"))
    browser.fill("input[name=reason]", "stolen vehicle")
    browser.click("main form button.primary")
    browser.until("results", lambda: browser.text(".results-bar"))
    browser.run("location.hash = '#/playback'")
    browser.until("question for a camera", lambda: "Which cameras?" in browser.text("main"))

    open_playback(browser, recorded, "east-gate", "west-gate", seconds=2.05)
    browser.until("both pictures", lambda: [browser.run(SHOWN, one) for one in (0, 1)] == [20, 20])
    step_by_frames(browser)
    step_by_events(browser)
    check_access(browser, "playback", back="en")
    fit_on_a_laptop(browser)
    play_across_the_gap(browser)
    download(browser, recorded)
    assert browser.console_errors() == []


def fit_on_a_laptop(browser: Browser) -> None:
    """Pictures and time line are seen together, also with a range, whose holds are listed."""
    browser.resize(*LAPTOP)
    hash_before = browser.run("return location.hash")
    chosen = f"{hash_before}&{urlencode({'from': rfc3339(at(1)), 'to': rfc3339(at(3))})}"
    browser.run("location.hash = arguments[0]", chosen)
    browser.until("range", lambda: browser.texts(".download"))
    browser.run("document.querySelector('main').scrollTop = 0")
    for shown in (".tile video", ".playback-controls", ".time-line"):
        browser.until(shown, lambda: browser.run(IN_VIEW, shown))  # noqa: B023
    for bar in ("header.top", ".playback-controls"):
        assert browser.run(HEIGHT, bar) < MOST_BAR_PX, bar
    assert browser.run(HEIGHT, ".tile video") > LEAST_PICTURE_PX
    browser.shoot("playback-laptop")
    choose_by_menus(browser)
    browser.run("location.hash = arguments[0]", hash_before)
    browser.own_size()


def choose_by_menus(browser: Browser) -> None:
    """A menu shows what is used less often; another place or Esc closes it."""
    browser.click(".playback-controls .menu:has(.position) > button")
    browser.until("moment", lambda: browser.texts(".menu-content input[type=datetime-local]"))
    assert axe(browser) == []
    browser.press("Escape")
    browser.until("no menu", lambda: not browser.texts(".menu-content"))
    browser.click(".playback-controls > .menu:last-child > button")
    browser.fill(".menu-content .camera-field input", "school")
    browser.click(".camera-matches button")
    browser.until("third camera", lambda: len(browser.texts(".tile")) == 3)


def step_by_frames(browser: Browser) -> None:
    browser.run("document.activeElement.blur()")
    for key, frame in ((".", 21), (".", 22), (",", 21), (",", 20), (",", 19)):
        browser.press(key)
        browser.until(f"frame {frame}", lambda: browser.run(SHOWN, 0) == frame)  # noqa: B023
    # A press is not lost while the step before it is under way.
    for key, frame in ((".", 21), (",", 19)):
        browser.press(key)
        browser.press(key)
        browser.until(f"two steps to {frame}", lambda: browser.run(SHOWN, 0) == frame)  # noqa: B023
    browser.until("the same frame of the other", lambda: browser.run(SHOWN, 1) == 19)


def step_by_events(browser: Browser) -> None:
    """The first event is at the first camera, the others at the second."""
    browser.until("marks", lambda: browser.run(MARKS) == 3)
    for key, second in (("n", 4), ("n", 7), ("p", 4), ("p", 1)):
        browser.press(key)
        browser.until(f"event at {second} s", lambda: position(browser) == second)  # noqa: B023


MARKS = "return document.querySelectorAll('.time-mark').length"
STRIPES = "return [...document.querySelectorAll('.time-partly')].map((one) => one.title)"


def play_across_the_gap(browser: Browser) -> None:
    """Seek to just before the gap, and play at twice the speed until both show what follows."""
    browser.run("document.querySelector('.gaps').open = true")
    browser.until("the gap", lambda: len(browser.texts(".gaps tbody tr")) >= 2)
    browser.until(
        "the overload", lambda: browser.run(STRIPES) == ["Not completely analysed: overload"]
    )
    assert "Not completely analysed in the shown time (1)" in browser.text(".partly-list summary")
    browser.run(
        "const list = [...document.querySelectorAll('.playback-controls select')][0];"
        "list.value = '2'; list.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    for _ in range(2):
        browser.press("l")
    browser.until(
        "no picture in the gap",
        lambda: "recorded and deleted" in browser.text(".tile .tile-message"),
    )
    assert "partly analysed" in browser.text(".legend")
    browser.press("j")
    browser.press("j")
    browser.until("picture", lambda: browser.run(SHOWN, 0) == 10)
    browser.click("button.play")
    browser.until("the end of the gap", lambda: "skipped" in browser.text(".time-text"))
    browser.until("what follows", lambda: position(browser) > GAP_S[1] + 1)
    browser.click("button.play")
    browser.until("rest", lambda: browser.text("button.play") == "Play")
    # They stop at any moment, which two frames may share. A step ends in the middle of a frame.
    browser.press(".")
    browser.until("the same picture of both", lambda: show_the_same_frame(browser))


def show_the_same_frame(browser: Browser) -> bool:
    """Return whether both tiles rest within half a frame of each other, at the same picture."""
    first, second = browser.run(MEDIA_TIMES)
    shown = [browser.run(SHOWN, tile) for tile in (0, 1)]
    return abs(first - second) < FRAME_S / 2 and None not in shown and shown[0] == shown[1]


def download(browser: Browser, street: Site) -> None:
    """The address that the browser downloads gives the same file as the API."""
    span = urlencode({"from": rfc3339(at(1)), "to": rfc3339(at(5))})
    browser.run(
        "window.saved = []; HTMLAnchorElement.prototype.click = function () "
        "{ window.saved.push([this.href, this.download]); }"
    )
    browser.run(f"location.hash = '#/playback?camera=east-gate&{span}'")
    browser.click("button.download")
    browser.until("address", lambda: browser.run("return window.saved.length"))
    ((address, name),) = browser.run("return window.saved")
    assert name == "east-gate-20251124T160001Z-20251124T160005Z.mp4"
    whole = street.get(f"/v1/cameras/east-gate/recording?{span}", Role.OPERATOR)
    assert street.http.get(address).content == whole.content
