"""Measures how many cameras one machine records without a lost picture, and what each of them
costs.

    python -m benchmarks.capacity [--cameras 16,64,128,256] [--reference 128,64] [--seconds 30]
    [--mbit 1] [--height 720]
                                  [--server simulator|gstreamer]

One instance of Sightline (`sightline up`) records each number of cameras, and the figure is of its
camera workers. The reference is ffmpeg with one process for each camera, for the first number of
`--reference` that it records without a loss. The server of the cameras is not in the figures. The
simulator counts the pictures that it sent, and a picture that is not in the files is lost.
GStreamer does not count, so there a picture is lost if the times of its neighbours have a gap. JSON
and a plot go to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from benchmarks.cameras import Cameras, Picture, Server, make_stream, served
from benchmarks.machine import OUT, machine
from benchmarks.processes import Cost, cost_of
from benchmarks.recorders import Kept, Recorder, ffmpegs, kept, sightline
from domain.clock import SystemClock
from simulator.player import Counters

CLOCK = SystemClock()
CAMERAS = (16, 64, 128, 256)
REFERENCES = (128, 64, 16)
DRAIN_S = 2.0
"""What was sent last is in the recorder's hands by then."""
_HASHED = 400
"""The fragments that are hashed to measure it."""
HELD_BACK = 2
"""Pictures of a camera that libavformat holds back at the end of a stream that does not end."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one recorder did with so many cameras."""

    who: str
    cameras: int
    seconds: float
    processes: int
    cpu_percent_of_a_core: float
    resident_mb: float
    proportional_mb: float
    server_cpu_percent: float
    """Of the server, all cameras together: at 100 it may be the limit."""
    pictures: int
    lost: int
    """The figures but this and the one before are of one camera."""


@dataclass(frozen=True, slots=True)
class Plan:
    picture: Picture
    seconds: float
    server: Server
    settle_s: float = 15.0


