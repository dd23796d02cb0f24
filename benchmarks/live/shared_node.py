"""Shows that viewers of live video cost the recordings and the analysis of their node nothing.

    python -m benchmarks.live.shared_node [--seconds 120] [--viewers 30] [--cameras 16]

A node records cameras of 1 Mbit/s at 720p, and one checkpoint that plays a drawn film of passing
vehicles. It runs without viewers, and then with viewers of all cameras in turn, every second one by
WebRTC and the others by WebSocket. All passings of both periods must be found. The simulator counts
what it sent, and what is not in the recorded files is lost. Simulator and receivers use the same
cores, so the machine has more to do than a node. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.cameras import Cameras, served
from benchmarks.capacity import DRAIN_S, lost
from benchmarks.live.costs import SETTLED_S, start, tickets, wait_until
from benchmarks.live.film import film
from benchmarks.live.receivers import WebRtcReceivers, webrtc_receivers, websocket_receivers
from benchmarks.live.site import LIMITS, WhepClient
from benchmarks.machine import OUT, machine
from benchmarks.processes import cost_of, descendants_of
from benchmarks.recorders import kept
from benchmarks.site import CLOCK, BenchSite
from domain.clock import NS_PER_S
from domain.events.event import Event, Passing
from sightline.evaluation.film import EPOCH_NS, AnalyserRun, duration_s
from sightline.evaluation.truth import SLACK_S, Pass, compare, read_truth
from simulator.footage import make_footage, truth_of

_ADDRESS = "127.0.0.1"
_FOUND_AFTER_S = 20.0
"""The time within which an event of a passing can be found."""


@dataclass(frozen=True, slots=True)
class RepeatedFilm:
    """The film of a checkpoint, which is played again and again."""

    passes: list[Pass]
    length_s: float

    def passes_within(self, began_ns: int, from_ns: int, to_ns: int) -> list[Pass]:
        """Return what passes wholly within a time, in seconds since the epoch of `compare`."""
        from_s, to_s, at_s = ((at_ns - EPOCH_NS) / NS_PER_S for at_ns in (from_ns, to_ns, began_ns))
        found: list[Pass] = []
        while at_s < to_s:
            for one in self.passes:
                enter_s, leave_s = at_s + one.enter_s, at_s + one.leave_s
                if from_s <= enter_s and leave_s <= to_s:
                    moved = {"enter_s": enter_s, "leave_s": leave_s}
                    found.append(one.model_copy(update=moved))
            at_s += self.length_s
        return found


class SharedNode:
    """A node with recordings, one checkpoint, and viewers."""

    def __init__(self, site: BenchSite, source: Cameras, checkpoint: RepeatedFilm) -> None:
        self._site = site
        self._source = source
        self._checkpoint = checkpoint
        self._names = _names(source.urls)

    def period(self, seconds: float) -> dict[str, Any]:
        """Return what the node found and lost in so many seconds."""
        CLOCK.sleep(SETTLED_S)
        workers, site = self._site.pids("sightline.worker"), descendants_of(self._site.process_id)
        from_ns, dropped = CLOCK.wall_ns(), self._dropped()
        of_workers, of_site = cost_of(workers), cost_of(site)
        CLOCK.sleep(seconds)
        to_ns, dropped = CLOCK.wall_ns(), self._dropped() - dropped
        worker_s = cost_of(workers).cpu_s - of_workers.cpu_s
        site_s = cost_of(site).cpu_s - of_site.cpu_s
        CLOCK.sleep(_FOUND_AFTER_S)
        passes = self._checkpoint.passes_within(self._source.began_ns, from_ns, to_ns)
        outcome = compare(self._events(passes), passes)
        names = ("passings", "found", "doubled", "false", "plates_right")
        return {name: outcome[name] for name in names} | {
            "recorder_dropped_packets": dropped,
            "worker_cores": round(worker_s / seconds, 3),
            "all_cores": round(site_s / seconds, 3),
        }

    def _dropped(self) -> int:
        """Return how many packets the recorders have dropped."""
        answer = self._site.get("/metrics")
        assert answer is not None
        return sum(
            round(float(line.rpartition(" ")[2]))
            for line in answer.text.splitlines()
            if line.startswith("sightline_packets_dropped_total{") and 'tap="recorder"' in line
        )

    def _events(self, passes: list[Pass]) -> AnalyserRun:
        events = events_of(passes, self._site.events() or ())
        return AnalyserRun([(0.0, Passing(one, b"", b"")) for one in events])

    @contextmanager
    def watched_by(self, viewers: int) -> Iterator[WebRtcReceivers]:
        """Let so many viewers watch the cameras in turn."""
        watched = [self._names[at % len(self._names)] for at in range(viewers)]
        base = self._site.url.replace("http", "ws")
        urls = [base + tickets(self._site, name)["address"] for name in watched[1::2]]
        with ExitStack() as stack:
            receivers = stack.enter_context(webrtc_receivers(_ADDRESS))
            for name in watched[::2]:
                receivers.accept(WhepClient(self._site, name).open(receivers.offer())[1])
            stack.enter_context(websocket_receivers(urls))
            yield receivers


def events_of(passes: Sequence[Pass], events: Iterable[Event]) -> list[Event]:
    """Return the events of a period with these passes. As in `compare`, their middles count: a
    vehicle is in view for a second after its plate has left.
    """
    if not passes:
        return []
    first_ns = EPOCH_NS + round((passes[0].enter_s - SLACK_S) * NS_PER_S)
    last_ns = EPOCH_NS + round((passes[-1].leave_s + SLACK_S) * NS_PER_S)
    return [one for one in events if first_ns <= (one.started_at + one.ended_at) // 2 <= last_ns]


def registry(urls: Sequence[str]) -> dict[str, object]:
    """Return the registry of the node; its last camera is the checkpoint."""
    entry = {"class": "A", "area": "a", "location": {"lon": 111.5, "lat": 32.5}}
    cameras = [
        {"id": name, "name": name, "url": url, **entry}
        for name, url in zip(_names(urls), urls, strict=True)
    ]
    cameras[-1]["checkpoint"] = ["plate"]
    return {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": cameras}


def _names(urls: Sequence[str]) -> list[str]:
    return [f"cam-{at}" for at in range(len(urls))]


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    file, recorded = make_footage(folder / "footage").plates, film(folder / "film.mp4")
    checkpoint = RepeatedFilm(read_truth(truth_of(file)), duration_s(file))
    with served("simulator", recorded, options.cameras, folder, others=[file]) as source:
        names = _names(source.urls)
        site = BenchSite(folder / "site", registry(source.urls), os.environ | LIMITS)
        node = SharedNode(site, source, checkpoint)
        try:
            start(site, names)
            wait_until("first event, which needs the models", lambda: bool(site.events()))
            alone = node.period(options.seconds)
            with node.watched_by(options.viewers) as receivers:
                watched = node.period(options.seconds)
                received = receivers.received()
            sent = source.fall_silent()
            CLOCK.sleep(DRAIN_S)
        finally:
            site.close()
        held = [kept(site.layout.recordings_of(name)) for name in names]
        assert sent is not None
        return {
            "recorded_cameras": options.cameras,
            "seconds": options.seconds,
            "viewers": options.viewers,
            "without_viewers": alone,
            "with_viewers": watched,
            "received_by_webrtc": asdict(received),
            "pictures_recorded": sum(one.pictures for one in held),
            "pictures_lost": sum(lost(one, of) for one, of in zip(held, sent, strict=True)),
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live.shared_node")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--viewers", type=int, default=30)
    parser.add_argument("--cameras", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = machine() | measure(Path(folder), options)
    OUT.mkdir(exist_ok=True)
    (OUT / "live-shared-node.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
