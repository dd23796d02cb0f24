"""Injects many random faults into a running site, and checks what must hold afterwards.
docs/faults.md explains the report.

Processes and the supervisor are killed and stopped, and cameras fail, at random times from a seed.
Meanwhile vehicles pass whose truth is known. At the end, every passing that left the view while the
camera worked has exactly one event, and the stores agree.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.cameras import Picture, make_stream
from benchmarks.machine import OUT
from benchmarks.site import CLOCK, BenchSite
from domain.clock import NS_PER_S
from domain.errors import SightlineError
from domain.events.event import Event
from sightline.processes.status_file import read_statuses, status_file
from simulator import ConnectionCut, Fault, Jump, PacketLoss, SimCamera, Simulator, Stall
from simulator.footage import make_footage, truth_of

SMALL = Picture(180, 0.3)
"""Enough to be decoded, and cheap to decode."""
GATE = "gate"
SIDES = ("street", "market")
CHILDREN = {
    "worker": ("sightline.worker", "--index 0"),
    "valkey": ("valkey-server",),
    "seaweedfs": ("weed", "server"),
    "live": ("sightline.live_process",),
    "api": ("sightline.api_process",),
}
ACTIONS = (
    *(f"kill {name}" for name in CHILDREN),
    "stop valkey",
    "stop seaweedfs",
    "kill supervisor",
    "restart",
)
STOPPED_S = 8.0
LEFT_VIEW_S = 2.0
"""A passing is acknowledged this long after it left the view; one that ended less before a kill
may be lost.
"""
ANALYSIS_START_S = 4.0
"""After a camera is live again, its analysis needs this long to start."""
SETTLE_S = 120.0
CHECK_WITHIN_S = 1800.0
"""Every picture of every recording is decoded, on a machine that may be busy with other work."""


@dataclass(frozen=True, slots=True)
class Action:
    at_s: float
    name: str


@dataclass(frozen=True, slots=True)
class Passing:
    """One passing of the footage, in seconds of the campaign."""

    plate: str
    enter_s: float
    leave_s: float


@dataclass(slots=True)
class Result:
    seed: int
    actions: list[str] = field(default_factory=list)
    expected: int = 0
    found: int = 0
    excused: int = 0
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    without_clip: int = 0
    check: str = ""
    left_behind: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (
            self.missing or self.doubled or self.strays or self.left_behind or self.breaches
        )


def random_actions(rng: random.Random, duration_s: float) -> list[Action]:
    """Return actions at random times. Each kind occurs once before any occurs twice."""
    actions: list[Action] = []
    at_s, remaining = rng.uniform(5, 8), list[str]()
    while at_s < duration_s - 5:
        remaining = remaining or rng.sample(ACTIONS, len(ACTIONS))
        actions.append(Action(at_s, remaining.pop()))
        at_s += rng.uniform(7, 14)
    return actions


def random_faults(rng: random.Random, duration_s: float, least_s: float) -> tuple[Fault, ...]:
    """Return faults of a camera, which are `least_s` to twice that apart."""
    faults: list[Fault] = []
    at_s = rng.uniform(8, 8 + least_s)
    while at_s < duration_s - 8:
        makers: tuple[Callable[[float], Fault], ...] = (
            ConnectionCut,
            lambda at: Stall(at, rng.uniform(2, 5)),
            lambda at: Jump(at, rng.choice((-1, 1)) * rng.uniform(1, 4000)),
            lambda at: PacketLoss(at, 2.0, 50, rng.randrange(1000)),
        )
        faults.append(rng.choice(makers)(at_s))
        at_s += rng.uniform(least_s, 2 * least_s)
    return tuple(faults)


def passings_of(truth: Path, duration_s: float) -> list[Passing]:
    """Every passing of the looped footage that ends within the campaign."""
    truth_data = json.loads(truth.read_text("utf-8"))
    loop_s = truth_data["frames"] / truth_data["fps"]
    passes = [
        Passing(one["plate"], one["enter_s"] + round_ * loop_s, one["leave_s"] + round_ * loop_s)
        for round_ in range(int(duration_s / loop_s) + 1)
        for one in truth_data["passes"]
    ]
    return [one for one in passes if one.leave_s < duration_s]


class Campaign:
    def __init__(
        self,
        seed: int,
        duration_s: float,
        video: Path,
        truth: Path,
        folder: Path,
        report: Callable[[str], None],
    ) -> None:
        rng = random.Random(seed)
        self._duration_s = duration_s
        self._actions = random_actions(rng, duration_s)
        self._faults = random_faults(rng, duration_s, least_s=40)
        folder.mkdir(parents=True, exist_ok=True)
        # The small picture matters: at the end, every recorded picture is decoded.
        street = make_stream(folder / "street.mp4", SMALL)
        self._simulator = Simulator(
            [SimCamera(GATE, video, faults=self._faults)]
            + [
                SimCamera(
                    name, street, phase_s=7.0 * at, faults=random_faults(rng, duration_s, least_s=8)
                )
                for at, name in enumerate(SIDES, 1)
            ]
        )
        self._passings = passings_of(truth, duration_s)
        self._folder = folder
        self._report = report
        self._excused_s: list[tuple[float, float]] = [
            _fault_range_s(fault) for fault in self._faults
        ]
        self._start_ns = 0
        self._stopped: list[tuple[int, float]] = []
        self.result = Result(seed)

    def run(self) -> Result:
        with self._simulator as simulator:
            self._start_ns = CLOCK.wall_ns()
            site = BenchSite(self._folder, _registry(simulator))
            try:
                site.start()
                self._until(site, site.answers, "the site does not start")
                site.sign_in()
                self._await_analysis(site, 0.0, 0)
                for action in self._actions:
                    self._wait_until(action.at_s)
                    self._do(site, action)
                self._wait_until(self._duration_s)
                self._settle(site)
            finally:
                self._resume(every_one=True)
                site.close()
        self.result.left_behind = site.processes_left()
        return self.result

    def _now_s(self) -> float:
        return (CLOCK.wall_ns() - self._start_ns) / NS_PER_S

    def _wait_until(self, at_s: float) -> None:
        while self._now_s() < at_s:
            CLOCK.sleep(0.1)
            self._resume()

    def _until(self, site: BenchSite, probe: Callable[[], object], otherwise: str) -> None:
        """Wait until the probe holds, or note the breach. Raises RuntimeError if `up` has ended."""
        deadline_s = CLOCK.monotonic_s() + SETTLE_S
        while not probe():
            site.check_runs()
            self._resume()
            if CLOCK.monotonic_s() > deadline_s:
                self.result.breaches.append(otherwise)
                return
            CLOCK.sleep(0.2)

    def _do(self, site: BenchSite, action: Action) -> None:
        self._report(f"{self._now_s():6.1f} s  {action.name}")
        self.result.actions.append(f"{self._now_s():.1f} {action.name}")
        verb, _, target = action.name.partition(" ")
        from_s, from_ns = self._now_s(), CLOCK.wall_ns()
        if action.name in ("kill supervisor", "restart"):
            self._resume(every_one=True)
            code = site.stop(signal.SIGKILL if verb == "kill" else signal.SIGINT)
            if verb == "restart" and code != 0:
                self.result.breaches.append(f"a stop ended with {code}")
            site.start()
        else:
            self._signal(site, verb, target)
        if target in ("worker", "supervisor", ""):
            self._await_analysis(site, from_s, from_ns)

    def _signal(self, site: BenchSite, verb: str, target: str) -> None:
        for pid in site.pids(*CHILDREN[target]):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if verb == "kill" else signal.SIGSTOP)
            if verb == "stop":
                self._stopped.append((pid, self._now_s() + STOPPED_S))

    def _resume(self, every_one: bool = False) -> None:
        """Resume the processes that were stopped for long enough."""
        for pid, until_s in list(self._stopped):
            if every_one or self._now_s() >= until_s:
                self._stopped.remove((pid, until_s))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _await_analysis(self, site: BenchSite, from_s: float, from_ns: int) -> None:
        """Wait until the gate is analysed again; passings meanwhile were lost by the kill."""

        def is_live() -> bool:
            with suppress(OSError, SightlineError, ValueError):
                is_new = status_file(site.layout, 0).stat().st_mtime_ns > from_ns + NS_PER_S // 2
                return is_new and any(
                    one.camera_id == GATE and one.state.is_live
                    for one in read_statuses(site.layout)
                )
            return False

        self._until(site, is_live, f"the gate is not live again after {from_s:.0f} s")
        self._excused_s.append((from_s - LEFT_VIEW_S, self._now_s() + ANALYSIS_START_S))

    def _settle(self, site: BenchSite) -> None:
        self._report(f"{self._now_s():6.1f} s  waiting for what is still to be kept")
        self._resume(every_one=True)
        self._until(site, site.answers, "the site does not answer")
        end_ns = self._start_ns + round(self._duration_s * NS_PER_S)

        def kept() -> list[Event] | None:
            found = site.events()
            if found is None:
                return None
            ours = [event for event in found if event.ended_at < end_ns]
            return (
                ours
                if ours and all(event.clip_ready or event.clip_missing for event in ours)
                else None
            )

        self._until(site, kept, "not every event has its clip, or a reason why not")
        self._compare(kept() or [])
        code, self.result.check = site.run("storage", "check", "--deep", within_s=CHECK_WITHIN_S)
        if code != 0:
            self.result.breaches.append("storage check")
        if site.stop() != 0:
            self.result.breaches.append("the last stop")

    def _compare(self, events: list[Event]) -> None:
        """An event belongs to the passing that its middle lies in."""
        by_passing: dict[int, list[Event]] = {at: [] for at in range(len(self._passings))}
        for event in events:
            middle_s = ((event.started_at + event.ended_at) / 2 - self._start_ns) / NS_PER_S
            index = next(
                (
                    at
                    for at, one in enumerate(self._passings)
                    if one.enter_s - 0.5 <= middle_s <= one.leave_s + 0.5
                ),
                None,
            )
            if index is not None:
                by_passing[index].append(event)
            elif not self._is_excused(middle_s - 3, middle_s + 3):
                self.result.strays.append(f"{event.id} at {middle_s:.1f} s")
        for at, found in by_passing.items():
            self._count(self._passings[at], found)
        self.result.without_clip = sum(bool(event.clip_missing) for event in events)

    def _count(self, one: Passing, found: list[Event]) -> None:
        passing_text = f"{one.plate} at {one.enter_s:.1f}-{one.leave_s:.1f} s"
        is_excused = self._is_excused(one.enter_s, one.leave_s)
        self.result.excused += is_excused
        self.result.expected += not is_excused
        self.result.found += bool(found) and not is_excused
        if not found and not is_excused:
            self.result.missing.append(passing_text)
        if len(found) > 1 and not (is_excused and self._is_interrupted(one)):
            self.result.doubled.append(f"{passing_text}: {', '.join(event.id for event in found)}")

    def _is_excused(self, from_s: float, to_s: float) -> bool:
        return any(start_s < to_s and from_s < end_s for start_s, end_s in self._excused_s)

    def _is_interrupted(self, one: Passing) -> bool:
        """Whether the camera itself was away in the middle of it: what comes back after seconds
        may be another vehicle.
        """
        return any(
            start_s < one.leave_s and one.enter_s < end_s
            for start_s, end_s in map(_fault_range_s, self._faults)
        )


def _fault_range_s(fault: Fault) -> tuple[float, float]:
    for_s = fault.for_s if isinstance(fault, Stall | PacketLoss) else 0.0
    return fault.at_s - 1.0, fault.at_s + for_s + 5.0


def _registry(simulator: Simulator) -> dict[str, object]:
    entry = {"class": "A", "area": "bench", "location": {"lon": 111.5, "lat": 32.5}}
    cameras = [
        {"id": name, "name": name, "url": simulator.url(name), **entry} for name in (GATE, *SIDES)
    ]
    cameras[0]["checkpoint"] = ["plate"]
    return {"version": 1, "areas": {"bench": {"name": "bench"}}, "cameras": cameras}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults random", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument(
        "--seed",
        type=int,
        default=None,
        help="repeats a campaign; one is drawn and printed where it is left out",
    )
    parser.add_argument(
        "--video",
        type=Path,
        default=None,
        help="footage with its truth beside it (.json); drawn where it is left out",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=None,
        help="where the site's data go, and stay; a temporary folder otherwise",
    )
    chosen = parser.parse_args(arguments)
    os.environ["SIGHTLINE_WORKERS"] = "1"  # the gate's worker is the one that is killed
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="sightline-faults-") as temporary:
        video = chosen.video or make_footage(OUT / "footage").plates
        folder = chosen.folder or Path(temporary)
        campaign = Campaign(
            seed,
            chosen.minutes * 60,
            video,
            truth_of(video),
            folder,
            lambda text: print(text, file=sys.stderr),
        )
        result = campaign.run()
    print(json.dumps({**asdict(result), "holds": result.holds}, ensure_ascii=False, indent=1))
    return 0 if result.holds else 1
