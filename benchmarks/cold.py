"""Measures the search for a plate in a year of archived events of a city: 14,600 files of 109,000
rows, and their filters.

`python -m benchmarks.cold` takes about ten minutes and needs 8 GB of the temporary folder. The days
of a few areas are drawn and written whole, each with its filter. The filters of all other files
are copies of those, rotated by a different amount, so that they have the true size and other bits.
Only the files that a search opens exist: those that contain a requested plate, which no drawn file
has, and those whose filter has a false positive. A real SeaweedFS on loopback serves them. CPU time
is of this process with all its threads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.index.measurement import running
from benchmarks.machine import OUT, machine
from benchmarks.traffic import AREAS, City
from domain.clock import MS_PER_DAY, NS_PER_MS, SystemClock
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.paths.object_keys import archive_object, catalogue_object
from domain.settings import Settings
from domain.ulid import id_text
from sightline.privileges.store_secrets import StoreSecrets
from sightline.processes.child import Child
from sightline.processes.embedded_servers import seaweedfs
from sightline.processes.ports import free_ports
from storage.archive.archive import Archive
from storage.archive.bloom import BLOCK_BYTES, SLICES, bloom_of
from storage.archive.day import ArchiveFile, Day
from storage.archive.parquet_files import RowSelection, describe
from storage.archive.rows import ORDER, SELECT, VERSION, row_from_event
from storage.archive.search import day_of_ms
from storage.clients.s3 import ObjectStore
from storage.events.store import PAGE_S

CLOCK = SystemClock()
PAGE = 50
ROWS = 109_000
"""871 checkpoints, 5,000 passings a day each, 40 areas."""
FIRST_MS = 1_756_684_800_000
DRAWN = 4
"""Areas' days that are drawn."""
LAST_DAYS = 12
"""Of which there are files for plates that are seen daily."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Plates that are asked for, and how many days of the year, in how many areas a day, and
    how often there each was seen.
    """

    name: str
    plates: tuple[str, ...]
    days: int
    areas: int
    times: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """An area's day that was drawn: its file, what the catalogue says of it, and its filter."""

    path: Path
    file: ArchiveFile
    bloom: NDArray[np.uint8]
    event: Event
    """One of its events."""


@contextmanager
def store(folder: Path) -> Iterator[ObjectStore]:
    (port,) = free_ports(1)
    secrets = StoreSecrets("benchmark-valkey", "benchmark", "benchmark-secret", "benchmark-signing")
    child = Child(seaweedfs(folder, port, secrets, folder / "log"), CLOCK)
    child.start()
    child.wait_ready()
    objects = ObjectStore(
        f"127.0.0.1:{port}", secrets.s3_access_key, secrets.s3_secret_key, "benchmark"
    )
    objects.ensure_bucket()
    try:
        yield objects
    finally:
        objects.close()
        child.stop()