def measure(who: str, recorder: Recorder, cameras: int, plan: Plan, stream: Path) -> Run:
    """Record `cameras` cameras for a while; what it cost in a settled state, and what is not in
    the files.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-capacity-") as name:
        folder = Path(name)
        with served(plan.server, stream, cameras, folder) as source:
            with recorder(source.urls, folder) as recording:
                ours, servers = _settled_cost(recording.pids, source, plan)
                sent = source.fall_silent()
                CLOCK.sleep(DRAIN_S)
            held = [kept(one) for one in recording.folders]
    missing = sum(lost(one, None if sent is None else sent[at]) for at, one in enumerate(held))
    return Run(
        who,
        cameras,
        plan.seconds,
        len(recording.pids),
        100 * ours.cpu_s / plan.seconds / cameras,
        ours.resident_bytes / 1e6 / cameras,
        ours.proportional_bytes / 1e6 / cameras,
        100 * servers.cpu_s / plan.seconds,
        sum(one.pictures for one in held),
        missing,
    )


def _settled_cost(pids: list[int], source: Cameras, plan: Plan) -> tuple[Cost, Cost]:
    """CPU seconds used within the plan's, and memory at their end, of the recorder and of the
    server.
    """
    CLOCK.sleep(plan.settle_s)
    before = cost_of(pids), cost_of([source.process_id])
    CLOCK.sleep(plan.seconds)
    after = cost_of(pids), cost_of([source.process_id])
    ours, servers = (
        replace(late, cpu_s=late.cpu_s - early.cpu_s)
        for early, late in zip(before, after, strict=True)
    )
    return ours, servers


def lost(one: Kept, sent: Counters | None) -> int:
    """Return how many pictures of a camera are not in its files."""
    if one.pictures == 0:
        return 1 if sent is None else max(1, sent.sent_units)
    if sent is None:
        return one.missing
    unsent = sent.sent_units - one.pictures
    return max(one.missing, unsent if unsent > HELD_BACK else 0) + sent.dropped_packets


def reference(counts: tuple[int, ...], plan: Plan, stream: Path) -> list[Run]:
    """ffmpeg at each number until one loses nothing, which is the last."""
    runs: list[Run] = []
    for cameras in counts:
        runs.append(_reported(measure("ffmpeg", ffmpegs, cameras, plan, stream)))
        if not runs[-1].lost:
            break
    return runs


def run(cameras: tuple[int, ...], references: tuple[int, ...], plan: Plan) -> dict[str, Any]:
    """Raises SystemExit where ffmpeg, the reference, is not installed."""
    if shutil.which("ffmpeg") is None:
        raise SystemExit("the reference ffmpeg is not installed")
    with tempfile.TemporaryDirectory(prefix="sightline-capacity-") as name:
        stream = make_stream(Path(name) / "stream.mp4", plan.picture, _longest_s(plan))
        ours = [
            _reported(measure("sightline", sightline, count, plan, stream)) for count in cameras
        ]
        theirs = reference(references, plan, stream)
    best, hashing = theirs[-1], hashing_percent(plan.picture.mbit_s)
    return {
        "machine": machine(),
        "server": plan.server,
        "picture": asdict(plan.picture),
        "seconds": plan.seconds,
        "reference_cameras": best.cameras,
        "reference_lost": best.lost,
        "hashing_percent_of_a_core": hashing,
        "runs": [asdict(one) for one in (*ours, *theirs)],
        "ratios": [
            {
                "cameras": one.cameras,
                "lost": one.lost,
                "cpu": one.cpu_percent_of_a_core / best.cpu_percent_of_a_core,
                "cpu_without_hashing": (one.cpu_percent_of_a_core - hashing)
                / best.cpu_percent_of_a_core,
                "resident": one.resident_mb / best.resident_mb,
                "proportional": one.proportional_mb / best.proportional_mb,
            }
            for one in ours
        ],
    }


def hashing_percent(mbit_s: float) -> float:
    """Return what hashing the fragments of one camera costs, in percent of a core."""
    fragment = bytes(round(mbit_s * 1e6 / 8))  # of a second
    before_s = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for _ in range(_HASHED):
        hashlib.sha256(fragment)
    return 100 * (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before_s) / _HASHED


def _longest_s(plan: Plan) -> float:
    """GStreamer plays a file once, and that must outlast the recorder; the simulator begins
    again.
    """
    return plan.seconds + 4 * plan.settle_s if plan.server == "gstreamer" else 10.0


def _reported(one: Run) -> Run:
    cost = f"{one.cpu_percent_of_a_core:.3f} % of a core and {one.resident_mb:.2f} MB a camera"
    print(
        f"{one.who}, {one.cameras} cameras: {cost}, {one.lost} of {one.pictures} pictures lost",
        file=sys.stderr,
    )
    return one


def plot(report: dict[str, Any], file: Path) -> None:
    """CPU and memory for each camera over the number of cameras, ffmpeg's as a line across."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ours = [one for one in report["runs"] if one["who"] == "sightline"]
    best = next(one for one in reversed(report["runs"]) if one["who"] == "ffmpeg")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
    for axis, key, title in zip(
        axes,
        ("cpu_percent_of_a_core", "resident_mb"),
        ("% of a core a camera", "MB a camera (resident)"),
        strict=True,
    ):
        axis.plot(
            [one["cameras"] for one in ours],
            [one[key] for one in ours],
            marker="o",
            label="Sightline",
        )
        axis.axhline(best[key], color="tab:orange", label=f"ffmpeg, {best['cameras']} cameras")
        axis.set(title=title, xlabel="cameras", ylim=(0, None))
        axis.legend()
    figure.tight_layout()
    figure.savefig(file)


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cameras",
        type=numbers,
        default=CAMERAS,
        help="how many cameras Sightline records, one run each",
    )
    parser.add_argument(
        "--reference",
        type=numbers,
        default=REFERENCES,
        help="how many ffmpeg tries, until it loses nothing",
    )
    parser.add_argument(
        "--seconds", type=float, default=30, help="how long each is measured, once settled"
    )
    parser.add_argument("--mbit", type=float, default=1)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--server", choices=get_args(Server), default="simulator")
    chosen = parser.parse_args()
    report = run(
        chosen.cameras,
        chosen.reference,
        Plan(Picture(chosen.height, chosen.mbit), chosen.seconds, chosen.server),
    )
    OUT.mkdir(exist_ok=True)
    name = f"capacity-{chosen.server}" + (
        f"-{chosen.height}p" if chosen.height != Picture().height_px else ""
    )
    (OUT / f"{name}.json").write_text(json.dumps(report, indent=1))
    plot(report, OUT / f"{name}.svg")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
