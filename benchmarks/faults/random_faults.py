"""Injects many random faults into a running site, and checks what must hold afterwards.
docs/faults.md explains the report.

Processes and the supervisor are killed and stopped, and cameras fail, at random times from a seed.
Meanwhile vehicles pass whose truth is known, and one person watches a camera. At the end, every
passing that left the view while the camera worked has exactly one event, and the stores agree.
Whatever was killed, the person watches again without doing anything.
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
from benchmarks.faults.random_plan import (
    CHILDREN,
    Action,
    Passing,
    fault_range_s,
    passings_of,
    random_actions,
    random_faults,
)
from benchmarks.faults.viewer import Viewer
from benchmarks.machine import OUT
from benchmarks.site import CLOCK, BenchSite
from domain.clock import NS_PER_S
from domain.errors import SightlineError
from domain.events.event import Event
from sightline.processes.status_file import read_statuses, status_file
from simulator import SimCamera, Simulator
from simulator.footage import make_footage, truth_of

SMALL = Picture(180, 0.3)
"""Enough to be decoded, and cheap to decode."""
GATE = "gate"
SIDES = ("street", "market")
WATCHED = "street"
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
    viewings: int = 0
    """How often the viewer opened the camera and received video."""
    media_away_s: list[float] = field(default_factory=list)
    """For each kill of the media process, how long the viewer received nothing."""
    check: str = ""
    left_behind: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (
            self.missing or self.doubled or self.strays or self.left_behind or self.breaches
        )


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
            fault_range_s(fault) for fault in self._faults
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
                with Viewer(site, WATCHED) as viewer:
                    for action in self._actions:
                        self._wait_until(action.at_s)
                        self._do(site, action, viewer)
                    self._wait_until(self._duration_s)
                    self._await_viewing(site, viewer)
                self.result.viewings = viewer.viewings
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

    def _await_viewing(self, site: BenchSite, viewer: Viewer) -> None:
        self._until(site, viewer.receives, "nothing is shown live")

    def _kill_media(self, site: BenchSite, viewer: Viewer) -> None:
        """Kill the media process while it has a viewer, and measure when that one watches again."""
        self._await_viewing(site, viewer)
        before, from_s = viewer.viewings, self._now_s()
        self._signal(site, "kill", "media")
        self._until(site, lambda: viewer.viewings > before, "the viewer does not watch again")
        self.result.media_away_s.append(round(self._now_s() - from_s, 1))

    def _do(self, site: BenchSite, action: Action, viewer: Viewer) -> None:
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
        elif target == "media":
            self._kill_media(site, viewer)
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
            for start_s, end_s in map(fault_range_s, self._faults)
        )


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
