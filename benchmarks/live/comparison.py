"""Measures what a viewer of live video costs, in comparison with the WebRTC server Janus.

    python -m benchmarks.live.comparison [--viewers 30] [--seconds 20]

One camera of 1 Mbit/s at 720p is watched by viewers in another process. A pair of virtual Ethernet
devices joins the viewers of WebRTC to the servers, because Janus does not use loopback. Janus
receives the same film, divided into the same RTP payloads. What a further viewer costs is the
difference between one viewer and all of them, in CPU time and in memory of the serving processes:
those of Sightline are the API, live and media processes. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.live.costs import (
    SETTLED_S,
    cost_during,
    cost_of_viewer,
    serving_pids,
    tickets,
)
from benchmarks.live.janus import Janus, janus, missing_for_janus
from benchmarks.live.network import ViewerNetwork, missing_for_network, viewer_network
from benchmarks.live.receivers import WebRtcReceivers, webrtc_receivers, websocket_receivers
from benchmarks.live.site import WATCHED, WhepClient, watched_site
from benchmarks.machine import OUT, machine
from benchmarks.processes import Cost
from benchmarks.site import CLOCK, BenchSite


class Measurement:
    """Both servers, and the viewers of each."""

    def __init__(
        self, site: BenchSite, other: Janus, network: ViewerNetwork, options: argparse.Namespace
    ) -> None:
        self._site = site
        self._other = other
        self._network = network
        self._seconds: float = options.seconds
        self._viewers: int = options.viewers
        self._whep = WhepClient(site)
        self._missing = {"janus": 0, "webrtc": 0}

    def run(self) -> dict[str, object]:
        """Return the figures of one viewer, and the ratios to those of Janus."""
        of_janus = self._cost(lambda: [self._other.pid], self._by_janus)
        # The media process starts with the first viewer.
        serving = partial(serving_pids, self._site)
        by_webrtc = self._cost(serving, self._by_webrtc)
        by_websocket = self._cost(serving, self._by_websocket)
        return {
            "viewers": self._viewers,
            **{f"{name}_packets_missing": count for name, count in self._missing.items()},
            **self._figures("janus", of_janus, of_janus),
            **self._figures("webrtc", by_webrtc, of_janus),
            **self._figures("websocket", by_websocket, of_janus),
        }

    def _figures(self, name: str, viewer: Cost, reference: Cost) -> dict[str, float]:
        return {
            f"{name}_core_percent": round(100 * viewer.cpu_s / self._seconds, 3),
            f"{name}_to_janus_ratio": round(viewer.cpu_s / reference.cpu_s, 2),
            f"{name}_memory_kb": round(viewer.proportional_bytes / 1000),
        }

    def _cost(
        self, pids: Callable[[], list[int]], watching: Callable[[int], Iterator[None]]
    ) -> Cost:
        found = []
        for count in (1, self._viewers):
            with contextmanager(watching)(count):
                CLOCK.sleep(SETTLED_S)
                found.append(cost_during(pids(), self._seconds))
        return cost_of_viewer(found[0], found[1], self._viewers - 1)

    def _by_janus(self, count: int) -> Iterator[None]:
        handles = []
        with self._receivers() as receivers:
            for _ in range(count):
                handle, offer = self._other.watch()
                self._other.start(handle, receivers.answer(offer))
                handles.append(handle)
                receivers.wait()
            yield
            self._missing["janus"] += receivers.received().missing
        for handle in handles:
            self._other.end(handle)

    def _by_webrtc(self, count: int) -> Iterator[None]:
        with self._receivers() as receivers:
            for _ in range(count):
                receivers.accept(self._whep.open(receivers.offer())[1])
            yield
            self._missing["webrtc"] += receivers.received().missing

    def _by_websocket(self, count: int) -> Iterator[None]:
        address = tickets(self._site, WATCHED)["address"]
        url = self._site.url.replace("http", "ws") + address
        with websocket_receivers([url] * count):
            yield

    @contextmanager
    def _receivers(self) -> Iterator[WebRtcReceivers]:
        with webrtc_receivers(self._network.viewers, self._network.inside) as receivers:
            yield receivers


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    with (
        viewer_network() as network,
        watched_site(folder, network.server) as site,
        janus(folder / "janus", network.server, folder / "film.mp4") as other,
    ):
        return Measurement(site, other, network, options).run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live.comparison")
    parser.add_argument("--viewers", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    missing = missing_for_janus() or missing_for_network()
    if missing:
        sys.stdout.write(f"the comparison is skipped: {missing}\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = machine() | measure(Path(folder), options)
    OUT.mkdir(exist_ok=True)
    (OUT / "live-comparison.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
