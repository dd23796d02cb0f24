"""A wall of nine sub-streams in Chromium: which tiles stall, and whether memory grows."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.cameras import Picture, make_stream, served
from benchmarks.live.costs import start
from benchmarks.processes import command_line, cost_of, descendants_of
from benchmarks.site import CLOCK, BenchSite
from tests.web_driver import Browser

TILES = 9
SAMPLE_S = 10.0
LEAST_PROGRESS_S = 5.0
"""A tile whose video moves less than this between two samples counts as stalled."""
SETTINGS = {
    "SIGHTLINE_REASON_REQUIRED": "0",
    "SIGHTLINE_LIVE_VIEWS_PER_PERSON": "64",
    "SIGHTLINE_PERSON_REQUESTS_PER_S": "0",
    "SIGHTLINE_ADDRESS_REQUESTS_PER_S": "0",
}
_POSITIONS = (
    "return [...document.querySelectorAll('.tile video')]"
    ".map((one) => one.readyState >= 2 ? one.currentTime : 0)"
)


def measure_wall(browser: Browser, folder: Path, seconds: float) -> dict[str, Any]:
    """Watch nine cameras for some time, and sample positions and memory."""
    folder.mkdir(parents=True)
    file = folder / "film.mp4"
    make_stream(file, Picture(height_px=360, mbit_s=0.5))
    with served("simulator", file, 2 * TILES, folder, every_s=0.7) as cameras:
        site = BenchSite(folder / "site", _registry(cameras.urls), os.environ | SETTINGS)
        try:
            start(site, [_id(number) for number in range(TILES)])
            token = site.headers["Authorization"].removeprefix("Bearer ")
            return _watch(browser, site.url, token, seconds)
        finally:
            browser.open("about:blank")
            site.close()


def _id(number: int) -> str:
    return f"camera-{number}"


def _registry(urls: list[str]) -> dict[str, object]:
    entries = [
        {
            "id": _id(number),
            "name": _id(number),
            "class": "A",
            "area": "a",
            "location": {"lon": 111.5, "lat": 32.5},
            "url": urls[number],
            "substream": {"url": urls[TILES + number]},
        }
        for number in range(TILES)
    ]
    return {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": entries}


def _watch(browser: Browser, address: str, token: str, seconds: float) -> dict[str, Any]:
    wall = ",".join(_id(number) for number in range(TILES))
    browser.open(f"{address}/#token={token}")
    browser.until("sign-in", lambda: browser.text("nav"))
    browser.run(f"location.hash = '#/live?size={TILES}&cameras={wall}'")
    browser.until("pictures", lambda: min(browser.run(_POSITIONS), default=0) > 0)
    routes = browser.texts(".tile-route")
    heaps: list[float] = []
    residents: list[float] = []
    stalls: list[str] = []
    before = browser.run(_POSITIONS)
    for sample in range(round(seconds / SAMPLE_S)):
        CLOCK.sleep(SAMPLE_S)
        now = browser.run(_POSITIONS)
        stalls += [
            f"{_id(tile)} after {(sample + 1) * SAMPLE_S:.0f} s"
            for tile, (old, new) in enumerate(zip(before, now, strict=True))
            if new - old < LEAST_PROGRESS_S
        ]
        before = now
        heaps.append(_heap_mb(browser))
        residents.append(_renderers_mb())
    return {
        "seconds": seconds,
        "routes": sorted(set(routes)),
        "stalls": stalls,
        "heap_mb": ends(heaps),
        "renderers_mb": ends(residents),
    }


def _heap_mb(browser: Browser) -> float:
    browser.devtools("HeapProfiler.collectGarbage")
    browser.devtools("Performance.enable")
    metrics = browser.devtools("Performance.getMetrics")["metrics"]
    used = {one["name"]: one["value"] for one in metrics}["JSHeapUsedSize"]
    return float(used) / 1e6


def _renderers_mb() -> float:
    renderers = [pid for pid in descendants_of(os.getpid()) if "type=renderer" in command_line(pid)]
    return cost_of(renderers).proportional_bytes / 1e6


def ends(samples: list[float]) -> dict[str, float]:
    """Return the means of the first and the last third, and their ratio."""
    third = max(1, len(samples) // 3)
    first, last = fmean(samples[:third]), fmean(samples[-third:])
    return {"first": round(first, 1), "last": round(last, 1), "ratio": round(last / first, 3)}
