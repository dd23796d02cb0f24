"""The event index beside SQLite with the obvious indexes: memory, writes and queries, of the same drawn events in the same run.

`python -m benchmarks.index --events 1000000`. Queries are asked of the index itself, a page of 50 as the API asks for one.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.machine import OUT, machine
from benchmarks.traffic import City
from domain.clock import NS_PER_MS, SystemClock
from domain.errors import IndexUnavailable
from domain.events import Event
from domain.query import EventQuery
from sightline.ports import free_ports
from sightline.servers import valkey_binary
from storage.index import EventIndex
from storage.redis_door import Redis, connect

EVENTS_A_DAY = 333_333
"""Ten million in a month."""
PAGE = 50
ASKED = 200
BATCH = 4096
START_S = 60.0
CLOCK = SystemClock()
HOUR_NS, DAY_NS = 3_600_000 * NS_PER_MS, 86_400_000 * NS_PER_MS

SCHEMA = """
CREATE TABLE events (
  id TEXT PRIMARY KEY, started INTEGER, camera TEXT, area TEXT, plate TEXT, color TEXT, confidence REAL, body TEXT
) WITHOUT ROWID;
CREATE INDEX by_time ON events (started);
CREATE INDEX by_plate ON events (plate, started);
CREATE INDEX by_camera ON events (camera, started);
CREATE INDEX by_area ON events (area, started);
"""


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of query, for the index and in SQL."""

    name: str
    query: Callable[[Event], EventQuery]
    where: Callable[[Event], tuple[str, tuple[object, ...]]]


def _two_known(event: Event) -> str:
    """The plate with two characters known, the rest forgotten."""
    text = event.plate.text if event.plate else ""
    return f"??{text[2]}??{text[5]}*"


def _like(pattern: str) -> str:
    return pattern.replace("?", "_").replace("*", "%")


def _text(event: Event) -> str:
    return event.plate.text if event.plate else ""


def _hour(event: Event) -> tuple[int, int]:
    start_ns = event.started_at - event.started_at % HOUR_NS
    return start_ns, start_ns + HOUR_NS


def _day(event: Event) -> tuple[int, int]:
    start_ns = event.started_at - event.started_at % DAY_NS
    return start_ns, start_ns + DAY_NS


QUESTIONS = (
    Question("exact plate", lambda e: EventQuery(plate=_text(e)), lambda e: ("plate = ?", (_text(e),))),
    Question("two characters known", lambda e: EventQuery(plate=_two_known(e)), lambda e: ("plate LIKE ?", (_like(_two_known(e)),))),
    Question("one misreading away", lambda e: EventQuery(plate=_text(e), fuzzy=True), lambda e: ("plate = ?", (_text(e),))),
    Question(
        "camera and hour", lambda e: EventQuery(camera=e.camera, from_ns=_hour(e)[0], to_ns=_hour(e)[1]),
        lambda e: ("camera = ? AND started >= ? AND started < ?", (e.camera, *_hour(e))),
    ),
    Question(
        "area and day", lambda e: EventQuery(area=e.area, from_ns=_day(e)[0], to_ns=_day(e)[1]),
        lambda e: ("area = ? AND started >= ? AND started < ?", (e.area, *_day(e))),
    ),
    Question("newest of all", lambda e: EventQuery(), lambda e: ("1", ())),
)  # fmt: skip
"""Of SQLite, `one misreading away` is the exact plate alone."""


@contextmanager
def running(folder: Path) -> Iterator[tuple[Redis, Callable[[], None]]]:
    """A Valkey with nothing but defaults, and how to restart it with what it holds."""
    (port,) = free_ports(1)

    def start() -> subprocess.Popen[bytes]:
        words = [str(valkey_binary()), "--port", str(port), "--dir", str(folder), "--save", "", "--bind", "127.0.0.1"]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL)

    servers = [start()]
    door = connect(f"redis://127.0.0.1:{port}/0")

    def restart() -> None:
        door.do("SAVE")
        servers[0].kill()
        servers[0].wait()
        servers[0] = start()
        _wait(door)

    try:
        _wait(door)
        yield door, restart
    finally:
        door.close()
        servers[0].kill()
        servers[0].wait()


def _wait(door: Redis) -> None:
    until_s = CLOCK.monotonic_s() + START_S
    while True:
        try:
            return door.ping()
        except IndexUnavailable:
            if CLOCK.monotonic_s() > until_s:
                raise
            CLOCK.sleep(0.1)


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    rest = iter(events)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _p99_ms(ask: Callable[[Event], object], events: Sequence[Event]) -> dict[str, float]:
    times: list[float] = []
    for event in events:
        began_s = CLOCK.monotonic_s()
        ask(event)
        times.append((CLOCK.monotonic_s() - began_s) * 1000)
    return {"p50_ms": round(float(np.percentile(times, 50)), 2), "p99_ms": round(float(np.percentile(times, 99)), 2)}


def run(count: int) -> dict[str, object]:
    """One report. Takes 200 µs an event and more, most of it for drawing them."""
    city = City(count, count / EVENTS_A_DAY)
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as (door, restart):
        index = EventIndex(door)
        base = sqlite3.connect(Path(name) / "events.sqlite")
        base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)
        spent = {"index": 0.0, "sqlite": 0.0}
        asked: list[Event] = []
        for number, batch in enumerate(_batches(city.drawn())):
            spent["index"] += _seconds(partial(index.put_all, batch))
            spent["sqlite"] += _seconds(partial(_insert, base, batch))
            asked += batch[:: max(1, len(batch) * (count // BATCH + 1) // ASKED)]
            if number % 50 == 0:
                print(f"\r{number * BATCH:,} of {count:,} events", end="", file=sys.stderr)
        restart()
        memory = door.do("INFO", "memory")
        used = int(memory["used_memory"]) if isinstance(memory, dict) else 0
        queries = {question.name: _compared(question, index, base, asked[:ASKED]) for question in QUESTIONS}
        page_bytes = base.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
        base.close()
    return {
        "machine": machine(),
        "events": count,
        "bytes_an_event": {"index": round(used / count, 1), "sqlite": round(page_bytes / count, 1), "ratio": round(used / page_bytes, 3)},
        "writes_a_second": {name: round(count / seconds) for name, seconds in spent.items()},
        "queries": queries,
    }


def _compared(question: Question, index: EventIndex, base: sqlite3.Connection, asked: Sequence[Event]) -> dict[str, object]:
    def ours(event: Event) -> object:
        return index.query(question.query(event), PAGE)

    def theirs(event: Event) -> object:
        where, values = question.where(event)
        return base.execute(f"SELECT body FROM events WHERE {where} ORDER BY started DESC LIMIT {PAGE}", values).fetchall()  # noqa: S608

    return {"index": _p99_ms(ours, asked), "sqlite": _p99_ms(theirs, asked)}


def _insert(base: sqlite3.Connection, events: Sequence[Event]) -> None:
    rows = [(e.id, e.started_at, e.camera, e.area, _text(e), e.plate.color if e.plate else "", e.confidence, e.to_json()) for e in events]
    base.executemany("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    base.commit()


def _seconds(work: Callable[[], object]) -> float:
    began_s = CLOCK.monotonic_s()
    work()
    return CLOCK.monotonic_s() - began_s


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    report = run(parser.parse_args().events)
    OUT.mkdir(exist_ok=True)
    (OUT / "index.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
