"""Checkpoints: how many cameras with traffic one machine watches, what each costs, and where that
goes.

    python -m benchmarks.checkpoints VIDEO.mp4 --truth TRUTH.json [--cameras 10] [--minutes 2]
    [--idle 0] [--footage DIR] [--overload] [--capacity 7] [--times 1,1.3,2] [--short]
    [--again] [--taken-cores 1] [--before CHECKOUT] [--left-out 0.2,0.5] [--lanes 2]

The video with its truth (as of `benchmarks.passings`) becomes a camera's: a vehicle in view for 1.5
s of every 4 in the mean, at random phases (`footage.py`). It is played as so many cameras, each at
another moment, to a whole instance (`sightline up`); the simulator is in no figure. Passings caught
and read are held against the same pipeline over the file, without a clock, whose CPU time also
gives the most cameras that there could be. `--idle N` also compares N checkpoints of an empty road
with N cameras of it that are only recorded. `--overload` searches for the capacity of the machine,
and then runs with multiples of it (`benchmarks/checkpoints/overload.py`). `--left-out` analyses the
file without a clock, leaves out such parts of its groups of pictures, and compares the coverage
(`left_out.py`). With `--lanes 2` vehicles are in view together by chance. Shares are of the
workers' CPU time, counted by the threads that spend it. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from analytics.models import Models
from benchmarks.cameras import Cameras, served
from benchmarks.checkpoints.bound import bound
from benchmarks.checkpoints.coverage import SETTLED_AFTER_S, compare_coverage, reported
from benchmarks.checkpoints.footage import Footage, make_footage, moved
from benchmarks.checkpoints.left_out import left_out
from benchmarks.checkpoints.overload import add_arguments, cores_taken, overload, plan_of, row
from benchmarks.checkpoints.reanalysis import analyse_again
from benchmarks.checkpoints.spending import Spending, spending_of
from benchmarks.machine import OUT, machine
from benchmarks.site import CLOCK, BenchSite
from domain.clock import NS_PER_S
from domain.events.event import Event, Passing
from domain.people import Right, Role
from domain.settings import Settings
from sightline.evaluation.film import EPOCH_NS, AnalyserRun, FilmAnalysis, run
from sightline.evaluation.truth import Pass, compare, read_truth

APART_S = 5.3
"""The offset between two cameras in the file, so that few cameras show different times."""
SETTLE_S, IDLE_SETTLE_S, IDLE_S = 25.0, 30.0, 45.0
LAST_S = 3.0
"""A passing that ends less than this before the end of the run is not asked for."""
POLL_S = 0.25
START_WITHIN_S = 120.0


class Seen:
    """Events, and when each was first answered."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.at_ns: dict[str, int] = {}

    def look(self, site: BenchSite) -> None:
        for event in site.newest():
            self.events[event.id] = event
            self.at_ns.setdefault(event.id, CLOCK.wall_ns())


@contextmanager
def watched(
    file: Path, cameras: int, checkpoint: bool, folder: Path, checkout: Path | None = None
) -> Iterator[tuple[BenchSite, Cameras]]:
    """An instance that records so many cameras of `file`, as checkpoints or not, with the code of a
    checkout.
    """
    folder.mkdir()
    with served("simulator", file, cameras, folder, APART_S) as source:
        site = BenchSite(folder / "site", _registry(source.urls, checkpoint), checkout=checkout)
        try:
            site.start()
            deadline_s = CLOCK.monotonic_s() + START_WITHIN_S
            while not site.answers():
                if CLOCK.monotonic_s() > deadline_s:
                    raise RuntimeError("the site does not start")
                CLOCK.sleep(0.5)
            site.sign_in(Role.INVESTIGATOR, Right.METRICS_READ)
            yield site, source
        finally:
            site.close()


def measure(
    footage: Footage,
    offline: AnalyserRun,
    cameras: int,
    minutes: float,
    folder: Path,
    settle_s: float = SETTLE_S,
    again: bool = False,
    checkout: Path | None = None,
) -> dict[str, Any]:
    """Run an instance in `folder`, which must not exist, and report what it found and used. With
    `again`, its recordings are analysed after the load has ended. The instance runs the code of
    `checkout`.
    """
    seen, found_again = Seen(), None
    with watched(footage.busy, cameras, True, folder, checkout) as (site, source):
        began_ns = source.began_ns
        _until(settle_s, lambda: seen.look(site))
        from_ns, before = CLOCK.wall_ns(), spending_of(site)
        _until(minutes * 60, lambda: seen.look(site))
        to_ns, spent = CLOCK.wall_ns() - round(LAST_S * NS_PER_S), spending_of(site).since(before)
        expected = [_expected(footage, began_ns, at, from_ns, to_ns) for at in range(cameras)]
        outcomes = [_outcome(at, seen, shown) for at, shown in enumerate(expected)]
        coverage = _coverage(site, seen, expected, (from_ns, to_ns))
        if again:
            source.end()
            found_again = analyse_again(site, expected, (from_ns, to_ns))
    return {
        "coverage": coverage,
        "again": found_again,
        "cameras": cameras,
        "seconds": spent.at_s,
        "found_of_passings_by_camera": [
            [outcome["found"], outcome["passings"]] for outcome, _ in outcomes
        ],
        **_caught(outcomes, compare(offline, footage.passes)),
        **_costs(spent, cameras),
    }


