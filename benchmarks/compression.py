"""Measures how much gzip reduces typical answers of the API, and what it costs, by the level of
zlib.

`python -m benchmarks.compression`. The models of the API make each answer once, from drawn events.
In the same run, its compressed size is compared with the uncompressed answer, and the CPU time of
the compression with the time of writing it as JSON or CSV.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections.abc import Callable
from itertools import islice

from api.access.compression import LEVEL, gzip_chunks
from api.events.models import EventList, EventView
from api.events.rows import csv_head, csv_rows, ndjson_rows
from benchmarks.machine import OUT, machine
from benchmarks.traffic import City
from domain.events.event import Event

ROWS = 10_000
REPEATS = 20
LEVELS = (1, 3, 5, 6, 9)


def answers(events: list[Event]) -> dict[str, Callable[[], bytes]]:
    """Return what writes each answer, by name."""

    def page(count: int) -> bytes:
        items = [EventView.of(event) for event in events[:count]]
        return EventList(items=items, next=None).model_dump_json(by_alias=True).encode()

    rows = [(event, None) for event in events]
    return {
        "page of 50 events": lambda: page(50),
        "page of 500 events": lambda: page(500),
        f"CSV of {ROWS} events": lambda: csv_head() + csv_rows(rows),
        f"NDJSON of {ROWS} events": lambda: ndjson_rows(rows),
    }


def cpu_s(work: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of one run."""
    found = []
    for _ in range(repeats):
        began_s = time.process_time()
        work()
        found.append(time.process_time() - began_s)
    return min(found)


def measured(write: Callable[[], bytes], repeats: int) -> dict[str, object]:
    content = write()
    write_s = cpu_s(write, repeats)
    report: dict[str, object] = {"bytes": len(content), "write_ms": round(write_s * 1000, 3)}
    for level in LEVELS:
        packed = zlib.compress(content, level)
        took_s = cpu_s(lambda level=level: zlib.compress(content, level), repeats)  # type: ignore[misc]
        report[f"level {level}"] = {
            "size_ratio": round(len(packed) / len(content), 3),
            "cpu_ratio": round(took_s / write_s, 2),
        }
    sent = sum(map(len, gzip_chunks(iter([content]))))
    return report | {"sent_ratio": round(sent / len(content), 3)}


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    events = list(islice(City(ROWS, 1).drawn(), ROWS))
    report = {
        "machine": machine(),
        "level_in_use": LEVEL,
        "answers": {
            name: measured(write, REPEATS if "page" in name else 3)
            for name, write in answers(events).items()
        },
    }
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "compression.json").write_text(json.dumps(report, indent=1), "utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
