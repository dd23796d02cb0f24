"""Measures whether the API frees memory after clients of its feed that never read disconnect.

    python -m benchmarks.api_memory [--clients 300] [--bursts 3]

A site without cameras runs, and its feed has a history. In each burst, clients request all of it,
read nothing, and are disconnected. The resident memory of the API process after each burst is
divided by that before the first. It must stay below `MAY_GROW`, else the exit code is 1. JSON
goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.machine import OUT, machine
from benchmarks.processes import held_by
from benchmarks.site import CLOCK, BenchSite
from benchmarks.traffic import City
from sightline.processes.store_clients import open_stores

MAY_GROW = 1.6
EVENTS = 2000
"""More than the sockets of a connection hold, so that its answer waits."""
SETTLED_S = 10.0
RECEIVE_BYTES = 4096
_NO_LINGER = struct.pack("ii", 1, 0)
_NO_CAMERAS: dict[str, object] = {
    "version": 1, "areas": {"a": {"name": "a"}}, "cameras": [],
}  # fmt: skip


def connect_without_reading(port: int, request: bytes, clients: ExitStack) -> None:
    """Ask, and read nothing; the connection is reset when `clients` closes."""
    client = clients.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    client.connect(("127.0.0.1", port))
    client.sendall(request)


def burst_of(site: BenchSite, clients: int, process_id: int) -> tuple[int, int]:
    """Resident bytes while the clients are connected, and after they were cut."""
    request = site.request("/v1/events/feed?after=0")
    with ExitStack() as connected:
        for _ in range(clients):
            connect_without_reading(site.port, request, connected)
        CLOCK.sleep(SETTLED_S)
        during = held_by(process_id).resident_bytes
    CLOCK.sleep(SETTLED_S)
    return during, held_by(process_id).resident_bytes


def measure(folder: Path, clients: int, bursts: int) -> dict[str, object]:
    site = BenchSite(folder, _NO_CAMERAS)
    try:
        site.start()
        while not site.answers():
            CLOCK.sleep(0.5)
        site.sign_in()
        with open_stores(site.layout) as stores:
            stores.feed.add_all(list(City(EVENTS, 1).drawn()))
        (process_id,) = site.pids("sightline.api_process")
        before = held_by(process_id).resident_bytes
        found = [burst_of(site, clients, process_id) for _ in range(bursts)]
    finally:
        site.close()
    return {
        "clients": clients,
        "before_bytes": before,
        "during_bytes": [during for during, _ in found],
        "after_bytes": [after for _, after in found],
        "ratio": round(max(after for _, after in found) / before, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.api_memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--bursts", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        report = measure(Path(folder) / "site", chosen.clients, chosen.bursts)
    OUT.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), **report}, indent=1)
    (OUT / "api_memory.json").write_text(text)
    print(text)
    return int(float(str(report["ratio"])) > MAY_GROW)


if __name__ == "__main__":
    sys.exit(main())
