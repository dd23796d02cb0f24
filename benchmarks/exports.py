"""Measures how fast recordings of five minutes, an hour and a day are served.

    python -m benchmarks.exports [--mbit 4] [--responses 6] [--paused 24] [--ranges 100]

A site has 25 hours of a camera at 25 frames a second. Its virtual files are compared, in the same
run, with `ffmpeg -c copy -movflags +faststart` over the same segments, and with the file that
ffmpeg makes, served by Starlette's `FileResponse` from uvicorn. CPU time is that of all processes
of the site, less what it uses without requests. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import uvicorn
from starlette.responses import FileResponse

from benchmarks.cameras import Picture
from benchmarks.live.times import percentile
from benchmarks.machine import OUT, machine
from benchmarks.processes import cost_of, descendants_of
from benchmarks.recordings.client import (
    CAMERA,
    RANGE_BYTES,
    Client,
    camera,
    is_covered,
    path_of,
    rounded,
    to_tenth,
    wait,
    whole_hour_ns,
)
from benchmarks.recordings.open_responses import memory_of_responses
from benchmarks.recordings.recorded_day import RecordedDay, move_to_store, record_day
from benchmarks.recordings.remote import REPEATS, SETTLED_S, STEP_S, node_times, remote_times
from benchmarks.site import CLOCK, BenchSite
from domain.clock import NS_PER_HOUR, NS_PER_S, S_PER_DAY, rfc3339
from domain.paths.data_layout import Layout
from sightline.processes.ports import free_ports

HOURS = 25
"""An hour more than a day, so that several ranges of a day differ."""
FIVE_MINUTES_S, HOUR_S = 300, 3600
LENGTHS_S = {"5 min": FIVE_MINUTES_S, "1 h": HOUR_S, "24 h": S_PER_DAY}
IDLE_S = 5.0
STORE_LISTED_S = 20.0
"""Listings of the object store are older than their time in a cache after this."""


class Site:
    """A site with a recorded camera, and the CPU time that its processes use."""

    def __init__(self, bench: BenchSite, day: RecordedDay) -> None:
        self._bench, self.day = bench, day
        self._idle = 0.0

    def client(self, offset_s: int, seconds: int) -> Client:
        """Return a client of the range that begins `offset_s` after the recordings."""
        path = path_of(self.day, offset_s, seconds)
        return Client(self._bench.port, self._bench.headers, path)

    def measure_idle(self) -> None:
        began_s, before_s = CLOCK.monotonic_s(), self._cpu_s()
        CLOCK.sleep(IDLE_S)
        self._idle = (self._cpu_s() - before_s) / (CLOCK.monotonic_s() - began_s)

    @contextmanager
    def counting_cpu(self) -> Iterator[list[float]]:
        """Add the CPU seconds of all processes to the list, without their idle use."""
        used: list[float] = []
        began_s, before_s = CLOCK.monotonic_s(), self._cpu_s()
        yield used
        used.append(self._cpu_s() - before_s - self._idle * (CLOCK.monotonic_s() - began_s))

    def memory_bytes(self) -> int:
        """Return the proportional memory of the processes that serve recordings."""
        return cost_of(self._bench.pids("sightline.api_process")).proportional_bytes

    def _cpu_s(self) -> float:
        process = self._bench.process_id
        return cost_of([process, *descendants_of(process)]).cpu_s


@contextmanager
def running(
    folder: Path, picture: Picture, urls: Sequence[str] = ()
) -> Iterator[tuple[Site, Layout]]:
    """Run a site whose camera has HOURS of recordings. It also records the cameras at `urls`."""
    others = [camera(f"cam-{number}", url) for number, url in enumerate(urls)]
    registry: dict[str, object] = {
        "version": 1,
        "areas": {"a": {"name": "a"}},
        "cameras": [camera(CAMERA, "rtsp://127.0.0.1:1/none"), *others],
    }
    environment = {**os.environ, "SIGHTLINE_DISK_LIMIT_GB": "1000"}
    bench = BenchSite(folder, registry, environment)
    start_ns = whole_hour_ns() - (HOURS + 1) * NS_PER_HOUR
    day = RecordedDay(CAMERA, start_ns, HOURS)
    record_day(bench.layout, day, picture)
    try:
        bench.start()
        wait(bench.answers)
        bench.sign_in()
        path = f"/v1/cameras/{CAMERA}/coverage"
        span = {"from": rfc3339(start_ns), "to": rfc3339(start_ns + NS_PER_S)}
        wait(lambda: is_covered(bench.get(path, **span)))
        CLOCK.sleep(SETTLED_S)
        yield Site(bench, day), bench.layout
    finally:
        bench.close()


def first_bytes(site: Site) -> dict[str, object]:
    """Return the times to the headers and the first picture: of the first request, and the median
    of further ones for other ranges of the same hours.
    """
    found: dict[str, object] = {}
    for name, seconds in LENGTHS_S.items():
        cold = site.client(0, seconds).first_bytes()
        again = [
            site.client(STEP_S * number, seconds).first_bytes() for number in range(1, REPEATS + 1)
        ]
        warm = {key: statistics.median(one[key] for one in again) for key in cold}
        found[name] = {"cold": rounded(cold), "cached": rounded(warm)}
    return found


def stored_times(site: Site, layout: Layout, segments: list[Path]) -> dict[str, object]:
    """Return `remote_times` of segments in the object store, to which it moves them."""
    move_to_store(layout, segments)
    CLOCK.sleep(STORE_LISTED_S)
    return remote_times(site.client)


def downloads(site: Site) -> dict[str, object]:
    """Return the costs of five minutes: at the first reading, and after all was verified."""
    clients = [
        site.client(HOUR_S + FIVE_MINUTES_S * number, FIVE_MINUTES_S) for number in range(REPEATS)
    ]
    found: dict[str, object] = {}
    for name in ("first reading", "verified"):
        wholes: list[dict[str, float]] = []
        with site.counting_cpu() as used:
            wholes += [one.whole() for one in clients]
        found[name] = _cost(wholes, used[0])
    return found


def random_ranges(site: Site, count: int) -> dict[str, object]:
    """Return percentiles of ranges of 1 MB at random places of a day."""
    client = site.client(HOUR_S // 2, S_PER_DAY)
    connection, response, _ = client.open("bytes=0-0")
    size = int(response.headers["Content-Range"].rpartition("/")[2])
    connection.close()
    places = random.Random(1)
    firsts = [places.randrange(size - RANGE_BYTES) for _ in range(count)]
    found: dict[str, object] = {"file_gb": to_tenth(size / 1e9)}
    for name in ("first reading", "verified"):
        took_ms = [client.range_ms(first) for first in firsts]
        found[name] = {
            f"p{part}_ms": to_tenth(percentile(took_ms, part / 100)) for part in (50, 95)
        }
    return found


def open_responses(site: Site, days: int, hours: int) -> dict[str, object]:
    """Return the memory of each of several open responses of a day, and of an hour."""
    found: dict[str, object] = {}
    for name, seconds, count in (("a day", S_PER_DAY, days), ("an hour", HOUR_S, hours)):
        clients = [site.client(HOUR_S // 3 + STEP_S * n, seconds) for n in range(count)]
        found[name] = memory_of_responses(site.memory_bytes, clients)
    return found


def compared(folder: Path, segments: list[Path]) -> dict[str, object]:
    """Return what ffmpeg and `FileResponse` need for the same five minutes."""
    names = folder / "segments.txt"
    names.write_text("".join(f"file '{path}'\n" for path in segments))
    made = folder / "copied.mp4"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "concat", "-safe", "0", "-i", str(names)]
    before, since_s = resource.getrusage(resource.RUSAGE_CHILDREN), CLOCK.monotonic_s()
    subprocess.run([*command, "-c", "copy", "-movflags", "+faststart", str(made)], check=True)
    took_s, after = CLOCK.monotonic_s() - since_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    copied = _cost([{"whole_s": took_s, "bytes": made.stat().st_size}], cpu_s)
    return {"ffmpeg": copied, "FileResponse": _served(made)}


def serve(file: str, port: int) -> None:
    """Serve one file with Starlette's FileResponse, until the process is stopped."""
    uvicorn.run(FileResponse(file), port=port, lifespan="off", log_level="error")


