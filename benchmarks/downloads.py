"""Measures whether downloads of recordings disturb recording.

    python -m benchmarks.downloads [--cameras 128] [--downloads 20] [--mbit 20] [--seconds 60]

An instance records cameras of 1 Mbit/s of the simulator. Meanwhile clients download hours that
another camera recorded before, each at a limited rate. The simulator reports what it sent, and the
files are counted: a picture that is not in them is lost. The same is measured without downloads.
JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.cameras import Picture, make_stream, served
from benchmarks.capacity import DRAIN_S, lost
from benchmarks.exports import HOUR_S, Site, running
from benchmarks.machine import OUT, machine
from benchmarks.recorders import kept
from benchmarks.recordings.client import Client
from benchmarks.recordings.remote import STEP_S
from benchmarks.site import CLOCK

SETTLE_S = 15.0
CHUNK_BYTES = 256 << 10
RECORDED = Picture(mbit_s=4.0)
"""What is downloaded."""


class PacedDownload:
    """A download at a limited rate, which begins again when it is complete."""

    def __init__(self, client: Client, mbit_s: float, stop: threading.Event) -> None:
        self._client = client
        self._bytes_per_s = mbit_s * 1e6 / 8
        self._stop = stop
        self.received_bytes = 0
        self.errors: list[str] = []
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        since_s = CLOCK.monotonic_s()
        try:
            while not self._stop.is_set():
                connection, response, _ = self._client.open()
                with closing(connection):
                    while (chunk := response.read(CHUNK_BYTES)) and not self._stop.is_set():
                        self.received_bytes += len(chunk)
                        due_s = since_s + self.received_bytes / self._bytes_per_s
                        self._stop.wait(max(0.0, due_s - CLOCK.monotonic_s()))
        except (OSError, RuntimeError) as error:
            self.errors.append(str(error))


@contextmanager
def downloading(site: Site, count: int, mbit_s: float) -> Iterator[list[PacedDownload]]:
    """Run so many downloads, each of an hour of its own."""
    stop = threading.Event()
    started = [
        PacedDownload(site.client(STEP_S * number, HOUR_S), mbit_s, stop) for number in range(count)
    ]
    with ExitStack() as ending:
        for one in started:
            one.start()
            ending.callback(one.join)
        ending.callback(stop.set)
        yield started


def measure(
    folder: Path, cameras: int, downloads: int, mbit_s: float, seconds: float
) -> dict[str, object]:
    """Record for a while with so many downloads."""
    folder.mkdir()
    stream = make_stream(folder / "stream.mp4", Picture(mbit_s=1.0))
    with served("simulator", stream, cameras, folder) as source:
        with running(folder / "site", RECORDED, source.urls) as (site, layout):
            CLOCK.sleep(SETTLE_S)
            with downloading(site, downloads, mbit_s) as paced, site.counting_cpu() as used:
                began_s = CLOCK.monotonic_s()
                CLOCK.sleep(seconds)
                took_s = CLOCK.monotonic_s() - began_s
            sent = source.fall_silent()
            CLOCK.sleep(DRAIN_S)
        assert sent is not None
        held = [kept(layout.recordings_of(f"cam-{number}")) for number in range(cameras)]
    received = sum(one.received_bytes for one in paced)
    return {
        "downloads": downloads,
        "mbit_s_each": round(received * 8e-6 / took_s / downloads, 2) if downloads else 0,
        "errors": [error for one in paced for error in one.errors],
        "cpu_cores": round(used[0] / took_s, 3),
        "pictures": sum(one.pictures for one in held),
        "lost": sum(lost(one, sent[at]) for at, one in enumerate(held)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.downloads",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cameras", type=int, default=128)
    parser.add_argument("--downloads", type=int, default=20)
    parser.add_argument("--mbit", type=float, default=20.0, help="the rate of each download")
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    runs = []
    for downloads in (0, chosen.downloads):
        with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
            runs.append(
                measure(
                    Path(folder) / "run", chosen.cameras, downloads, chosen.mbit, chosen.seconds
                )
            )
    OUT.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), "cameras": chosen.cameras, "runs": runs}, indent=1)
    (OUT / "downloads.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