def _coverage(
    site: BenchSite, seen: Seen, expected: list[list[Pass]], span: tuple[int, int]
) -> dict[str, int] | None:
    """Return how the reported analysis coverage of all cameras compares with what they missed."""
    _until(SETTLED_AFTER_S, lambda: seen.look(site))
    counts: Counter[str] = Counter()
    for at, passes in enumerate(expected):
        ranges = reported(site, f"cam-{at}", *span)
        if ranges is None:
            return None
        events = [event for event in seen.events.values() if event.camera == f"cam-{at}"]
        counts.update(compare_coverage(ranges, passes, events))
    return dict(counts)


def _expected(footage: Footage, began_ns: int, camera: int, from_ns: int, to_ns: int) -> list[Pass]:
    """Return a camera's passings in this time, in seconds since the epoch of `compare`."""
    at_s, found = (began_ns - EPOCH_NS) / NS_PER_S - APART_S * camera, list[Pass]()
    while at_s < (to_ns - EPOCH_NS) / NS_PER_S:
        shown = [
            moved(one, at_s + one.enter_s, one.leave_s - one.enter_s) for one in footage.passes
        ]
        inside = ((from_ns - EPOCH_NS) / NS_PER_S, (to_ns - EPOCH_NS) / NS_PER_S)
        found += [one for one in shown if inside[0] <= one.enter_s and one.leave_s <= inside[1]]
        at_s += footage.busy_s
    return found


def _outcome(camera: int, seen: Seen, expected: list[Pass]) -> tuple[dict[str, Any], list[float]]:
    """How a camera's events compare with what went by, and how long after each vehicle had left
    its event was found.
    """
    from_ns, to_ns = (
        round(at_s * NS_PER_S) + EPOCH_NS
        for at_s in (expected[0].enter_s - 0.5, expected[-1].leave_s + 0.5)
    )
    events = [
        one
        for one in seen.events.values()
        if one.camera == f"cam-{camera}" and from_ns <= one.started_at and one.ended_at <= to_ns
    ]
    done = AnalyserRun(
        [((seen.at_ns[one.id] - EPOCH_NS) / NS_PER_S, Passing(one, b"", b"")) for one in events]
    )
    late_s = []
    for out_s, passing in done.passings:
        middle_s = ((passing.event.started_at + passing.event.ended_at) / 2 - EPOCH_NS) / NS_PER_S
        late_s += [
            out_s - one.leave_s
            for one in expected
            if one.enter_s - 0.2 <= middle_s <= one.leave_s + 0.2
        ]
    return compare(done, expected), late_s


def _caught(
    outcomes: list[tuple[dict[str, Any], list[float]]], offline: dict[str, Any]
) -> dict[str, Any]:
    total = {
        key: sum(one[key] for one, _ in outcomes)
        for key in ("passings", "found", "doubled", "false", "plates_right")
    }
    late_s = [late for _, lates in outcomes for late in lates]
    shares = {
        key: total[key] / total["passings"] / (offline[key] / offline["passings"])
        for key in ("found", "plates_right")
        if offline[key]
    }
    return {
        "offline": {key: offline[key] for key in (*total, "wrong", "cpu_ms_a_look")},
        **total,
        "of_offline": {key: round(value, 3) for key, value in shares.items()},
        "searchable_after_s": {
            f"p{part}": round(float(np.percentile(late_s, part)), 2) for part in (50, 95)
        }
        if late_s
        else None,
        "others": sorted(other for one, _ in outcomes for other in one["others"]),
        "wrong": sorted(wrong for one, _ in outcomes for wrong in one.get("wrong", [])),
    }


def _costs(spent: Spending, cameras: int) -> dict[str, Any]:
    decoded = spent.counts["sightline_frames_decoded_total"]
    decode_ms = 1000 * spent.steps_s.get("decode", 0.0) / max(1.0, decoded)
    return {
        "cores_used": round(sum(spent.cpu_s.values()) / spent.at_s, 2),
        "cores_by_process": {
            name: round(value / spent.at_s, 3) for name, value in sorted(spent.cpu_s.items())
        },
        "percent_of_a_core_a_camera": round(100 * spent.workers_s / spent.at_s / cameras, 2),
        "shares": {
            **{
                name: round(value / spent.workers_s, 3)
                for name, value in sorted(spent.steps_s.items())
            },
            "the rest": round(1 - sum(spent.steps_s.values()) / spent.workers_s, 3),
        },
        "frames_decoded_a_second_a_camera": round(decoded / spent.at_s / cameras, 1),
        "frames_analysed_a_second_a_camera": round(
            spent.counts.get("sightline_frames_analysed_total", 0.0) / spent.at_s / cameras, 1
        ),
        "decode_ms_a_frame": round(decode_ms, 2),
        "counts": {name: round(value) for name, value in spent.counts.items()},
    }


