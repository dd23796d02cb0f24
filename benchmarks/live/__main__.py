"""Measures live video: the cost of a viewer, and how fast a browser shows a picture.

    python -m benchmarks.live [--viewers 30] [--cameras 16] [--seconds 30] [--openings 20]
        [--cold-openings 20]

A site records cameras of 1 Mbit/s at 720p with a keyframe every two seconds. Viewers in another
process watch one of them by WebSocket. The CPU time of a further viewer, in the API process and in
the live process, is divided by the CPU time with which a worker pulls and records one camera in
the same run. Then Chromium opens the camera again and again, by WebSocket and by WebRTC, and plays
it: the time from the click to the first picture, and from the camera to the screen. For cold
openings the media process, which sends WebRTC, is ended first, and starts for the viewer. JSON goes
to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.browser import is_available
from benchmarks.live.costs import (
    SETTLED_S,
    cost_during,
    cost_of_viewer,
    serving_pids,
    start,
    tickets,
    wait_until,
)
from benchmarks.live.film import film, registry
from benchmarks.live.receivers import websocket_receivers
from benchmarks.live.site import WATCHED
from benchmarks.live.times import Openings, times
from benchmarks.machine import OUT, machine
from benchmarks.site import CLOCK, BenchSite
from simulator import SimCamera, Simulator


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    file = film(folder / "film.mp4")
    names = [f"camera-{number}" for number in range(options.cameras)]
    with Simulator([SimCamera(name, file) for name in names]) as simulator:
        site = BenchSite(folder / "site", registry(simulator, options.cameras))
        try:
            start(site, names)
            report = _costs(site, options)
            if is_available():
                paths = tickets(site, WATCHED)
                openings = Openings(
                    options.openings, options.cold_openings, partial(end_media_process, site)
                )
                report |= times(site.url, paths, folder, openings, options.seconds)
            return report
        finally:
            site.close()


def end_media_process(site: BenchSite) -> None:
    """End the media process as it ends without viewers, and wait for that.

    The opening before has started it. Raises RuntimeError if it is not found: the next opening
    would otherwise count as cold with a process that runs.
    """
    module = "sightline.media_process"
    wait_until("media process", lambda: bool(site.pids(module)))
    for pid in site.pids(module):
        os.kill(pid, signal.SIGTERM)
    wait_until("end of the media process", lambda: not site.pids(module))


def _costs(site: BenchSite, options: argparse.Namespace) -> dict[str, object]:
    serving, workers = serving_pids(site), site.pids("sightline.worker")
    further = options.viewers - 1
    address = site.url.replace("http", "ws") + tickets(site, WATCHED)["address"]
    CLOCK.sleep(SETTLED_S)
    recorded = cost_during(workers, options.seconds).cpu_s / options.cameras
    with websocket_receivers([address]):
        CLOCK.sleep(SETTLED_S)
        few = cost_during(serving, options.seconds)
    with websocket_receivers([address] * options.viewers):
        CLOCK.sleep(SETTLED_S)
        many = cost_during(serving, options.seconds)
    viewer = cost_of_viewer(few, many, further)
    return {
        "viewers": options.viewers,
        "viewer_core_percent": round(100 * viewer.cpu_s / options.seconds, 3),
        "recorded_camera_core_percent": round(100 * recorded / options.seconds, 3),
        "viewer_to_recorded_camera_ratio": round(viewer.cpu_s / recorded, 3),
        "memory_of_viewer_bytes": viewer.proportional_bytes,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--viewers", type=int, default=30)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--openings", type=int, default=20)
    parser.add_argument("--cold-openings", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = machine() | measure(Path(folder), options)
    OUT.mkdir(exist_ok=True)
    (OUT / "live.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
