"""Overload: how many checkpoints this machine analyses completely, and what it finds of more.

The capacity is the largest number of cameras of which every passing is found. The search starts
at a part of the arithmetic bound, and continues one camera at a time. The short form measures less
long, so that one level fits into four minutes. With `--capacity` the search is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

FIRST_PART = 0.6
"""The search for the capacity starts at this part of the bound, which counts only decoding and
looks.
"""
LEVELS = "1,1.3,2"
_SPIN = "while True: pass"

Run = Callable[[int], dict[str, Any]]
"""Measures so many cameras, and returns the report of `measurement.measure`."""


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


def plan_of(chosen: argparse.Namespace, bound: int) -> Plan:
    """Return the plan of the command line. Raises ValueError where a multiple is no number."""
    return Plan(
        tuple(float(one) for one in chosen.times.split(",")),
        chosen.capacity,
        max(1, round(FIRST_PART * bound)),
        minutes=0.5 if chosen.short else chosen.minutes,
        settle_s=15.0 if chosen.short else 25.0,
        again=chosen.again,
    )


def overload(plan: Plan, run: Run) -> dict[str, Any]:
    """Return the capacity, and one row for each multiple of it."""
    runs: dict[int, dict[str, Any]] = {}

    def finds_all(cameras: int) -> bool:
        runs[cameras] = run(cameras)
        return bool(runs[cameras]["found"] >= runs[cameras]["passings"])

    capacity = plan.capacity or find_capacity(finds_all, plan.first)
    rows = []
    for times in plan.times:
        cameras = max(1, round(times * capacity))
        rows.append({"times": times, **row(runs.get(cameras) or run(cameras))})
    return {"capacity": capacity, "levels": rows}


def find_capacity(finds_all: Callable[[int], bool], first: int) -> int:
    """Return the largest number of cameras of which all passings are found, searched from `first`.

    Return 1 where not even one camera is analysed completely.
    """
    cameras = first
    if finds_all(cameras):
        while finds_all(cameras + 1):
            cameras += 1
        return cameras
    while cameras > 1:
        cameras -= 1
        if finds_all(cameras):
            break
    return cameras


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
