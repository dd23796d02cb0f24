"""Injects single faults into a running site, one after the other, and checks what must hold after
each. docs/faults.md explains it.

    python -m benchmarks.faults [--only NAME,NAME] [--short] [--folder DIR] [--list]
    python -m benchmarks.faults random [--minutes 5] [--seed S]       (random faults instead)
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from benchmarks.cameras import make_stream
from benchmarks.faults import namespace, random_faults
from benchmarks.faults.campaign import Campaign
from benchmarks.faults.judge import Verdict
from benchmarks.faults.random_faults import SMALL
from benchmarks.faults.report import markdown, show
from benchmarks.faults.scenarios import (
    CLOCKS,
    DISKS,
    EVERY,
    SHARED,
    Scenario,
    clock_environment,
    prepared,
)
from benchmarks.faults.stage import Footage, Stage
from benchmarks.machine import OUT

SHORT_S = 30.0
WIDE = 160
"""Columns of the table where no terminal says how wide it is."""


def run(only: frozenset[str], longest_s: float, folder: Path, console: Console) -> list[Verdict]:
    """Play the named scenarios, each group on its own site.

    Scenarios whose requirements are missing on this machine are reported as skipped.
    """
    inside = namespace.is_inside()
    chosen = [one for one in EVERY if one.name in only]
    verdicts = [
        Verdict(one.name, one.title, skipped=one.lacks(inside))
        for one in chosen
        if one.lacks(inside)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    footage = Footage(
        make_stream(folder / "h264.mp4", SMALL),
        make_stream(folder / "h265.mp4", replace(SMALL, codec="libx265")),
    )
    for number, group in enumerate((SHARED, *((one,) for one in CLOCKS), DISKS)):
        scenarios = tuple(one for one in group if one in chosen and not one.lacks(inside))
        if scenarios:
            verdicts += _group(scenarios, folder / f"group-{number}", footage, longest_s, console)
    return verdicts


def _group(
    scenarios: tuple[Scenario, ...],
    folder: Path,
    footage: Footage,
    longest_s: float,
    console: Console,
) -> list[Verdict]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = clock_environment(folder) if scenarios[0].is_clock else {}
    if "disk-full" in (one.name for one in scenarios):
        environment["SIGHTLINE_DISK_RESERVE_GB"] = "0.002"
    stage = Stage(folder, footage, [one.actor for one in scenarios if one.actor], environment)
    with prepared(stage, scenarios), stage.running():
        return Campaign(
            stage, scenarios, longest_s, lambda text: console.print(text, highlight=False)
        ).run()


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["random"]:
        return random_faults.main(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        default=",".join(one.name for one in EVERY),
        help="names of scenarios, with commas between",
    )
    parser.add_argument(
        "--short", action="store_true", help=f"no fault lasts longer than {SHORT_S:g} s"
    )
    parser.add_argument(
        "--longest", type=float, default=600.0, help="no fault lasts longer than so many seconds"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=None,
        help="where the sites' data go, and stay; a temporary folder otherwise",
    )
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    chosen = parser.parse_args(arguments)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else WIDE)
    if chosen.list:
        print("\n".join(f"{one.name}\t{one.title}" for one in EVERY).expandtabs(20))
        return 0
    if not namespace.is_inside():
        why = namespace.why_not()
        if not why:
            namespace.enter(arguments)
        console.print(f"[yellow]{why}: faults of the network and of disks are skipped[/yellow]")
    with tempfile.TemporaryDirectory(prefix="sightline-faults-") as temporary:
        only = frozenset(chosen.only.split(","))
        verdicts = run(
            only,
            SHORT_S if chosen.short else chosen.longest,
            chosen.folder or Path(temporary),
            console,
        )
    show(verdicts, console)
    OUT.mkdir(exist_ok=True)
    (OUT / "faults.md").write_text(markdown(verdicts))
    print(
        json.dumps(
            [{**asdict(one), "holds": one.holds} for one in verdicts], ensure_ascii=False, indent=1
        )
    )
    return 0 if all(one.holds for one in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
