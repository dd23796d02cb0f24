"""A small site: what each process of one instance holds in memory, and how long starts take.

    python -m benchmarks.sites.small_site [--cameras 16] [--seconds 20] [--mbit 1]

`sightline up` records the cameras. It is started twice on one data folder, and the second start is
the figure. Then a worker is killed, and the time to the first heartbeat of the next one is
measured. The reference is one ffmpeg for each camera. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.cameras import Picture, make_stream, served
from benchmarks.machine import OUT, machine
from benchmarks.processes import Cost, command_line, cost_of, descendants_of
from benchmarks.recorders import ffmpegs
from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from sightline.processes.ports import free_ports
from sightline.processes.status_file import status_file

CLOCK = SystemClock()
POLL_S = 0.01
SETTLE_S = 5.0
STOP_WITHIN_S = 60
PROGRAMS = (
    "sightline.forking.server", "sightline.worker", "sightline.live_process",
    "sightline.api_process", "sightline.media_process", "valkey-server", "weed", "sightline up",
)  # fmt: skip
"""What identifies a process by its command line, the first that occurs."""


@contextmanager
def started(
    registry: Path, layout: Layout, ready_s: list[float]
) -> Iterator[subprocess.Popen[str]]:
    """Run an instance, and append the seconds until it is ready to `ready_s`."""
    (port,) = free_ports(1)
    command = (
        sys.executable, "-m", "sightline", "up", "--registry", str(registry),
        "--data", str(layout.root), "--port", str(port), "--host", "127.0.0.1",
    )  # fmt: skip
    began_s = CLOCK.monotonic_s()
    with (layout.root.parent / "up.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        process.stdout.readline()  # It prints the console's address when everything serves.
        ready_s.append(CLOCK.monotonic_s() - began_s)
        yield process
    finally:
        process.terminate()
        process.wait(STOP_WITHIN_S)
        process.stdout.close()


def costs(pid: int) -> dict[str, Cost]:
    """Return the CPU time and memory of an instance by program."""
    pids: dict[str, list[int]] = {}
    for process in (pid, *descendants_of(pid)):
        line = command_line(process)
        program = next((name for name in PROGRAMS if name in line), line)
        pids.setdefault(program, []).append(process)
    return {program: cost_of(found) for program, found in pids.items()}


def restart_s(pid: int, layout: Layout) -> float:
    """Kill the first worker, and return the seconds until the next one has a heartbeat."""
    heartbeat = status_file(layout, 0)
    (worker,) = (
        child
        for child in descendants_of(pid)
        if "sightline.worker" in command_line(child) and "--index 0" in command_line(child)
    )
    killed_s, before = CLOCK.monotonic_s(), heartbeat.stat().st_mtime_ns
    os.kill(worker, signal.SIGKILL)
    while heartbeat.stat().st_mtime_ns == before:
        CLOCK.sleep(POLL_S)
    return CLOCK.monotonic_s() - killed_s


def run(cameras: int, seconds: float, picture: Picture) -> dict[str, Any]:
    ready_s: list[float] = []
    with tempfile.TemporaryDirectory(prefix="sightline-small-") as name:
        folder = Path(name)
        stream = make_stream(folder / "stream.mp4", picture)
        with served("simulator", stream, cameras, folder) as source:
            registry = folder / "camera_registry.yaml"
            registry.write_text(json.dumps(_registry(source.urls)))
            layout = Layout(folder / "data")
            with started(registry, layout, ready_s):
                pass
            with started(registry, layout, ready_s) as site:
                CLOCK.sleep(SETTLE_S)
                before = costs(site.pid)
                CLOCK.sleep(seconds)
                after = costs(site.pid)
                restarted_s = restart_s(site.pid, layout)
            with ffmpegs(source.urls, folder) as recording:
                CLOCK.sleep(seconds)
                reference = cost_of(recording.pids).proportional_bytes / 1e6
    memory = {program: cost.proportional_bytes / 1e6 for program, cost in after.items()}
    cpu = {
        program: 100 * (cost.cpu_s - before[program].cpu_s) / seconds
        for program, cost in after.items()
    }
    total = sum(memory.values())
    return {
        "machine": machine(),
        "cameras": cameras,
        "memory_mb": memory,
        "cpu_percent_of_a_core": cpu,
        "cpu_percent_of_a_core_for_a_camera": sum(cpu.values()) / cameras,
        "memory_total_mb": total,
        "reference_mb": reference,
        "memory_ratio": total / reference,
        "first_start_s": ready_s[0],
        "second_start_s": ready_s[1],
        "worker_restart_s": restarted_s,
    }


def _registry(urls: list[str]) -> dict[str, object]:
    place = {"class": "A", "area": "a", "location": {"lon": 0, "lat": 0}}
    cameras = [
        {"id": f"cam-{number}", "name": "x", "url": url, **place} for number, url in enumerate(urls)
    ]
    return {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": cameras}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sites.small_site",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--mbit", type=float, default=1.0)
    args = parser.parse_args()
    report = run(args.cameras, args.seconds, Picture(mbit_s=args.mbit))
    OUT.mkdir(exist_ok=True)
    (OUT / "small_site.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
