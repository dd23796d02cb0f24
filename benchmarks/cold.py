"""A plate over a year that is older than the index holds: the archive beside the same files without the filters of their catalogue.

`python -m benchmarks.cold --days 365 --rows 20`. Files are as many as a city's (40 areas a day), read lately, or fetched from a real
SeaweedFS on loopback; their rows are as many as asked for, and fewer than a city's, whose file of 100,000 rows has some megabytes:
`one_large_file` says what one costs. Pages of 50, the newest first. CPU is of this process, all its threads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.index import running
from benchmarks.machine import OUT, machine
from benchmarks.traffic import AREAS, City
from domain.clock import NS_PER_MS, SystemClock
from domain.events import Event
from domain.keys import archive_object, catalogue_object
from domain.query import EventQuery
from domain.settings import Settings
from sightline.child import Child
from sightline.ports import free_ports
from sightline.servers import StoreSecrets, seaweedfs
from storage.archive import Archive
from storage.archive_catalogue import ArchiveFile, Day
from storage.archive_files import ArchiveCache, Part
from storage.archive_rows import ORDER, SELECT, columns_of, row_of
from storage.archive_search import ArchiveSearch, day_of_ms
from storage.bloom import BLOCK_BYTES, bloom_of
from storage.index_search import found_by
from storage.s3 import ObjectStore

CLOCK = SystemClock()
PAGE = 50
ASKED, ASKED_AWAY, ASKED_BLIND = 200, 20, 3
LARGE_ROWS = 100_000
_ALL = b"\xff" * BLOCK_BYTES


class Blind(ArchiveSearch):
    """The same search, were there no filters: every file of the year may hold every plate."""

    def _days(self, least_ms: int, greatest_ms: int, newest: bool) -> list[Day]:
        return [_blind(day) for day in super()._days(least_ms, greatest_ms, newest)]


def _blind(day: Day) -> Day:
    files = tuple(file.model_copy(update={"bloom_blocks": 1}) for file in day.files)
    return Day.parse(day.day, day.version, replace(day, files=files, bloom=_ALL * len(files)).packed())


@contextmanager
def store(folder: Path) -> Iterator[ObjectStore]:
    (port,) = free_ports(1)
    secrets = StoreSecrets("benchmark-valkey", "benchmark", "benchmark-secret", "benchmark-signing")
    child = Child(seaweedfs(folder, port, secrets, folder / "log"), CLOCK)
    child.start()
    child.wait_ready()
    objects = ObjectStore(f"127.0.0.1:{port}", secrets.s3_access_key, secrets.s3_secret_key, "benchmark")
    objects.ensure_bucket()
    try:
        yield objects
    finally:
        objects.close()
        child.stop()


def _days(city: City) -> Iterator[tuple[str, list[Event]]]:
    day, events = "", list[Event]()
    for event in city.drawn():
        name = day_of_ms(event.started_at // NS_PER_MS)
        if name != day and events:
            yield day, events
            events = []
        day = name
        events.append(event)
    yield day, events


def _write(archive: Archive, objects: ObjectStore, folder: Path, day: str, events: Sequence[Event]) -> int:
    """A day's files, as if they had been read lately, and its catalogue; without the proofs of the archive, which take most of its time."""
    written: list[tuple[ArchiveFile, bytes]] = []
    path = folder / "made.parquet"
    for area in sorted({event.area for event in events}):
        mine = [event for event in events if event.area == area]
        archive.duck.write(f"SELECT {SELECT} FROM incoming ORDER BY {ORDER}", path, columns_of([row_of(event) for event in mine]))  # noqa: S608
        file, bloom = _entry(day, area, path, mine)
        path.replace(archive.cache.folder / f"{file.sha256}.parquet")
        written.append((file, bloom))
    objects.put(catalogue_object(day, 1), Day(day).changed([], written).packed(), "application/octet-stream")
    return len(written)


def _entry(day: str, area: str, path: Path, events: Sequence[Event]) -> tuple[ArchiveFile, bytes]:
    plates = {text for event in events for text in (*found_by(event), *(a.text for a in (event.plate.alternatives if event.plate else ())))}
    starts, bloom = [event.started_at // NS_PER_MS for event in events], bloom_of(plates)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ArchiveFile(
        day=day, area=area, generation=1, key=archive_object(day, area, 1, digest), sha256=digest, size_bytes=path.stat().st_size,
        rows=len(events), from_ms=min(starts), to_ms=max(starts), plate_min=min(plates), plate_max=max(plates),
        bounds=(-180, -90, 180, 90), cameras={event.camera: min(starts) for event in events}, bloom_blocks=len(bloom) // BLOCK_BYTES,
    ), bloom  # fmt: skip


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _timed(ask: Callable[[Event], int], events: Sequence[Event]) -> dict[str, float]:
    wall, cpu, found = list[float](), list[float](), list[int]()
    for event in events:
        began_s, began_cpu_s = CLOCK.monotonic_s(), _cpu_s()
        found.append(ask(event))
        wall.append((CLOCK.monotonic_s() - began_s) * 1000)
        cpu.append((_cpu_s() - began_cpu_s) * 1000)
    return {
        "asked": len(events), "p50_ms": round(float(np.percentile(wall, 50)), 1), "p99_ms": round(float(np.percentile(wall, 99)), 1),
        "cpu_ms": round(float(np.mean(cpu)), 1), "events": round(float(np.mean(found)), 1),
    }  # fmt: skip


