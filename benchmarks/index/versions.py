"""Compares searches over HTTP at two checkouts: durations, and CPU time of API and Valkey.

    git worktree add --detach /tmp/before ce538c7
    python -m benchmarks.index.versions --before /tmp/before --events 100000

Both serve the same drawn events in this run. Rounds alternate between all combinations of checkout,
person and compression, each in another order. Every figure is also given as a ratio to the older
checkout. People with a limited scope exist only at this checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.index.questions import CLOCK, QUESTIONS, parameters, percentiles_ms
from benchmarks.index.version_server import EVENTS_A_DAY
from benchmarks.machine import OUT, machine
from benchmarks.processes import cost_of
from benchmarks.traffic import City
from domain.events.event import Event

ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("version_server.py")
START_S = 1_800.0


@dataclass(slots=True)
class Series:
    """The searches of one person at one checkout."""

    name: str
    connection: HTTPConnection
    headers: dict[str, str]
    processes: dict[str, list[int]]
    times_s: dict[str, list[float]] = field(default_factory=dict)
    """The durations by the name of the question."""
    cpu_s: dict[str, float] = field(default_factory=dict)
    sent_bytes: int = 0

    def ask(self, queries: Sequence[tuple[str, str]]) -> None:
        """Send queries, each with the name of its question."""
        self.connection.close()  # the API closes a connection that was idle
        self.connection.connect()
        before = {name: cost_of(pids).cpu_s for name, pids in self.processes.items()}
        for question, query in queries:
            began_s = CLOCK.monotonic_s()
            self.connection.request("GET", f"/v1/events?{query}", headers=self.headers)
            answer = self.connection.getresponse()
            self.sent_bytes += len(answer.read())
            self.times_s.setdefault(question, []).append(CLOCK.monotonic_s() - began_s)
            if answer.status != 200:
                raise RuntimeError(f"{self.name}: {query} was answered with {answer.status}")
        for name, pids in self.processes.items():
            used_s = cost_of(pids).cpu_s - before[name]
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + used_s

    def report(self) -> dict[str, float]:
        all_s = [time_s for times_s in self.times_s.values() for time_s in times_s]
        count = len(all_s)
        return {
            **percentiles_ms(all_s),
            **{
                f"{question}, {name}": value
                for question, times_s in self.times_s.items()
                for name, value in percentiles_ms(times_s).items()
            },
            **{f"{name}_cpu_ms": round(s / count * 1000, 3) for name, s in self.cpu_s.items()},
            "kilobytes": round(self.sent_bytes / count / 1000, 2),
        }


@contextmanager
def served(checkout: Path, events: int, is_scoped: bool) -> Iterator[dict[str, Any]]:
    """Serve the events by the code of a checkout; yield what its server says."""
    command = [sys.executable, str(SERVER), "--events", str(events)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "SIGHTLINE_API_PROCESSES": "1",
        "SIGHTLINE_ADDRESS_REQUESTS_PER_S": "0",
        "SIGHTLINE_PERSON_REQUESTS_PER_S": "0",
    }
    server = subprocess.Popen(
        [*command, "--scoped"] if is_scoped else command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=checkout,
        env=environment,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        line = server.stdout.readline()
        if not line:
            raise RuntimeError(f"the server of {checkout} did not start")
        yield json.loads(line)
    finally:
        server.stdin.close()
        server.wait(START_S)


def series_of(name: str, said: dict[str, Any], encodings: Sequence[str]) -> Iterator[Series]:
    for person, token in said["tokens"].items():
        for encoding in encodings:
            yield Series(
                f"{name}, {person}, {encoding}",
                HTTPConnection("127.0.0.1", said["port"], timeout=60),
                {
                    "Authorization": f"Bearer {token}",
                    "X-Reason": "a benchmark",
                    "Accept-Encoding": encoding,
                },
                {"api": said["api"], "valkey": said["valkey"]},
            )


def queries_about(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Return the name and the query of each kind of question about each event."""
    return [
        (question.name, urlencode(parameters(question.query(event))))
        for event in events
        for question in QUESTIONS
    ]


def compare(before: Path, events: int, rounds: int, asked: int) -> dict[str, Any]:
    """Ask `asked` times all kinds of questions in each round."""
    drawn = list(City(events, events / EVENTS_A_DAY).drawn())
    draw = random.Random(1)
    with ExitStack() as held:
        old = held.enter_context(served(before, events, is_scoped=False))
        new = held.enter_context(served(ROOT, events, is_scoped=True))
        series = [
            *series_of("before", old, ["identity"]),
            *series_of("now", new, ["identity", "gzip"]),
        ]
        for one in series:  # caches and connections
            one.ask(queries_about(draw.sample(drawn, 10)))
            one.times_s, one.cpu_s, one.sent_bytes = {}, {}, 0
        for _ in range(rounds):
            queries = queries_about(draw.sample(drawn, asked))
            for one in draw.sample(series, len(series)):
                one.ask(queries)
    reports = {one.name: one.report() for one in series}
    reference = reports[series[0].name]
    ratios = {
        name: {key: round(value / reference[key], 2) for key, value in report.items()}
        for name, report in reports.items()
    }
    requests = sum(len(times_s) for times_s in series[0].times_s.values())
    return {"requests": requests, "figures": reports, "ratios": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True, help="the older checkout")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--asked", type=int, default=40, help="questions of each kind in a round")
    asked = parser.parse_args()
    report = {
        "machine": machine(),
        "events": asked.events,
        **compare(asked.before, asked.events, asked.rounds, asked.asked),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "versions.json").write_text(json.dumps(report, indent=1), "utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