def _served(file: Path) -> dict[str, object]:
    (port,) = free_ports(1)
    program = f"from benchmarks.exports import serve; serve({str(file)!r}, {port})"
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        client = Client(port, {}, "/")
        wait(lambda: _accepts(port))
        took = client.first_bytes()
        before_s = cost_of([process.pid]).cpu_s
        wholes = [client.whole() for _ in range(REPEATS)]
        cpu_s = cost_of([process.pid]).cpu_s - before_s
        return _cost(wholes, cpu_s) | {"headers_ms": to_tenth(took["headers_ms"])}
    finally:
        process.terminate()
        process.wait()


def _accepts(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return False
    connection.close()
    return True


def _cost(wholes: list[dict[str, float]], cpu_s: float) -> dict[str, object]:
    """Return the median time, and the mean CPU time for each 150 MB."""
    size = sum(one["bytes"] for one in wholes)
    return {
        "mb": to_tenth(size / len(wholes) / 1e6),
        "whole_ms": to_tenth(1000 * statistics.median(one["whole_s"] for one in wholes)),
        "cpu_s_per_150_mb": round(cpu_s * 150e6 / size, 3),
    }


def measure(
    folder: Path, mbit_s: float, responses: int, paused: int, ranges: int
) -> dict[str, object]:
    picture = Picture(mbit_s=mbit_s)
    with running(folder / "site", picture) as (site, layout):
        site.measure_idle()
        segments = site.day.segment_files(layout, FIVE_MINUTES_S)
        found: dict[str, object] = {
            "first bytes": first_bytes(site),
            "five minutes": downloads(site) | compared(folder, segments),
            "random ranges of 1 MB": random_ranges(site, ranges),
            "open responses": open_responses(site, responses, paused),
            "from the object store": stored_times(site, layout, segments),
        }
    return found | {"from another node": node_times(folder / "city", picture, paused)}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.exports",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mbit", type=float, default=4.0, help="bit rate of the camera")
    parser.add_argument("--responses", type=int, default=6, help="open responses of a day")
    parser.add_argument("--paused", type=int, default=24, help="open responses of an hour")
    parser.add_argument("--ranges", type=int, default=100)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        report = measure(Path(folder), chosen.mbit, chosen.responses, chosen.paused, chosen.ranges)
    OUT.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), **report}, indent=1)
    (OUT / "exports.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
