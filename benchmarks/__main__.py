"""`make bench`: every benchmark in turn; JSON and plots go to `benchmarks/out`.

Figures are ratios against a reference measured in the same run, never a timed test. docs/performance.md quotes them with the machine.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks import recording

OUT = Path(__file__).parent / "out"
RECORDING = ((16, 4.0, 1080, "simulator"), (16, 4.0, 1080, "gstreamer"), (32, 1.0, 720, "simulator"))
"""Cameras, Mbit/s, height and server of each comparison."""


def main() -> None:
    OUT.mkdir(exist_ok=True)
    runs = []
    for cameras, mbit_s, height_px, server in RECORDING:
        print(f"recording {cameras} cameras at {height_px} lines and {mbit_s:g} Mbit/s from {server}, beside ffmpeg …", file=sys.stderr)
        runs.append(recording.run(cameras, 60.0, mbit_s, height_px, server))
    report = {"machine": _machine(), "recording": runs}
    (OUT / "recording.json").write_text(json.dumps(report, indent=1))
    _plot(runs, OUT / "recording.png")
    print(json.dumps(report, indent=1))


def _machine() -> dict[str, Any]:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cores": len(models), "python": platform.python_version()}


def _plot(runs: list[dict[str, Any]], file: Path) -> None:
    """CPU and memory for each camera, ours beside ffmpeg's."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
    labels = [f"{run['cameras']} x {run['height_px']}p\n{run['mbit_s']:g} Mbit/s\n{run['server']}" for run in runs]
    for axis, key, title in zip(axes, ("cpu_percent_of_a_core", "resident_mb"), ("% of a core a camera", "MB a camera"), strict=True):
        for shift, who in ((-0.2, "sightline"), (0.2, "ffmpeg")):
            axis.bar([place + shift for place in range(len(runs))], [run[who][key] for run in runs], 0.4, label=who)
        axis.set_xticks(range(len(runs)), labels)
        axis.set_title(title)
        axis.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