class Year:
    """A year of a city in the store."""

    def __init__(
        self, archive: Archive, objects: ObjectStore, days: int, rows: int, asked: int
    ) -> None:
        self._archive, self._objects, self.days = archive, objects, days
        self._drawn, self._vain = _draw(archive, rows), set[str]()
        self._turns = np.random.default_rng(5).integers(0, 1 << 30, (days, AREAS, 2))
        names = [f"藏A{number:05d}" for number in range(4 * asked)]
        self.habits = [
            Habit("seen daily in three areas", tuple(names[:asked]), days, 3, 4),
            Habit("seen once on each of 60 days", tuple(names[asked : 2 * asked]), 60, 1, 1),
            Habit("seen on three days", tuple(names[2 * asked : 3 * asked]), 3, 1, 1),
            Habit("never seen", tuple(names[3 * asked :]), 0, 0, 0),
        ]
        self._habits: dict[tuple[int, int], list[Habit]] = {}
        for habit in self.habits:
            for n in range(habit.days):
                for area in range(habit.areas):
                    place = (days - 1 - n * days // habit.days, (7 * n + 13 * area) % AREAS)
                    self._habits.setdefault(place, []).append(habit)

    @property
    def file_bytes(self) -> float:
        return float(np.mean([drawn.file.size_bytes for drawn in self._drawn]))

    def publish(self) -> int:
        """Every day's catalogue, with filters of their true size, and the files that have a
        plate; how many bytes it has.
        """
        size = 0
        for number in range(self.days):
            day = day_of_ms(FIRST_MS + number * MS_PER_DAY)
            _, data = Day(day).packed(1, [self._entry(day, number, area) for area in range(AREAS)])
            self._objects.put(catalogue_object(day, 1), data, "application/octet-stream")
            size += len(data)
            print(f"\r{day}: {size / 1e9:.2f} GB of catalogue", end="", flush=True)
        return size

    def supply(self, habit: Habit) -> float:
        """Put the other files into the store that a search for a plate opens, since their
        filters say so: how many, on the average.
        """
        vain = 0
        last = sorted(self._archive.catalogue.days().values(), key=lambda day: day.day)[
            -LAST_DAYS if habit.days == self.days else 0 :
        ]
        for plate in habit.plates:
            for day in last:
                for file in self._archive.catalogue.candidates(
                    day, EventQuery(), [plate], 0, 1 << 60
                ):
                    if self._objects.stat(file.key) is None:
                        self._objects.put_file(
                            file.key,
                            self._drawn[int(file.area[-2:]) % DRAWN].path,
                            "application/vnd.apache.parquet",
                        )
                        self._vain.add(file.key)
                    vain += file.key in self._vain
        return round(vain / len(habit.plates), 1)

    def _entry(self, day: str, number: int, area: int) -> tuple[ArchiveFile, bytes]:
        drawn, start_ms = self._drawn[area % DRAWN], FIRST_MS + number * MS_PER_DAY
        shift, turn = self._turns[number, area]
        slices = drawn.bloom.reshape(SLICES, -1, BLOCK_BYTES)
        bloom = np.roll(slices, (shift % SLICES, turn % slices.shape[1]), (0, 1)).tobytes()
        name, digest = (
            f"city/district-{area:02d}",
            hashlib.sha256(f"{day} {area}".encode()).hexdigest(),
        )
        file = drawn.file.model_copy(update={
            "day": day, "area": name, "key": archive_object(day, name, 1, digest), "sha256": digest,
            "from_ms": start_ms, "to_ms": start_ms + MS_PER_DAY - 1,
        })  # fmt: skip
        if (habits := self._habits.get((number, area))) is None:
            return file, bloom
        mine = bloom_of(
            (plate for habit in habits for plate in habit.plates), len(bloom) // BLOCK_BYTES
        )
        bloom = np.bitwise_or(
            np.frombuffer(bloom, np.uint8), np.frombuffer(mine, np.uint8)
        ).tobytes()
        # A page of a plate that is seen daily ends within the last days.
        if self.days - number > LAST_DAYS and habits == self.habits[:1]:
            return file, bloom
        return self._with_events(file, drawn, habits), bloom

    def _with_events(self, file: ArchiveFile, drawn: Drawn, habits: Sequence[Habit]) -> ArchiveFile:
        """The drawn file with events of plates that are asked for: its entry, once it is in the
        store.
        """
        model, writer, events = drawn.event, self._archive.writer, list[Event]()
        for n, plate in enumerate(
            plate for habit in habits for plate in habit.plates for _ in range(habit.times)
        ):
            ms = file.from_ms + n * 61_000 % MS_PER_DAY
            event_id = id_text(ms, hashlib.sha256(f"{file.key} {n}".encode()).digest()[:10])
            read = (
                model.plate.model_copy(update={"text": plate, "alternatives": ()})
                if model.plate
                else None
            )
            moments = dict.fromkeys(("started_at", "best_at", "ended_at"), ms * NS_PER_MS)
            events.append(
                model.model_copy(
                    update={"id": event_id, "area": file.area, "plate": read, **moments}
                )
            )
        staged = writer.stage([row_from_event(event) for event in events])
        sql = (
            f"SELECT {SELECT} FROM read_parquet(?) UNION ALL SELECT {SELECT} FROM "  # noqa: S608
            f"read_parquet(?) ORDER BY {ORDER[VERSION]}"
        )
        path = staged.with_suffix(".made")
        self._archive.duck.write(sql, path, values=[[str(drawn.path)], [str(staged)]])
        made, _ = describe(self._archive.duck, path, file.day, file.area, 1)
        self._objects.put_file(made.key, path, "application/vnd.apache.parquet")
        writer.forget(staged, path)
        return made.model_copy(
            update={"from_ms": file.from_ms, "to_ms": file.to_ms, "bloom_blocks": file.bloom_blocks}
        )


def _draw(archive: Archive, rows: int) -> list[Drawn]:
    """Some areas' day of a city."""
    found: dict[str, list[Event]] = {}
    for event in City(rows * AREAS, 1, seed=9, start_ms=FIRST_MS).drawn(range(DRAWN)):
        found.setdefault(event.area, []).append(event)
    drawn: list[Drawn] = []
    for area, events in sorted(found.items()):
        staged = archive.writer.stage([row_from_event(event) for event in events])
        made = archive.writer.merge(day_of_ms(FIRST_MS), area, 1, [RowSelection((staged,))])
        archive.writer.forget(staged)
        assert made is not None
        drawn.append(Drawn(made.path, made.file, np.frombuffer(made.bloom, np.uint8), events[0]))
    return drawn


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _asked(
    archive: Archive, plates: Sequence[str], before: Callable[[str], object]
) -> dict[str, float]:
    """One whole page of each plate; the API ends a page after `PAGE_S`, and goes on with the
    next. `before` is not in the figures.
    """
    wall, cpu, events = list[float](), list[float](), 0
    for plate in plates:
        before(plate)
        began_s, began_cpu_s = CLOCK.monotonic_s(), _cpu_s()
        page = archive.search.page(EventQuery(plate=plate), None, PAGE, None, None)
        wall.append((CLOCK.monotonic_s() - began_s) * 1000)
        cpu.append((_cpu_s() - began_cpu_s) * 1000)
        events += len(page.events)
    return {
        "asked": len(plates),
        "at_once": sum(one <= PAGE_S * 1000 for one in wall),
        "events": round(events / len(plates), 1),
        "p50_ms": round(float(np.percentile(wall, 50))),
        "p99_ms": round(float(np.percentile(wall, 99))),
        "cpu_ms": round(float(np.mean(cpu))),
        "cpu_p99_ms": round(float(np.percentile(cpu, 99))),
    }


def _emptied(*folders: Path) -> None:
    for folder in folders:
        for path in folder.iterdir():
            path.unlink()


def run(days: int, rows: int, asked: int) -> dict[str, Any]:
    """One report."""
    with (
        tempfile.TemporaryDirectory() as name,
        store(Path(name)) as objects,
        running(Path(name) / "valkey") as (redis, _, _),
    ):
        folder = Path(name) / "archive"
        with closing(Archive.open(objects, redis, folder, Settings(), CLOCK)) as archive:
            year = Year(archive, objects, days, rows, asked)
            size = year.publish()
            began_s, began_cpu_s = CLOCK.monotonic_s(), _cpu_s()
            archive.catalogue.days()
            report = {
                "machine": machine(),
                "days": days,
                "files": days * AREAS,
                "rows_a_file": rows,
                "catalogue_gb": round(size / 1e9, 2),
                "catalogue_read_s": round(CLOCK.monotonic_s() - began_s, 2),
                "catalogue_cpu_s": round(_cpu_s() - began_cpu_s, 2),
                "file_mb": round(year.file_bytes / 1e6, 2),
                "bytes_an_event": round(year.file_bytes / rows, 1),
            }
            files, filters = archive.cache.folder, folder / "filters"
            for habit in year.habits:

                def again(plate: str) -> None:
                    archive.search.page(EventQuery(plate=plate), None, PAGE, None, None)

                report[habit.name] = {
                    "opened_in_vain": year.supply(habit),
                    "nothing_here": _asked(
                        archive, habit.plates, lambda _: _emptied(files, filters)
                    ),
                    "filters_here": _asked(
                        archive, habit.plates, lambda plate: _filters_alone(archive, plate, files)
                    ),
                    "all_here": _asked(archive, habit.plates, again),
                }
                print("\n" + habit.name, json.dumps(report[habit.name]), flush=True)
    return report


def _filters_alone(archive: Archive, plate: str, files: Path) -> None:
    archive.catalogue.fetch(list(archive.catalogue.days().values()), [plate])
    _emptied(files)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rows", type=int, default=ROWS, help="of a file")
    parser.add_argument("--asked", type=int, default=25, help="plates of each habit")
    arguments = parser.parse_args()
    report = run(arguments.days, arguments.rows, arguments.asked)
    OUT.mkdir(exist_ok=True)
    (OUT / "cold.json").write_text(json.dumps(report, indent=1))
    print("\n" + json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
