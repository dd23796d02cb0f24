"""Runs many cameras with random faults for a long time, and checks that memory, descriptors and
threads stay flat.

    python -m benchmarks.soak [--minutes 30] [--cameras 64] [--seed S]        (make soak MINUTES=30)

Each process of the site is sampled. After a warm-up, a line is fitted to each of its figures, and
its rise within the run must stay within the bounds below. JSON and a plot go to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks.cameras import Picture, make_stream
from benchmarks.faults.random_plan import random_faults
from benchmarks.machine import OUT, machine
from benchmarks.processes import Held, command_line, descendants_of, held_by
from benchmarks.site import CLOCK, BenchSite
from domain.people import Role
from simulator import SimCamera

EVERY_S = 5.0
WARM_UP_S = 300.0
"""Or a third of the run, where that is shorter."""
FAULT_EVERY_S = 60.0
"""A camera has its next fault once to twice as long after the one before."""
START_WITHIN_S = 120.0
NOT_OURS = ("valkey", "seaweedfs")
"""Their memory is theirs to manage; it is drawn, not judged."""
MEMORY_MAY_RISE = 0.05
MEMORY_MAY_RISE_BYTES = 8_000_000
DESCRIPTORS_MAY_RISE = 8
THREADS_MAY_RISE = 3
KINDS = {"resident_bytes": "resident, MB", "descriptors": "descriptors", "threads": "threads"}
_NAMES = (
    ("sightline.worker", "worker"),
    ("sightline.live_process", "live"),
    ("sightline.api_process", "api"),
    ("valkey-server", "valkey"),
    ("weed", "seaweedfs"),
    ("sightline up", "supervisor"),
)
_COUNTED = (
    "sightline_packets_total",
    "sightline_packets_dropped_total",
    "sightline_packets_broken_total",
    "sightline_reconnects_total",
)
_CAMERAS = TypeAdapter(list[SimCamera])


@dataclass(slots=True)
class Series:
    """One process over time."""

    pids: set[int] = field(default_factory=set)
    at_s: list[float] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    def rise(self, kind: str, from_s: float) -> tuple[float, float]:
        """How much a fitted line rises from `from_s` to the end, and where it begins."""
        points = [
            (at_s, float(getattr(held, kind)))
            for at_s, held in zip(self.at_s, self.held, strict=True)
            if at_s >= from_s
        ]
        slope, start = fitted(points)
        return slope * (points[-1][0] - points[0][0]), start


def fitted(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and first value of the line of least squares; flat where there is one moment only."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return slope, mean_y + slope * (points[0][0] - mean_x)


def may_rise(kind: str, start: float) -> float:
    if kind == "resident_bytes":
        return max(MEMORY_MAY_RISE * start, MEMORY_MAY_RISE_BYTES)
    return DESCRIPTORS_MAY_RISE if kind == "descriptors" else THREADS_MAY_RISE


def faults_found(series: dict[str, Series], warm_up_s: float) -> list[str]:
    """What does not stay flat, and who did not live through it."""
    found = [f"{name} was started again" for name, one in series.items() if len(one.pids) > 1]
    for name, one in series.items():
        if name in NOT_OURS or not one.at_s or one.at_s[-1] < warm_up_s:
            continue
        for kind in KINDS:
            rise, start = one.rise(kind, warm_up_s)
            if rise > may_rise(kind, start):
                found.append(f"{name}: {kind} rises by {rise:.0f} from {start:.0f}")
    return found


class Soak:
    def __init__(self, cameras: int, minutes: float, seed: int, folder: Path) -> None:
        self._cameras = [f"cam-{number}" for number in range(cameras)]
        self._duration_s = minutes * 60
        self._random = random.Random(seed)
        self._folder = folder
        self._series: dict[str, Series] = {}
        self._counts: list[dict[str, float]] = []

    def run(self) -> dict[str, Any]:
        with self._simulator() as urls:
            site = BenchSite(
                self._folder / "site",
                _registry(urls),
                {**os.environ, "SIGHTLINE_DISK_LIMIT_GB": "4"},
            )
            try:
                site.start()
                _wait(site)
                site.sign_in(Role.ADMIN)
                self._watch(site)
                code = site.stop()
            finally:
                site.close()
        return self._report(code)

    def _watch(self, site: BenchSite) -> None:
        begin_s = CLOCK.monotonic_s()
        while (at_s := CLOCK.monotonic_s() - begin_s) < self._duration_s:
            for pid in (site.process_id, *descendants_of(site.process_id)):
                with suppress(OSError):
                    self._sample(pid, at_s)
            self._counts.append({"at_s": at_s, **_counted(site)})
            CLOCK.sleep(EVERY_S)

    def _sample(self, pid: int, at_s: float) -> None:
        name = name_of(command_line(pid))
        if name is not None:
            one = self._series.setdefault(name, Series())
            held = held_by(pid)
            one.pids.add(pid)
            one.at_s.append(round(at_s, 1))
            one.held.append(held)

    def _report(self, code: int) -> dict[str, Any]:
        warm_up_s = min(WARM_UP_S, self._duration_s / 3)
        faults = faults_found(self._series, warm_up_s) + (
            [] if code == 0 else [f"the site ended with {code}"]
        )
        rises = {
            name: {
                kind: dict(zip(("rise", "start"), one.rise(kind, warm_up_s), strict=True))
                for kind in KINDS
            }
            for name, one in self._series.items()
            if one.at_s[-1] >= warm_up_s
        }
        return {
            "machine": machine(),
            "cameras": len(self._cameras),
            "minutes": self._duration_s / 60,
            "warm_up_s": warm_up_s,
            "holds": not faults,
            "faults": faults,
            "rises": rises,
            "counts": self._counts,
            "series": {
                name: {"at_s": one.at_s, "held": [asdict(held) for held in one.held]}
                for name, one in self._series.items()
            },
        }

    @contextmanager
    def _simulator(self) -> Iterator[dict[str, str]]:
        """The cameras, in a process of their own, each with faults of its own."""
        video = make_stream(self._folder / "stream.mp4", Picture())
        cameras = [
            SimCamera(
                name,
                video,
                phase_s=self._random.uniform(0, 10),
                faults=random_faults(self._random, self._duration_s + 60, FAULT_EVERY_S),
            )
            for name in self._cameras
        ]
        config = self._folder / "simulator.json"
        config.write_bytes(_CAMERAS.dump_json(cameras))
        process = subprocess.Popen(
            (sys.executable, "-m", "simulator", "--config", str(config)), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["urls"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            process.stdout.close()


def name_of(line: str) -> str | None:
    """What a process of the site is, by its command line."""
    name = next((name for words, name in _NAMES if words in line), None)
    index = re.search(r"--index (\d+)", line)
    return f"{name}-{index[1]}" if name == "worker" and index else name


def _wait(site: BenchSite) -> None:
    deadline_s = CLOCK.monotonic_s() + START_WITHIN_S
    while not site.answers():
        if CLOCK.monotonic_s() > deadline_s:
            raise RuntimeError("the site does not start")
        CLOCK.sleep(0.5)


def _counted(site: BenchSite) -> dict[str, float]:
    """Totals over all cameras; nothing while the site does not answer."""
    answer = site.get("/metrics")
    if answer is None or answer.status_code != 200:
        return {}
    totals = dict.fromkeys(_COUNTED, 0.0)
    for line in answer.text.splitlines():
        name = line.partition("{")[0]
        if name in totals:
            totals[name] += float(line.rpartition(" ")[2])
    return totals


def _registry(urls: dict[str, str]) -> dict[str, object]:
    entry = {"class": "A", "area": "soak", "location": {"lon": 111.5, "lat": 32.5}}
    cameras = [{"id": name, "name": name, "url": url, **entry} for name, url in urls.items()]
    return {"version": 1, "areas": {"soak": {"name": "soak"}}, "cameras": cameras}


def plot(report: dict[str, Any], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(KINDS), figsize=(12, 3.5))
    for axis, (kind, title) in zip(axes, KINDS.items(), strict=True):
        for name, one in report["series"].items():
            scale = 1e6 if kind == "resident_bytes" else 1
            axis.plot(
                [at_s / 60 for at_s in one["at_s"]],
                [held[kind] / scale for held in one["held"]],
                label=name,
            )
        axis.axvline(report["warm_up_s"] / 60, color="grey", linestyle=":")
        axis.set(title=title, xlabel="minutes", ylim=(0, None))
    axes[0].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--cameras", type=int, default=64)
    parser.add_argument(
        "--seed",
        type=int,
        default=None,
        help="repeats the faults; one is drawn and printed where it is left out",
    )
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="sightline-soak-") as name:
        report = Soak(chosen.cameras, chosen.minutes, seed, Path(name)).run()
    OUT.mkdir(exist_ok=True)
    (OUT / "soak.json").write_text(json.dumps({"seed": seed, **report}))
    plot(report, OUT / "soak.svg")
    print(
        json.dumps(
            {key: report[key] for key in ("cameras", "minutes", "holds", "faults", "rises")}
            | {"last": report["counts"][-1]},
            indent=1,
        )
    )
    return 0 if report["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
