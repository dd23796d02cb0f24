"""Measures how long cameras are not recorded when the node that has them is killed.

    python -m benchmarks.takeover [--cameras 32] [--rounds 3]

Two nodes on one machine share the cameras. A take-over lasts from the `kill -9` of all processes of
a node to the first picture in a file of the other. After each round, the killed node starts again
and the load becomes even. The cameras that the other node had all the time must have no hole. JSON
goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cameras import Picture, make_stream, served
from benchmarks.city import CLOCK, City, until
from benchmarks.machine import OUT, machine
from domain.clock import NS_PER_S
from storage.recordings.ledger import Ledger

NODES = ("north", "south")
READY_WITHIN_S = 120.0
TAKEN_OVER_WITHIN_S = 30.0
"""Longer than is allowed, to learn how long it takes."""
ALLOWED_S = 10.0
HOLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Round:
    begin_ns: int
    """All was well from here."""
    killed_ns: int
    end_ns: int
    moved: frozenset[str]
    stayed: frozenset[str]


def play(city: City) -> Round:
    """Kill the first node once all is well, and wait until the second records everything."""
    until("even load", lambda: _is_even(city), READY_WITHIN_S)
    until("recording of all", lambda: city.all_record(_now_s() - 3), READY_WITHIN_S)
    victim, other = (city.nodes[name] for name in NODES)
    moved, stayed = city.held_by(victim.name), city.held_by(other.name)
    begin_ns = CLOCK.wall_ns()
    victim.kill()
    killed_ns = CLOCK.wall_ns()
    until("take-over", lambda: city.all_record(killed_ns / NS_PER_S + 1), TAKEN_OVER_WITHIN_S)
    end_ns = CLOCK.wall_ns()
    victim.start()
    return Round(begin_ns, killed_ns, end_ns, frozenset(moved), frozenset(stayed))


def times_of(city: City, one: Round) -> list[float]:
    """Seconds from the kill to the first picture elsewhere, for each camera that moved; by the
    names of files, after all were finished.
    """
    ledger = Ledger(city.nodes[NODES[1]].layout.recordings)
    return [_first_ns(ledger, camera_id, one) / NS_PER_S for camera_id in sorted(one.moved)]


def _first_ns(ledger: Ledger, camera_id: str, one: Round) -> int:
    segments = ledger.segments(camera_id, one.killed_ns, one.end_ns + NS_PER_S)
    late_ns = [
        segment.start_ns - one.killed_ns for segment in segments if segment.start_ns > one.killed_ns
    ]
    return min(late_ns, default=round(TAKEN_OVER_WITHIN_S * NS_PER_S))


def holes_of(city: City, one: Round) -> list[str]:
    """What the node that lived lacks of the cameras that it had all along."""
    ledger = Ledger(city.nodes[NODES[1]].layout.recordings)
    return [
        camera_id
        for camera_id in sorted(one.stayed)
        if _longest_hole_s(ledger, camera_id, one) > HOLE_S
    ]


def _longest_hole_s(ledger: Ledger, camera_id: str, one: Round) -> float:
    edge_ns, longest_ns = one.begin_ns, 0
    for segment in ledger.segments(camera_id, one.begin_ns, one.end_ns):
        longest_ns = max(longest_ns, segment.start_ns - edge_ns)
        edge_ns = max(edge_ns, segment.end_ns or segment.start_ns)
    return max(longest_ns, one.end_ns - edge_ns) / NS_PER_S


def run(cameras: int, rounds: int, folder: Path, picture: Picture) -> dict[str, Any]:
    stream = make_stream(folder / "stream.mp4", picture)
    with served("simulator", stream, cameras, folder) as source:
        entries = [_entry(f"cam-{number}", url) for number, url in enumerate(source.urls)]
        with City(folder / "city", entries, NODES) as city:
            played = [play(city) for _ in range(rounds)]
            until("even load", lambda: _is_even(city), READY_WITHIN_S)
            for node in city.nodes.values():
                node.stop()
            times_s = np.array([time_s for one in played for time_s in times_of(city, one)])
            holes = [name for one in played for name in holes_of(city, one)]
    return {
        "machine": machine(),
        "cameras": cameras,
        "rounds": rounds,
        "taken_over": len(times_s),
        "p50_s": float(np.percentile(times_s, 50)),
        "p95_s": float(np.percentile(times_s, 95)),
        "max_s": float(times_s.max()),
        "holes_elsewhere": holes,
        "holds": bool(times_s.max() < ALLOWED_S) and not holes,
    }


def _is_even(city: City) -> bool:
    """Each node holds a fair part, and pulls what it holds and nothing else."""
    held = {name: city.held_by(name) for name in NODES}
    pulled = {name: set(city.nodes[name].statuses()) for name in NODES}
    return (
        held == pulled
        and sum(map(len, held.values())) == len(city.cameras)
        and min(map(len, held.values())) >= len(city.cameras) // 3
    )


def _now_s() -> float:
    return CLOCK.wall_ns() / NS_PER_S


def _entry(camera_id: str, url: str) -> dict[str, object]:
    return {
        "id": camera_id,
        "name": camera_id,
        "class": "A",
        "area": "city",
        "location": {"lon": 111.5, "lat": 32.5},
        "url": url,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cameras", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightline-takeover-") as name:
        report = run(chosen.cameras, chosen.rounds, Path(name), Picture())
    OUT.mkdir(exist_ok=True)
    (OUT / "takeover.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))
    return 0 if report["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
