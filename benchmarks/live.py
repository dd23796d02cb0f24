"""Measures live video: the cost of a viewer, and how fast a browser shows a picture.

    python -m benchmarks.live [--viewers 30] [--cameras 16] [--seconds 30] [--openings 20]

A site records cameras of 1 Mbit/s at 720p with a keyframe every two seconds. Viewers in another
process watch one of them by WebSocket. The CPU time of a further viewer, in the API process and in
the live process, is divided by the CPU time with which a worker pulls and records one camera in
the same run. Then Chromium opens the camera again and again, and plays it: the time from the click
to the first picture, and from the camera to the screen. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from websockets.asyncio.client import connect

from benchmarks.browser import is_available, result_of_page
from benchmarks.machine import OUT, machine
from benchmarks.processes import Cost, cost_of
from benchmarks.site import CLOCK, BenchSite
from domain.people import Role
from simulator import SimCamera, Simulator

WATCHED = "camera-0"
WIDTH_PX, HEIGHT_PX, FPS, BITS_PER_S = 1280, 720, 25, 1_000_000
FILM_S, GOP_S = 20, 2
START_WITHIN_S, SETTLED_S, BROWSER_WITHIN_S = 120.0, 5.0, 300.0
PLAYER = Path(__file__).parent.parent / "docs" / "examples" / "live-player.js"
PAGE = """<!doctype html><body><script>%(player)s
const pause_ms = ms => new Promise(resolve => setTimeout(resolve, ms));
const open = () => {
  const video = document.body.appendChild(document.createElement("video"));
  return {video, player: playLive(video, "%(address)s")};
};
const frame = video => new Promise(resolve => video.requestVideoFrameCallback((_, shown) => resolve(shown)));
const work = async () => {
  const click_ms = [], screen_ms = [];
  for (let n = 0; n < %(openings)d; n++) {
    const began = performance.now();
    const {video, player} = open();
    await frame(video);
    click_ms.push(performance.now() - began);
    player.close();
    video.remove();
    await pause_ms(300 + 2000 * Math.random());  // a new place between two keyframes
  }
  const {video, player} = open();
  await frame(video);
  await pause_ms(3000);  // the live edge is reached
  const ends = performance.now() + 1000 * %(seconds)d;
  while (performance.now() < ends) {
    const {mediaTime} = await frame(video);
    const origin_s = player.shownAt_s() - video.currentTime;
    screen_ms.push(Date.now() - 1000 * (origin_s + mediaTime));
  }
  return {click_ms, screen_ms};
};
work().catch(error => ({error: String(error)})).then(result => fetch("result", {method: "POST", body: JSON.stringify(result)}));
</script>"""  # noqa: E501


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of all are at most. Raises ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def cost_of_viewer(few: Cost, many: Cost, further: int) -> Cost:
    """Return the CPU time and the memory of one further viewer."""
    return Cost(
        (many.cpu_s - few.cpu_s) / further,
        (many.resident_bytes - few.resident_bytes) // further,
        (many.proportional_bytes - few.proportional_bytes) // further,
    )


def film(file: Path) -> Path:
    """Encode moving noise of about 1 Mbit/s."""
    random = np.random.default_rng(1)
    ground = random.integers(60, 196, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.bit_rate = BITS_PER_S
        gop = str(GOP_S * FPS)
        stream.options = {"preset": "veryfast", "bf": "0", "g": gop, "sc_threshold": "0"}
        stream.options |= {"maxrate": str(BITS_PER_S), "bufsize": str(BITS_PER_S)}
        for number in range(FILM_S * FPS):
            picture = np.roll(ground, 4 * number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return file


def registry(simulator: Simulator, cameras: int) -> dict[str, object]:
    entries = [
        {
            "id": f"camera-{number}",
            "name": f"camera-{number}",
            "class": "A",
            "area": "a",
            "location": {"lon": 111.5, "lat": 32.5},
            "url": simulator.url(f"camera-{number}"),
        }
        for number in range(cameras)
    ]
    return {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": entries}


@contextmanager
def receivers(address: str, count: int) -> Iterator[None]:
    """Let a process of its own receive `count` live views, from when all have a picture."""
    command = (sys.executable, "-m", "benchmarks.live", "--receive", address, str(count))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the receivers ended early")
        yield
    finally:
        process.communicate("", timeout=30)


async def _receive(address: str, count: int) -> None:
    """Receive until standard input ends."""
    ready = asyncio.Semaphore(0)

    async def view() -> None:
        async with connect(address, proxy=None, compression=None, max_size=None) as socket:
            binary = 0
            async for message in socket:
                binary += isinstance(message, bytes)
                if binary == 2:  # the initialisation segment and a picture
                    ready.release()

    views = [asyncio.create_task(view()) for _ in range(count)]
    for _ in views:
        await ready.acquire()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for task in views:
        task.cancel()
    await asyncio.gather(*views, return_exceptions=True)


def _during(pids: list[int], seconds: float) -> Cost:
    """Return the CPU time within some seconds, and the memory at their end."""
    before = cost_of(pids)
    CLOCK.sleep(seconds)
    after = cost_of(pids)
    return Cost(after.cpu_s - before.cpu_s, after.resident_bytes, after.proportional_bytes)


def _wait(what: str, holds: Callable[[], bool]) -> None:
    deadline_s = CLOCK.monotonic_s() + START_WITHIN_S
    while not holds():
        if CLOCK.monotonic_s() > deadline_s:
            raise RuntimeError(f"no {what} after {START_WITHIN_S:.0f} s")
        CLOCK.sleep(0.2)


def _state(site: BenchSite, camera: str) -> str:
    answer = site.get(f"/v1/cameras/{camera}")
    return "" if answer is None or answer.status_code != 200 else str(answer.json()["state"])


def _address(site: BenchSite) -> str:
    answer = site.get(f"/v1/cameras/{WATCHED}/live/ticket")
    assert answer is not None
    return f"ws://127.0.0.1:{site.port}{answer.json()['address']}"


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    file = film(folder / "film.mp4")
    names = [f"camera-{number}" for number in range(options.cameras)]
    with Simulator([SimCamera(name, file) for name in names]) as simulator:
        site = BenchSite(folder / "site", registry(simulator, options.cameras))
        site.start()
        try:
            _wait("answer of the site", site.answers)
            site.sign_in(Role.OPERATOR)
            _wait("live cameras", lambda: all(_state(site, name) == "live" for name in names))
            report = _costs(site, options)
            if is_available():
                report |= _times(site, folder, options)
            return report
        finally:
            site.close()


def _costs(site: BenchSite, options: argparse.Namespace) -> dict[str, object]:
    serving = site.pids("sightline.api_process") + site.pids("sightline.live_process")
    workers, address, further = site.pids("sightline.worker"), _address(site), options.viewers - 1
    CLOCK.sleep(SETTLED_S)
    recorded = _during(workers, options.seconds).cpu_s / options.cameras
    with receivers(address, 1):
        CLOCK.sleep(SETTLED_S)
        few = _during(serving, options.seconds)
    with receivers(address, options.viewers):
        CLOCK.sleep(SETTLED_S)
        many = _during(serving, options.seconds)
    viewer = cost_of_viewer(few, many, further)
    return {
        "viewers": options.viewers,
        "viewer_core_percent": round(100 * viewer.cpu_s / options.seconds, 3),
        "recorded_camera_core_percent": round(100 * recorded / options.seconds, 3),
        "viewer_to_recorded_camera_ratio": round(viewer.cpu_s / recorded, 3),
        "memory_of_viewer_bytes": viewer.proportional_bytes,
    }


def _times(site: BenchSite, folder: Path, options: argparse.Namespace) -> dict[str, object]:
    page = PAGE % {
        "player": PLAYER.read_text("utf-8"),
        "address": _address(site),
        "openings": options.openings,
        "seconds": options.seconds,
    }
    pages = folder / "page"
    pages.mkdir()
    result = result_of_page(page, pages, BROWSER_WITHIN_S)
    if "error" in result:
        raise RuntimeError(result["error"])
    return {
        f"{name}_p{part}": round(percentile(result[name], part / 100))
        for name in ("click_ms", "screen_ms")
        for part in (50, 95)
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--viewers", type=int, default=30)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--openings", type=int, default=20)
    parser.add_argument("--receive", nargs=2, metavar=("URL", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        asyncio.run(_receive(options.receive[0], int(options.receive[1])))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = machine() | measure(Path(folder), options)
    OUT.mkdir(exist_ok=True)
    (OUT / "live.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
