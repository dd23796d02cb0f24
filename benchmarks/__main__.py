"""`make bench`: every benchmark in turn, each a module that also runs by itself; JSON and plots go
to `benchmarks/out`.

    python -m benchmarks [NAME ...]         (make bench BENCH="index cold")

Figures are ratios against a reference measured in the same run, never a timed test.
docs/performance.md quotes them with the machine. The checkpoints' video is drawn, unless
SIGHTLINE_BENCH_VIDEO names another video that has a truth file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import OUT
from simulator.footage import make_footage, truth_of

PARTS = {
    "capacity-simulator": "capacity",
    "capacity-gstreamer": "capacity --server gstreamer --cameras 64 --reference 64",
    "capacity-gstreamer-1080p": "capacity --server gstreamer --cameras 16 --reference 16 --height "
    "1080 --mbit 4",
    "takeover": "takeover",
    "checkpoints": "checkpoints VIDEO --truth TRUTH --cameras 4 --idle 4",
    "index": "index --cluster 1000000",
    "cold": "cold",
    "rebuild": "rebuild",
    "api-memory": "api_memory",
    "compression": "compression",
    "live": "live",
    "reference-city": "sites.reference_city",
    "small-site": "sites.small_site",
    "exports": "exports",
    "downloads": "downloads",
    "console": "console --short",
}
"""The module and arguments of each name. Larger runs call the module directly."""


def commands(names: list[str], video: Path) -> dict[str, list[str]]:
    """Return the command for each of these names."""
    placeholders = {"VIDEO": str(video), "TRUTH": str(truth_of(video))}
    return {
        name: [
            sys.executable,
            "-m",
            f"benchmarks.{module}",
            *(placeholders.get(word, word) for word in words),
        ]
        for name in names
        for module, *words in [PARTS[name].split()]
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", type=_part, metavar="NAME", help=", ".join(PARTS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        return _run(commands(chosen.names or list(PARTS), _video(Path(folder))))


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PARTS)}")
    return name


def _video(folder: Path) -> Path:
    named = os.environ.get("SIGHTLINE_BENCH_VIDEO")
    return Path(named) if named else make_footage(folder).plates


def _run(parts: dict[str, list[str]]) -> int:
    """Run the parts and return the number of failed ones."""
    failed = []
    for number, (name, command) in enumerate(parts.items(), 1):
        print(
            f"[{number}/{len(parts)}] {name}: {' '.join(command[1:])}", file=sys.stderr, flush=True
        )
        failed += (
            [name]
            if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
            else []
        )
    print(
        f"reports are in {OUT}" + (f"; failed: {', '.join(failed)}" if failed else ""),
        file=sys.stderr,
    )
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
