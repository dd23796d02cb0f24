"""A small site: what each process of one instance holds in memory, and how long starts take.

    python -m benchmarks.sites.small_site [--cameras 16] [--checkpoints 0] [--seconds 20] [--mbit 1]

`sightline up` records the cameras, and analyses the last ones as checkpoints, which play a drawn
film. It is started twice on one data folder, and the second start is the figure. Then a worker is
killed, and the time to the first heartbeat of the next one is measured. The reference is one ffmpeg
for each camera, which analyses nothing. A table of the processes is printed, and JSON goes to
`benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cameras import Picture, make_stream, served
from benchmarks.machine import OUT, machine
from benchmarks.processes import (
    Memory,
    command_line,
    cost_of,
    descendants_of,
    memory_of,
)
from benchmarks.recorders import ffmpegs
from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from sightline.processes.ports import free_ports
from sightline.processes.status_file import status_file
from simulator.footage import make_footage

CLOCK = SystemClock()
POLL_S = 0.01
SETTLE_S = 5.0
EVENT_WITHIN_S = 120.0
STOP_WITHIN_S = 60
PROGRAMS = (
    "sightline.forking.server", "sightline.worker", "sightline.live_process",
    "sightline.api_process", "sightline.media_process", "valkey-server", "weed", "sightline up",
)  # fmt: skip
"""What identifies a process by its command line, the first that occurs."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The CPU time, in seconds, and the memory of one process."""

    name: str
    cpu_s: float
    memory: Memory


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


def spent(pid: int) -> dict[int, Spent]:
    """Return what each process of an instance has used, by process id."""
    return {
        process: Spent(program_of(process), cost_of([process]).cpu_s, memory_of(process))
        for process in (pid, *descendants_of(pid))
    }


def program_of(pid: int) -> str:
    """Return the program of a process, with the number of a worker."""
    line = command_line(pid)
    program = next((name for name in PROGRAMS if name in line), line.strip())
    index = line.partition("--index ")[2].split()
    return " ".join((program, *index[:1]))


def restart_s(pid: int, layout: Layout) -> float:
    """Kill the first worker, and return the seconds until the next one has a heartbeat."""
    heartbeat = status_file(layout, 0)
    (worker,) = (
        child for child in descendants_of(pid) if program_of(child) == "sightline.worker 0"
    )
    killed_s, before = CLOCK.monotonic_s(), heartbeat.stat().st_mtime_ns
    os.kill(worker, signal.SIGKILL)
    while heartbeat.stat().st_mtime_ns == before:
        CLOCK.sleep(POLL_S)
    return CLOCK.monotonic_s() - killed_s


def wait_for_event(layout: Layout) -> None:
    """Wait until a checkpoint has a new event, which needs the models. Raises TimeoutError."""
    deadline_s = CLOCK.monotonic_s() + EVENT_WITHIN_S
    before = set(layout.spool.rglob("*.json"))
    while set(layout.spool.rglob("*.json")) <= before:
        if CLOCK.monotonic_s() > deadline_s:
            raise TimeoutError(f"no event within {EVENT_WITHIN_S:.0f} s")
        CLOCK.sleep(POLL_S)


def run(cameras: int, checkpoints: int, seconds: float, picture: Picture) -> dict[str, Any]:
    ready_s: list[float] = []
    with tempfile.TemporaryDirectory(prefix="sightline-small-") as name:
        folder = Path(name)
        stream = make_stream(folder / "stream.mp4", picture)
        films = [make_footage(folder / "footage").plates] * checkpoints if checkpoints else []
        with served("simulator", stream, cameras - checkpoints, folder, others=films) as source:
            registry = folder / "camera_registry.yaml"
            registry.write_text(json.dumps(_registry(source.urls, checkpoints)))
            layout = Layout(folder / "data")
            with started(registry, layout, ready_s):
                pass
            with started(registry, layout, ready_s) as site:
                if checkpoints:
                    wait_for_event(layout)
                CLOCK.sleep(SETTLE_S)
                before = spent(site.pid)
                CLOCK.sleep(seconds)
                after = spent(site.pid)
                restarted_s = restart_s(site.pid, layout)
            with ffmpegs(source.urls, folder) as recording:
                CLOCK.sleep(seconds)
                reference = [memory_of(pid) for pid in recording.pids]
    rows = rows_of(before, after, seconds)
    total = sums(rows.values())
    reference_mb = sum(one.total for one in reference) / 1e6
    return {
        "machine": machine(),
        "cameras": cameras,
        "checkpoints": checkpoints,
        "processes": rows,
        "all_processes": total,
        "cpu_percent_of_a_core_for_a_camera": total["cpu_percent_of_a_core"] / cameras,
        "reference_mb": reference_mb,
        "reference_of_it_files_mb": sum(one.file for one in reference) / 1e6,
        "memory_ratio": total["memory_mb"] / reference_mb,
        "first_start_s": ready_s[0],
        "second_start_s": ready_s[1],
        "worker_restart_s": restarted_s,
    }


def rows_of(
    before: Mapping[int, Spent], after: Mapping[int, Spent], seconds: float
) -> dict[str, dict[str, float]]:
    """Return what the processes used in `seconds`, by name: several with one name are added."""
    named: dict[str, list[dict[str, float]]] = {}
    for pid, one in after.items():
        if pid in before:
            row = {
                "memory_mb": one.memory.total / 1e6,
                "of_it_files_mb": one.memory.file / 1e6,
                "cpu_percent_of_a_core": 100 * (one.cpu_s - before[pid].cpu_s) / seconds,
            }
            named.setdefault(one.name, []).append(row)
    return {name: sums(rows) for name, rows in named.items()}


def sums(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sum of each column of at least one row."""
    first, *others = rows
    return {name: sum((row[name] for row in others), first[name]) for name in first}


def table(processes: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table in Markdown of what each process uses."""
    lines = [
        "| process | memory, MB | of it mapped files, MB | % of a core |",
        "|---|--:|--:|--:|",
    ]
    lines += [
        f"| {name} | {row['memory_mb']:.1f} | {row['of_it_files_mb']:.1f} "
        f"| {row['cpu_percent_of_a_core']:.2f} |"
        for name, row in processes.items()
    ]
    return "\n".join(lines)


def _registry(urls: list[str], checkpoints: int) -> dict[str, object]:
    place = {"class": "A", "area": "a", "location": {"lon": 0, "lat": 0}}
    cameras: list[dict[str, object]] = [
        {"id": f"cam-{number}", "name": "x", "url": url, **place} for number, url in enumerate(urls)
    ]
    for camera in cameras[len(cameras) - checkpoints :]:
        camera["checkpoint"] = ["plate"]
    return {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": cameras}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sites.small_site",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cameras", type=int, default=16, help="all cameras")
    parser.add_argument("--checkpoints", type=int, default=0, help="how many of them are analysed")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--mbit", type=float, default=1.0)
    args = parser.parse_args()
    if not 0 <= args.checkpoints <= args.cameras:
        parser.error("--checkpoints is a part of --cameras")
    report = run(args.cameras, args.checkpoints, args.seconds, Picture(mbit_s=args.mbit))
    OUT.mkdir(exist_ok=True)
    name = f"small_site-{args.checkpoints}-checkpoints" if args.checkpoints else "small_site"
    (OUT / f"{name}.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))
    print(table({**report["processes"], "all": report["all_processes"]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
