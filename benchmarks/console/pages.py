"""The first view of the console, and the intervals between frames on a map and in long lists."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.city import City
from benchmarks.index.version_server import registry_entries
from benchmarks.traffic import City as Traffic
from domain.clock import NS_PER_S, SystemClock
from domain.events.event import Event
from domain.paths.object_keys import CROP, SNAPSHOT, event_object
from storage.index.event_index import EventIndex
from tests.web_driver import Browser

CAMERAS, RESULTS = 5_911, 10_000
FRAMES = 300
LOADS = 10
PUT_AT_ONCE = 8
_FIRST_VIEW = """
new MutationObserver((_, observer) => {
  if (document.querySelector('.card') === null) return;
  window.firstViewMs = performance.now();
  observer.disconnect();
}).observe(document, {childList: true, subtree: true});
"""
_SCRIPTS = (
    "return performance.getEntriesByType('resource')"
    ".filter((one) => one.name.endsWith('.js')).map((one) => one.encodedBodySize)"
)
_INTERVALS = """
const [frames, move, done] = arguments;
const step = new Function('count', move);
const intervals = [];
let last = performance.now();
let count = 0;
const next = (now) => {
  intervals.push(now - last);
  last = now;
  step(count++);
  if (count < frames) requestAnimationFrame(next);
  else done(intervals);
};
requestAnimationFrame(next);
"""
PAN = """
const canvas = document.querySelector('.map canvas');
canvas.setPointerCapture = () => undefined;
const send = (type, x) => canvas.dispatchEvent(new PointerEvent(type,
  {pointerId: 1, clientX: x, clientY: 300, bubbles: true}));
if (count === 0) send('pointerdown', 700);
send('pointermove', 700 + 200 * Math.sin(count / 10));
"""
_TO_THE_END = """
const list = document.querySelector('.results');
if (list !== null) list.scrollTop = list.scrollHeight;
return document.querySelector('.results-bar p').innerText
"""
_HAS_FIRST = "return document.querySelector('[data-index=\"0\"]') !== null"
_SCROLL = "document.querySelector('.results').scrollTop += 60;"


def quantile_ms(values: Sequence[float], part: float) -> float:
    """Return the value below which this part of the values is."""
    return round(sorted(values)[min(len(values) - 1, int(part * len(values)))], 1)


def measure_pages(browser: Browser, folder: Path) -> dict[str, Any]:
    """Measure a city's console without nodes: its cameras are in no state."""
    os.environ["SIGHTLINE_REASON_REQUIRED"] = "0"
    events = list(Traffic(RESULTS, 1, start_ms=_yesterday_ms()).drawn())
    entries = camera_entries(events)
    with City(folder, entries, ()) as city:
        EventIndex(city.redis).put_all(events)
        _put_pictures(city, events)
        address = f"http://127.0.0.1:{city.port}"
        token = city.headers["Authorization"].removeprefix("Bearer ")
        found = _first_views(browser, address, token)
        browser.run("location.hash = '#/cameras?view=map'")
        browser.until("map", lambda: browser.run("return !!document.querySelector('.map canvas')"))
        browser.until("cameras", lambda: f"{CAMERAS}" in browser.text("main"))
        found["map"] = measure_frames(browser, PAN)
        browser.run("location.hash = '#/cameras'")
        browser.until("rows", lambda: browser.texts("button.camera-line"))
        found["camera_list"] = measure_frames(browser, _SCROLL)
        browser.run("location.hash = '#/find?view=table'")
        _load_all_results(browser)
        found["results_table"] = measure_frames(browser, _SCROLL)
        browser.run("location.hash = '#/find'")
        browser.until("cards", lambda: browser.texts(".card"))
        _load_all_results(browser)
        found["results_cards"] = measure_frames(browser, _SCROLL)
        return found


def _yesterday_ms() -> int:
    return (SystemClock().wall_ns() // NS_PER_S - 86_400) * 1000


def camera_entries(events: Sequence[Event]) -> list[dict[str, object]]:
    """Return the cameras of the events, and as many others as the reference city has."""
    entries = registry_entries(events)
    others: list[dict[str, object]] = [
        {
            "id": f"camera-{number:04d}",
            "name": f"Camera {number}",
            "class": "B",
            "area": f"city/district-{number % 40:02d}",
            "location": {"lon": 111 + number % 80 / 100, "lat": 32.3 + number // 80 / 100},
            "url": "rtsp://127.0.0.1:9/x",
        }
        for number in range(CAMERAS - len(entries))
    ]
    return [*entries, *others]


def _put_pictures(city: City, events: Sequence[Event]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (360, 640, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (31, 31), 0)
    snapshot = cv2.imencode(".jpg", smooth)[1].tobytes()
    crop = cv2.imencode(".jpg", smooth[:52, :160])[1].tobytes()

    def put(event: Event) -> None:
        for name, data in ((SNAPSHOT, snapshot), (CROP, crop)):
            city.objects.put(event_object(event.camera, event.id, name), data, "image/jpeg")

    with ThreadPoolExecutor(PUT_AT_ONCE) as threads:
        for _ in threads.map(put, events):
            pass


def _first_views(browser: Browser, address: str, token: str) -> dict[str, Any]:
    """Open the console again and again, without its scripts in the cache of the browser."""
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=_FIRST_VIEW)
    browser.devtools("Network.enable")
    browser.devtools("Network.setCacheDisabled", cacheDisabled=True)
    views_ms: list[float] = []
    for _ in range(LOADS):
        browser.open("about:blank")
        browser.open(f"{address}/#token={token}")
        browser.until("results", lambda: browser.run("return window.firstViewMs > 0"))
        views_ms.append(browser.run("return window.firstViewMs"))
    return {
        "first_view_ms": {"median": quantile_ms(views_ms, 0.5), "most": quantile_ms(views_ms, 1)},
        "first_scripts_bytes": sum(browser.run(_SCRIPTS)),
    }


def _load_all_results(browser: Browser) -> None:
    """Scroll to the end until no page is left, then back to the beginning."""

    shown = ""
    while not shown.startswith(f"{RESULTS} results"):
        before = shown
        browser.until("more results", lambda: browser.run(_TO_THE_END) != before)  # noqa: B023
        shown = browser.text(".results-bar p")
    browser.run("document.querySelector('.results').scrollTop = 0")
    browser.until("beginning", lambda: browser.run(_HAS_FIRST))


def measure_frames(browser: Browser, move: str) -> dict[str, float]:
    """Run a script in each of many frames, and return the intervals between them."""
    intervals = browser.run_async(_INTERVALS, FRAMES, move)
    return {
        "median_ms": quantile_ms(intervals, 0.5),
        "p99_ms": quantile_ms(intervals, 0.99),
        "most_ms": quantile_ms(intervals, 1),
    }
