"""Overload: how many checkpoints this machine analyses completely, and what it finds of more.

The capacity is the largest number of cameras of which every passing is found. The search doubles
and halves the number of cameras until it has one that is enough and one that is too many, and then
bisects, at most `MOST_LEVELS` times. The short form measures 30 s of each level. With `--capacity`
the search is left out. With `--before` each level is also measured with the code of another
checkout, one directly after the other, because the speed of a shared machine changes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIRST_A_CORE = 4
"""The search for the capacity starts with so many cameras for each core."""
MOST_LEVELS = 8
LEVELS = "1,1.3,2"
_SPIN = "while True: pass"

Run = Callable[[int, Path | None], dict[str, Any]]
"""Measures so many cameras with the code of a checkout (None: of this one), and returns the report
of `measurement.measure`.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: the multiples of the capacity, and how long each of them."""

    times: tuple[float, ...]
    capacity: int | None
    """None where it is to be found."""
    first: int
    """The number of cameras with which the search starts."""
    minutes: float
    settle_s: float
    again: bool = False
    """Whether the recordings are analysed after the load."""
    before: Path | None = None
    """Another checkout, whose code is measured at the same levels."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("overload")
    group.add_argument("--overload", action="store_true", help="measure multiples of the capacity")
    group.add_argument("--capacity", type=int, help="the capacity, if it is known already")
    group.add_argument("--times", default=LEVELS, help="the multiples, separated by commas")
    group.add_argument("--short", action="store_true", help="measure 30 s of each level")
    group.add_argument(
        "--again", action="store_true", help="analyse the recordings after each level"
    )
    group.add_argument(
        "--taken-cores", type=int, default=0, help="so many cores are used by other programs"
    )
    group.add_argument(
        "--before", type=Path, help="a checkout whose code is measured at the same levels"
    )


def plan_of(chosen: argparse.Namespace) -> Plan:
    """Return the plan of the command line. Raises ValueError where a multiple is no number."""
    return Plan(
        tuple(float(one) for one in chosen.times.split(",")),
        chosen.capacity,
        FIRST_A_CORE * len(os.sched_getaffinity(0)),
        minutes=0.5 if chosen.short else chosen.minutes,
        settle_s=15.0 if chosen.short else 25.0,
        again=chosen.again,
        before=chosen.before and chosen.before.resolve(),
    )


def overload(plan: Plan, run: Run) -> dict[str, Any]:
    """Return the capacity, and one row for each multiple of it, with each code."""
    runs: dict[int, dict[str, Any]] = {}

    def finds_all(cameras: int) -> bool:
        runs[cameras] = run(cameras, None)
        return bool(runs[cameras]["found"] >= runs[cameras]["passings"])

    capacity = plan.capacity or find_capacity(finds_all, plan.first)
    rows, rows_before = list[dict[str, Any]](), list[dict[str, Any]]()
    for times in plan.times:
        cameras = max(1, round(times * capacity))
        if plan.before is not None:
            rows_before.append({"times": times, **row(run(cameras, plan.before))})
        # What the search measured an hour ago is no comparison with the other code.
        known = runs.get(cameras) if plan.before is None else None
        rows.append({"times": times, **row(known or run(cameras, None))})
    return {"capacity": capacity, "levels": rows, "levels_before": rows_before}


def find_capacity(finds_all: Callable[[int], bool], first: int) -> int:
    """Return the largest number of cameras of which all passings are found, searched from `first`.

    Return 1 where not even one camera is analysed completely. After `MOST_LEVELS` tries the best
    one counts.
    """
    cameras, enough, too_many = first, 0, None
    for _ in range(MOST_LEVELS):
        if finds_all(cameras):
            enough = cameras
        else:
            too_many = cameras
        if too_many is not None and too_many - enough <= 1:
            break
        cameras = 2 * enough if too_many is None else (enough + too_many) // 2
    return max(1, enough)


def row(report: dict[str, Any]) -> dict[str, Any]:
    """Return what one level shows, from the report of its run."""
    by_camera = report["found_of_passings_by_camera"]
    counts = report["counts"]
    after_s = report["searchable_after_s"]
    return {
        "cameras": report["cameras"],
        "passings": report["passings"],
        "found": report["found"],
        "found_percent": _percent(report["found"], report["passings"]),
        "worst_camera_below_mean_points": worst_below_mean(by_camera),
        "found_percent_by_camera": [_percent(found, of) for found, of in by_camera],
        "doubled": report["doubled"],
        "false": report["false"],
        "searchable_after_p95_s": after_s["p95"] if after_s else None,
        "frames_decoded_a_second_a_camera": report["frames_decoded_a_second_a_camera"],
        "frames_analysed_a_second_a_camera": report["frames_analysed_a_second_a_camera"],
        "cores_used": report["cores_used"],
        "counts": counts,
        "coverage": report["coverage"],
        "again": report["again"],
        "recorder_lost_packets": counts["sightline_packets_dropped_total:recorder"],
    }


def worst_below_mean(by_camera: Sequence[tuple[int, int]]) -> float:
    """Return how many percentage points the worst camera is below the mean of all cameras."""
    shares = [_percent(found, of) for found, of in by_camera]
    return round(sum(shares) / len(shares) - min(shares), 1)


def _percent(found: int, of: int) -> float:
    return round(100 * found / of, 1) if of else 100.0


@contextmanager
def cores_taken(cores: int) -> Iterator[None]:
    """Have another program use so many cores while the block runs, each of them entirely."""
    available = sorted(os.sched_getaffinity(0))
    taken = [subprocess.Popen((sys.executable, "-c", _SPIN)) for _ in range(cores)]
    try:
        for process, core in zip(taken, available, strict=False):
            os.sched_setaffinity(process.pid, {core})
        yield
    finally:
        for process in taken:
            process.kill()
            process.wait()