def _candidates(archive: Archive, event: Event) -> list[ArchiveFile]:
    plate = event.plate.text if event.plate else ""
    days = archive.catalogue.days().values()
    return [file for day in days for file in day.candidates(EventQuery(plate=plate), [plate], 0, 1 << 60)]


def _put_candidates(archive: Archive, objects: ObjectStore, event: Event) -> None:
    for file in _candidates(archive, event):
        objects.put_file(file.key, archive.cache.folder / f"{file.sha256}.parquet", "application/vnd.apache.parquet")


def _large(archive: Archive, folder: Path) -> dict[str, float]:
    """One file of a city's size: how big it is, and what finding a plate in it takes."""
    events = list(islice(City(LARGE_ROWS, 1, seed=9).drawn(), LARGE_ROWS))
    one = [event.model_copy(update={"area": "city/one"}) for event in events]
    staged = archive.writer.stage([row_of(event) for event in one])
    made = archive.writer.merge("20260901", "city/one", 1, [Part((staged,))])
    assert made is not None
    sql = "SELECT * FROM read_parquet(?) WHERE plate = ? OR (others IS NOT NULL AND contains(others, ?))"
    plates = [event.plate.text for event in one[:20] if event.plate]
    began_cpu_s = _cpu_s()
    for plate in plates:
        archive.duck.rows(sql, [[str(made.path)], plate, plate])
    return {
        "rows": made.file.rows, "bytes_an_event": round(made.file.size_bytes / made.file.rows, 1),
        "filter_bytes_an_event": round(len(made.bloom) / made.file.rows, 2),
        "cpu_ms": round((_cpu_s() - began_cpu_s) * 1000 / len(plates), 1),
    }  # fmt: skip


def run(days: int, rows: int) -> dict[str, object]:
    """One report. Takes some 5 ms a file."""
    city = City(days * AREAS * rows, days, start_ms=1_756_684_800_000)
    with tempfile.TemporaryDirectory() as name, store(Path(name)) as objects, running(Path(name)) as (redis, _, _):
        archive = Archive.open(objects, redis, Path(name) / "archive", Settings(archive_cache_gb=100), CLOCK)
        files, sample = 0, list[Event]()
        for day, events in _days(city):
            files += _write(archive, objects, Path(name), day, events)
            sample += events[:: max(1, len(events) * days // ASKED)]
            print(f"\r{day}: {files} files", end="", flush=True)
        asked = sample[:ASKED]
        began_s = CLOCK.monotonic_s()
        archive.catalogue.days()
        opened_s = CLOCK.monotonic_s() - began_s
        blind = Blind(archive.catalogue, archive.cache, archive.duck, CLOCK)
        away = ArchiveSearch(archive.catalogue, ArchiveCache(objects, Path(name) / "away", 1 << 40), archive.duck, CLOCK)
        for event in asked[:ASKED_AWAY]:
            _put_candidates(archive, objects, event)

        def by(search: ArchiveSearch) -> Callable[[Event], int]:
            def ask(event: Event) -> int:
                query = EventQuery(plate=event.plate.text if event.plate else "")
                return len(search.page(query, None, PAGE, None, None).events)

            return ask

        report = {
            "machine": machine(), "days": days, "areas": AREAS, "files": files, "rows_a_file": rows,
            "catalogue_read_s": round(opened_s, 2),
            "files_that_may_have_it": round(float(np.mean([len(_candidates(archive, one)) for one in asked])), 1),
            "files_fetched": _timed(by(away), asked[:ASKED_AWAY]), "files_here": _timed(by(archive.search), asked),
            "without_filters": _timed(by(blind), asked[:ASKED_BLIND]),
            "one_large_file": _large(archive, Path(name)),
        }  # fmt: skip
        archive.close()
    return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rows", type=int, default=20)
    arguments = parser.parse_args()
    report = run(arguments.days, arguments.rows)
    OUT.mkdir(exist_ok=True)
    (OUT / "cold.json").write_text(json.dumps(report, indent=1))
    print("\n" + json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
