"""The reference city's registry on one node: the list of cameras and the metrics.

    python -m benchmarks.sites.reference_city [--cameras 5911] [--live 300] [--rounds 20]

`sightline up` has a registry of 5,911 cameras. A simulator plays 300 of them, and connections to
all others are refused. When the 300 are live, the benchmark measures the CPU time of the workers
for 30 s, asks for a page of 1,000 cameras and for the metrics, and runs `sightline cameras list`.
The references are `/healthz` in the same run, and `sightline --help`, which loads no registry. JSON
goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from benchmarks.cameras import Picture, make_stream, served
from benchmarks.machine import OUT, machine
from benchmarks.processes import cost_of
from benchmarks.site import BenchSite
from domain.camera_states import CameraState
from domain.clock import SystemClock
from domain.people import Role

CLOCK = SystemClock()
POLL_S = 1.0
WORKERS_S = 30.0
"""How long the CPU time of the workers is measured."""
LIVE_WITHIN_S = 120.0
"""How long the benchmark waits for the live cameras; it reports how many are live then."""
PICTURE = Picture(height_px=180, mbit_s=0.05)
UNREACHABLE_URL = "rtsp://127.0.0.2:9/stream"
AREAS = 60
CLASS_A_SHARE = 1_742 / 5_911


def registry(urls: list[str], cameras: int) -> dict[str, object]:
    """Return a registry of `cameras` cameras, of which the first ones have `urls`."""
    areas = {f"district-{area:02}": {"name": f"District {area}"} for area in range(AREAS)}
    entries = []
    for number in range(cameras):
        kind = "A" if number < cameras * CLASS_A_SHARE else "BC"[number % 2]
        entries.append(
            {
                "id": f"cam-{number:04}",
                "name": f"Camera {number} of the reference city",
                "class": kind,
                "area": f"district-{number % AREAS:02}",
                "location": {"lon": 112 + number % 77 / 1000, "lat": 32 + number // 77 / 1000},
                "url": urls[number] if number < len(urls) else f"{UNREACHABLE_URL}/{number}",
            }
        )
    return {"version": 1, "areas": areas, "cameras": entries}


def timed(action: Callable[[], object], rounds: int) -> dict[str, float]:
    """Return the median and the longest time of an action in milliseconds."""
    took_ms = []
    for _ in range(rounds):
        began_s = CLOCK.monotonic_s()
        action()
        took_ms.append(1e3 * (CLOCK.monotonic_s() - began_s))
    return {"median": statistics.median(took_ms), "longest": max(took_ms)}


def live_cameras(site: BenchSite) -> int:
    """Return how many of the first thousand cameras are live."""
    answer = site.get("/v1/cameras", state=CameraState.LIVE, limit="1000")
    return 0 if answer is None else len(answer.json()["items"])


def run(cameras: int, live: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sightline-city-") as name:
        folder = Path(name)
        stream = make_stream(folder / "stream.mp4", PICTURE)
        with served("simulator", stream, live, folder) as source:
            site = BenchSite(folder / "site", registry(source.urls, cameras))
            try:
                site.start()
                return measure(site, live, rounds)
            finally:
                site.close()


def workers_cost(site: BenchSite) -> dict[str, float]:
    """Return the CPU time of the workers since their start, and how many cores they use now."""
    workers = site.pids("sightline.worker")
    began_s, before_s = CLOCK.monotonic_s(), cost_of(workers).cpu_s
    CLOCK.sleep(WORKERS_S)
    used_s = cost_of(workers).cpu_s - before_s
    return {
        "workers_start_cpu_s": before_s,
        "workers_cores": used_s / (CLOCK.monotonic_s() - began_s),
    }


def measure(site: BenchSite, live: int, rounds: int) -> dict[str, Any]:
    began_s = CLOCK.monotonic_s()
    while not site.answers():
        site.check_runs()
        CLOCK.sleep(POLL_S)
    site.sign_in(Role.ADMIN)
    while (found := live_cameras(site)) < live and CLOCK.monotonic_s() - began_s < LIVE_WITHIN_S:
        CLOCK.sleep(POLL_S)
    answers = {
        "cameras_1000": ("/v1/cameras", {"limit": "1000"}),
        "metrics": ("/metrics", {}),
        "healthz": ("/healthz", {}),
    }
    report: dict[str, Any] = {"machine": machine(), "live": found}
    report["until_live_s"] = CLOCK.monotonic_s() - began_s
    report |= workers_cost(site)
    for key, (path, query) in answers.items():
        answer = site.get(path, **query)
        if answer is None or answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path} is answered by {answer}")
        report[f"{key}_kb"] = len(answer.content) / 1e3
        report[f"{key}_ms"] = timed(lambda: site.get(path, **query), rounds)  # noqa: B023
    few = max(3, rounds // 4)
    report["cameras_list_ms"] = timed(lambda: site.run("cameras", "list"), few)
    help_command = (sys.executable, "-m", "sightline", "--help")
    report["help_ms"] = timed(
        lambda: subprocess.run(help_command, stdout=subprocess.DEVNULL, check=True), few
    )
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sites.reference_city",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cameras", type=int, default=5_911)
    parser.add_argument("--live", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    report = run(args.cameras, args.live, args.rounds)
    OUT.mkdir(exist_ok=True)
    (OUT / "reference_city.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
