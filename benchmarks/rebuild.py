"""Measures `sightline index rebuild` from journals in a real object store.

    python -m benchmarks.rebuild --events 500000

The reference writes the same events into an index as nodes do. The journals are those of one node,
with one object a minute.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.cold import store
from benchmarks.index.measurement import BATCH, EVENTS_A_DAY, running, seconds_of
from benchmarks.machine import OUT, machine
from benchmarks.traffic import City
from domain.clock import NS_PER_S
from domain.events.event import Event, ObjectDigest
from domain.paths.object_keys import CLIP, CROP, SNAPSHOT, event_object, journal_object
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.events.journal import JournalPut
from storage.index.event_index import EventIndex
from storage.rebuild import rebuild

_MINUTE_S = 60


def run(events: int) -> dict[str, object]:
    """One report."""
    drawn = list(City(events, events / EVENTS_A_DAY).drawn())
    with (
        tempfile.TemporaryDirectory(prefix="sightline-rebuild-") as name,
        store(Path(name) / "store") as objects,
    ):
        journals = _write(objects, drawn)
        with running(Path(name) / "written") as (redis, _, _):
            written_s = seconds_of(lambda: _put(EventIndex(redis), drawn))
        with running(Path(name) / "rebuilt") as (redis, _, _):
            rebuilt_s = seconds_of(lambda: _rebuild(objects, redis, len(drawn)))
    return {
        "machine": machine(),
        "events": len(drawn),
        "journals": journals,
        "rebuilt_a_minute": round(len(drawn) / rebuilt_s * 60),
        "written_a_minute": round(len(drawn) / written_s * 60),
        "of_written": round(written_s / rebuilt_s, 2),
    }


def _write(objects: ObjectStore, events: Sequence[Event]) -> int:
    """The journals of these events, as a node uploads them; how many."""
    count = 0
    in_order = sorted(events, key=_minute_s)
    for minute_s, mine in groupby(in_order, _minute_s):
        lines = b"".join(_line(event) + b"\n" for event in mine)
        objects.put(
            journal_object("node", minute_s), gzip.compress(lines, mtime=0), "application/gzip"
        )
        count += 1
        print(f"\r{count:,} journals", end="", file=sys.stderr)
    print(file=sys.stderr)
    return count


def _minute_s(event: Event) -> int:
    return event.ended_at // NS_PER_S // _MINUTE_S * _MINUTE_S


def _line(event: Event) -> bytes:
    digests = {
        name: ObjectDigest(
            key=event_object(event.camera, event.id, name), size_bytes=100_000, sha256="0" * 64
        )
        for name in (SNAPSHOT, CROP, CLIP)
    }
    return JournalPut(event=event, objects=digests).model_dump_json(by_alias=True).encode()


def _put(index: EventIndex, events: Sequence[Event]) -> None:
    for at in range(0, len(events), BATCH):
        index.put_all(events[at : at + BATCH])


def _rebuild(objects: ObjectStore, redis: Redis, expected: int) -> None:
    found = rebuild(objects, redis)
    if found.events != expected or found.damaged:
        raise AssertionError(
            f"{found.events} of {expected} events were restored; damaged: {found.damaged}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rebuild",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=500_000)
    report = run(parser.parse_args().events)
    OUT.mkdir(exist_ok=True)
    (OUT / "rebuild.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