def idle(footage: Footage, cameras: int, folder: Path) -> dict[str, Any]:
    """What a camera of the empty road costs the workers, as a checkpoint and only recorded, in
    parts of a core.
    """
    cost: dict[bool, float] = {}
    for checkpoint in (True, False):
        with watched(footage.still, cameras, checkpoint, folder / f"idle-{checkpoint}") as (
            site,
            _,
        ):
            CLOCK.sleep(IDLE_SETTLE_S)
            before = spending_of(site)
            CLOCK.sleep(IDLE_S)
            spent = spending_of(site).since(before)
        cost[checkpoint] = spent.workers_s / spent.at_s / cameras
        _tell(
            f"{'checkpoint' if checkpoint else 'recorded'}: {100 * cost[checkpoint]:.3f} % of a "
            f"core a camera; {spent.steps_s}"
        )
    return {
        "cameras": cameras,
        "checkpoint_percent": round(100 * cost[True], 3),
        "recorded_percent": round(100 * cost[False], 3),
        "ratio": round(cost[True] / cost[False], 2),
    }


def _until(seconds: float, look: Callable[[], None]) -> None:
    end_s = CLOCK.monotonic_s() + seconds
    while CLOCK.monotonic_s() < end_s:
        look()
        CLOCK.sleep(POLL_S)


def _registry(urls: list[str], checkpoint: bool) -> dict[str, object]:
    entry = {"class": "A", "area": "bench", "location": {"lon": 111.5, "lat": 32.5}} | (
        {"checkpoint": ["plate"]} if checkpoint else {}
    )
    cameras = [
        {"id": f"cam-{at}", "name": f"cam-{at}", "url": url, **entry} for at, url in enumerate(urls)
    ]
    return {"version": 1, "areas": {"bench": {"name": "bench"}}, "cameras": cameras}


def _tell(said: str) -> None:
    print(said, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--cameras", type=int, default=10, help="with traffic; 0: none")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument(
        "--idle",
        type=int,
        default=0,
        help="compare so many cameras of an empty road, as checkpoints and only recorded",
    )
    parser.add_argument(
        "--footage", type=Path, help="a folder that keeps the cameras' files for the next run"
    )
    parser.add_argument(
        "--left-out",
        default="",
        help="leave out such parts of the groups of pictures without a clock, separated by commas",
    )
    parser.add_argument(
        "--lanes", type=int, choices=(1, 2), default=1, help="with two, vehicles may come together"
    )
    add_arguments(parser)
    chosen = parser.parse_args()
    passes = read_truth(chosen.truth)
    report: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="sightline-checkpoints-") as name:
        _tell("making the footage")
        footage = make_footage(chosen.video, passes, chosen.footage or Path(name), chosen.lanes)
        report["mbit_s"] = footage.mbit_s
        if chosen.left_out:
            parts = [float(part) for part in chosen.left_out.split(",")]
            report["left_out"] = [left_out(footage, part, *_models()) for part in parts]
        if chosen.cameras or chosen.overload:
            report |= _with_traffic(footage, chosen, Path(name))
        if chosen.idle:
            report["idle"] = idle(footage, chosen.idle, Path(name))
    OUT.mkdir(exist_ok=True)
    (OUT / "checkpoints.json").write_text(json.dumps(report, ensure_ascii=False, indent=1), "utf-8")
    print(json.dumps(report, ensure_ascii=False, indent=1))


def _models() -> tuple[Settings, Models]:
    settings = Settings()
    return settings, Models.load(settings)


def _with_traffic(footage: Footage, chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    settings, models = _models()
    offline = run(footage.busy, FilmAnalysis("plate", settings.plate_detect_fps), settings, models)
    if not chosen.overload:
        minutes, busy = chosen.minutes, folder / "busy"
        return {"bound": bound(footage, offline, settings, models)} | measure(
            footage, offline, chosen.cameras, minutes, busy
        )
    plan = plan_of(chosen)

    def run_once(cameras: int, checkout: Path | None) -> dict[str, Any]:
        busy = folder / f"run-{len(list(folder.glob('run-*')))}"
        with cores_taken(chosen.taken_cores):
            found = measure(
                footage, offline, cameras, plan.minutes, busy, plan.settle_s, plan.again, checkout
            )
        _tell(json.dumps({"code": str(checkout or "this"), **row(found)}))
        return found

    return {"taken_cores": chosen.taken_cores} | overload(plan, run_once)
