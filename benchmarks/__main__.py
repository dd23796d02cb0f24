"""`make bench`: every benchmark in turn, each a module that also runs by itself; JSON and plots go to `benchmarks/out`.

Figures are ratios against a reference measured in the same run, never a timed test. docs/performance.md quotes them with the machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks import capacity, takeover
from benchmarks.cameras import Picture
from benchmarks.machine import OUT

CAPACITY = (
    ("capacity-simulator", capacity.CAMERAS, capacity.REFERENCES, capacity.Plan(Picture(), 30.0, "simulator")),
    ("capacity-gstreamer", (64,), (64,), capacity.Plan(Picture(), 30.0, "gstreamer")),
    ("capacity-1080p", (16,), (16,), capacity.Plan(Picture(1080, 4.0), 30.0, "gstreamer")),
)
"""Name, cameras of ours, cameras of ffmpeg, and what they record."""


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for name, cameras, references, plan in CAPACITY:
        print(name, file=sys.stderr)
        report = capacity.run(cameras, references, plan)
        (OUT / f"{name}.json").write_text(json.dumps(report, indent=1))
        capacity.plot(report, OUT / f"{name}.svg")
    print("take-over", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="sightline-takeover-") as folder:
        (OUT / "takeover.json").write_text(json.dumps(takeover.run(32, 3, Path(folder), Picture()), indent=1))


if __name__ == "__main__":
    main()
