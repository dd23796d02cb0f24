"""Disturbs the WebRTC viewers of a camera, and shows what that does to the others.

    python -m benchmarks.live.disturbance [--seconds 300] [--steady 4] [--short]

Some viewers watch all the time. Meanwhile others stop to read, vanish, send floods of NACK and PLI,
and open and close the camera ten times a second. Each steady viewer must receive every sequence
number. Memory, descriptors and threads of the serving processes are read before the disturbance, in
its middle and after it, each time when the sessions of all others have ended. A first, short
disturbance fills caches and thread pools, and is not counted. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.live.costs import wait_until
from benchmarks.live.receivers import WebRtcReceivers, webrtc_receivers
from benchmarks.live.site import WhepClient, viewers, watched_site
from benchmarks.machine import OUT, machine
from benchmarks.processes import held_by
from benchmarks.site import CLOCK, BenchSite

_ADDRESS = "127.0.0.1"
_ROUND_S, _SHORT_ROUND_S, _SHORT_S = 15.0, 5.0, 20
_LAZY, _FLOODING, _FLOOD_PER_S = 3, 2, 1_000
_OPENED_EVERY_S = 0.1


class Disturbance:
    """The viewers that disturb the others, round after round."""

    def __init__(self, site: BenchSite, round_s: float, steady: int) -> None:
        self.opened = self.rounds = 0
        """The sessions that were opened and closed at once; the rounds."""
        self.busy_s = 0.0
        """The time within which they were opened."""
        self._site = site
        self._whep = WhepClient(site)
        self._round_s = round_s
        self._steady = steady

    def watch(self, receivers: WebRtcReceivers, count: int) -> None:
        for _ in range(count):
            receivers.accept(self._whep.open(receivers.offer())[1])

    def run(self, seconds: float) -> None:
        """Disturb for so long, in whole rounds; return when the sessions of all have ended."""
        ends_s = CLOCK.monotonic_s() + seconds
        while CLOCK.monotonic_s() < ends_s:
            self._disturb_once()
        wait_until("end of the other sessions", lambda: viewers(self._site) == self._steady)

    def _disturb_once(self) -> None:
        """Let viewers stop to read, send floods, and vanish; open and close sessions meanwhile."""
        with webrtc_receivers(_ADDRESS) as lazy, webrtc_receivers(_ADDRESS) as flooding:
            offer = flooding.offer()
            self.watch(lazy, _LAZY)
            self.watch(flooding, _FLOODING)
            lazy.pause()
            flooding.flood(_FLOOD_PER_S)
            began_s = CLOCK.monotonic_s()
            due_s = began_s
            while due_s < began_s + self._round_s:
                self._whep.end(self._whep.open(offer)[0])
                self.opened += 1
                due_s = max(due_s + _OPENED_EVERY_S, CLOCK.monotonic_s())
                CLOCK.sleep(max(0.0, due_s - CLOCK.monotonic_s()))
            self.busy_s += CLOCK.monotonic_s() - began_s
            flooding.kill()
            lazy.kill()
        self.rounds += 1


def held(site: BenchSite) -> dict[str, dict[str, int]]:
    """Return what each serving process holds."""
    return {name: _held(site, f"sightline.{name}_process") for name in ("api", "live", "media")}


def _held(site: BenchSite, module: str) -> dict[str, int]:
    (pid,) = site.pids(module)
    now = held_by(pid)
    return {
        "resident_kb": now.resident_bytes // 1000,
        "descriptors": now.descriptors,
        "threads": now.threads,
    }


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    seconds = _SHORT_S if options.short else options.seconds
    round_s = _SHORT_ROUND_S if options.short else _ROUND_S
    with watched_site(folder) as site, webrtc_receivers(_ADDRESS) as steady:
        disturbance = Disturbance(site, round_s, options.steady)
        disturbance.watch(steady, options.steady)
        disturbance.run(round_s)
        before = held(site)
        disturbance.rounds = disturbance.opened = 0
        disturbance.busy_s = 0.0
        disturbance.run(seconds / 2)
        middle = held(site)
        disturbance.run(seconds / 2)
        return {
            "seconds": seconds,
            "rounds": disturbance.rounds,
            "opened_and_closed": disturbance.opened,
            "opened_per_s": round(disturbance.opened / disturbance.busy_s, 1),
            "steady_viewers": options.steady,
            "steady": asdict(steady.received()),
            "before": before,
            "middle": middle,
            "after": held(site),
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live.disturbance")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--steady", type=int, default=4)
    parser.add_argument("--short", action="store_true", help=f"{_SHORT_S} s in shorter rounds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = machine() | measure(Path(folder), options)
    OUT.mkdir(exist_ok=True)
    (OUT / "live-disturbance.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
