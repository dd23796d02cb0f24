"""What moves events to the archive and takes them out of it, on real stores: killed anywhere,
run by two, and with things that are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.camera_scope import ALL_CAMERAS
from domain.clock import NS_PER_DAY, NS_PER_HOUR, S_PER_DAY
from domain.errors import DataLoss
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.paths.object_keys import ARCHIVED_PREFIX, CATALOGUE_PREFIX, EVENTS_PREFIX
from domain.recordings.holds import Hold, StandingHolds
from domain.settings import Settings
from storage.archive.archive import Archive
from storage.archive.archiver import RUNNER_KEY, Archiver
from storage.archive.check import ArchiveCheck
from storage.archive.progress import Moved
from storage.check import check
from storage.clients.redis import Redis
from storage.events.journal import JournalDelete
from storage.events.store import EventStore
from storage.findings import Breach
from storage.index.event_index import EventIndex
from tests.buckets import remove_objects
from tests.full_memory import full_memory
from tests.fuses import Fuse, FusedObjects, FusedRedis, Killed
from tests.kept import START_NS, Site, make_event
from tests.storage.events.drawn_city import INDEX_DAYS, City

NO_HOLDS = StandingHolds((), 0)


def archiver(city: City) -> Archiver:
    return Archiver(city.archive, city.index, city.redis, city.objects, city.clock)


def faults(city: City) -> list[str]:
    return [fault.what for fault in ArchiveCheck(city.archive, city.objects).faults()]


def keys(city: City) -> list[str]:
    return [stat.key for stat in city.objects.list(ARCHIVED_PREFIX)]


def test_each_area_and_day_has_a_file(city: City) -> None:
    city.index.put_all(
        [
            make_event(camera, day * S_PER_DAY + n)
            for day in (0, 1, 5)
            for camera in ("gate", "shop")
            for n in range(3)
        ]
    )
    assert city.move() == 12
    folders = [key.removeprefix(ARCHIVED_PREFIX).rpartition("/")[0] for key in keys(city)]
    assert folders == [
        "2025/10/09/dan/jun",
        "2025/10/09/shi",
        "2025/10/10/dan/jun",
        "2025/10/10/shi",
    ]
    assert city.index.count() == 6
    assert faults(city) == []


def test_events_are_moved_while_redis_has_no_memory_left(city: City) -> None:
    event, recent = make_event(), make_event(after_s=5 * S_PER_DAY)
    city.index.put_all([event, recent])
    with full_memory(city.redis):
        assert city.move() == 1
        assert city.index.ids(None, 2) == [recent.id]
    assert city.ids(EventQuery()) == [recent.id, event.id]


def test_a_second_run_writes_nothing(city: City) -> None:
    event = make_event()
    city.index.put(event)
    city.move()
    before = keys(city)
    city.index.put(event)
    assert archiver(city).run(INDEX_DAYS) == Moved(events=1)
    assert keys(city) == before


def _killed_somewhere(city: City, folder: Path, at: int, after: bool) -> bool:
    """End a run at its n-th call of a store, as `kill -9` does; return whether it got there."""
    fuse = Fuse(at, after)
    objects, redis = FusedObjects(city.objects, fuse), FusedRedis(city.redis, fuse)
    archive = Archive.open(objects, redis, folder / f"killed-{at}", Settings(), city.clock)
    try:
        Archiver(archive, EventIndex(redis), redis, objects, city.clock).run(INDEX_DAYS)
    except Killed:
        pass
    finally:
        archive.close()
    city.redis.do("DEL", RUNNER_KEY)  # it lapses by itself
    return fuse.blown


@pytest.mark.parametrize("after", [False, True])
def test_a_run_killed_anywhere_loses_nothing(city: City, tmp_path: Path, after: bool) -> None:
    """Before each odd call, and after each even one. Each run has late events to merge; what is
    found is the same at each moment.
    """
    there: list[Event] = []
    at, blown = 2 if after else 1, True
    while blown:
        fresh = [make_event(camera, after_s=at, key="1") for camera in ("gate", "shop")]
        city.index.put_all(fresh)
        there += fresh
        blown = _killed_somewhere(city, tmp_path, at, after)
        assert city.ids(EventQuery(order="oldest")) == [
            event.id for event in sorted(there, key=lambda event: event.id)
        ]
        assert city.store.get_all([event.id for event in there], ALL_CAMERAS) == there
        at += 2
    assert at > 15, "the calls of a run"
    city.move()
    assert (city.index.count(), faults(city)) == (0, [])


class Busy(EventIndex):
    """An index to which, once, something comes after it was read for the archive."""

    def __init__(self, redis: Redis, late: Event) -> None:
        super().__init__(redis)
        self.late: Event | None = late
        self.reads = 0

    def hour(self, hour: int) -> Iterator[Event]:
        yield from super().hour(hour)
        if self.late is not None:
            self.put(self.late)
            self.late = None


def test_what_comes_while_a_day_is_moved_is_moved_too(city: City) -> None:
    first, late = make_event(), make_event(after_s=3)
    city.index.put(first)
    moved = Archiver(
        city.archive, Busy(city.redis, late), city.redis, city.objects, city.clock
    ).run(INDEX_DAYS)
    assert moved is not None
    assert (moved.events, moved.files) == (2, 2)
    assert city.store.get_all([first.id, late.id], ALL_CAMERAS) == [first, late]
    assert faults(city) == []


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_day_that_cannot_be_read_stays_in_the_index_and_delays_no_other(
    city: City, is_missing: bool
) -> None:
    first, late = make_event(), make_event(after_s=3)
    next_day, recent = make_event(after_s=S_PER_DAY), make_event(after_s=5 * S_PER_DAY)
    city.index.put(first)
    city.move()
    (key,) = keys(city)
    data = city.objects.get(key)
    for file in city.archive.cache.folder.iterdir():
        file.unlink()
    if is_missing:
        city.objects.delete(key)
    else:
        city.objects.put(key, b"x" * len(data), "")
    city.index.put_all([late, next_day, recent])
    for _ in range(2):
        with pytest.raises(DataLoss, match="the events of 20251009 stay in the index"):
            city.move()
        assert city.index.ids(None, 9) == [late.id, recent.id]
    city.objects.put(key, data, "")
    assert city.move() == 1
    assert city.ids(EventQuery(order="oldest")) == [first.id, late.id, next_day.id, recent.id]
    assert faults(city) == []


def test_one_runs_at_a_time(city: City) -> None:
    city.index.put(make_event())
    city.redis.do("SET", RUNNER_KEY, "another")
    assert archiver(city).run(INDEX_DAYS) is None
    assert archiver(city).retain(lambda _: 0, NO_HOLDS) is None
    assert city.index.count() == 1


def test_what_is_too_old_goes_and_what_is_held_stays(city: City) -> None:
    old, held, other = (
        make_event(after_s=1),
        make_event(after_s=60),
        make_event("bridge", after_s=1),
    )
    later = make_event(after_s=S_PER_DAY)
    city.index.put_all([old, held, other, later])
    city.move()
    hold = Hold.model_validate(
        {
            "id": "1",
            "camera": "gate",
            "from": held.started_at,
            "to": held.ended_at,
            "reason": "r",
            "placed_by": "p",
            "placed_at": START_NS,
        }
    )
    cutoffs = {"gate": START_NS + NS_PER_DAY, "bridge": 0}
    for _ in range(2):
        moved = archiver(city).retain(cutoffs.__getitem__, StandingHolds([hold], START_NS))
        assert city.ids(EventQuery(order="oldest")) == [
            event.id for event in sorted([held, other, later], key=lambda event: event.id)
        ]
        assert city.store.get(old.id, ALL_CAMERAS) is None
    assert moved == Moved(), "what is held is looked at again, and nothing is written"
    assert faults(city) == []
    moved = archiver(city).retain(lambda _: START_NS + 9 * NS_PER_DAY, NO_HOLDS)
    assert (moved is not None and moved.removed, keys(city), city.ids(EventQuery())) == (3, [], [])


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_file_that_cannot_be_read_stops_no_retention(city: City, is_missing: bool) -> None:
    damaged = make_event()
    damaged_later = make_event("bridge", after_s=60).model_copy(update={"area": damaged.area})
    other = make_event("shop", after_s=1)
    later = make_event(after_s=S_PER_DAY)
    city.index.put_all([damaged, damaged_later, other, later])
    city.move()
    key, *rest = keys(city)
    if is_missing:
        city.objects.delete(key)
    else:
        city.objects.put(key, b"x" * len(city.objects.get(key)), "")
    cutoffs = {"gate": START_NS + NS_PER_HOUR, "bridge": START_NS, "shop": START_NS + NS_PER_HOUR}

    def retain(held: StandingHolds) -> int:
        for file in city.archive.cache.folder.iterdir():
            file.unlink()
        moved = archiver(city).retain(cutoffs.__getitem__, held)
        assert moved is not None
        return moved.removed

    assert retain(NO_HOLDS) == 1, "of the file that can be read"
    cutoffs["bridge"] = START_NS + NS_PER_HOUR
    hold = Hold.model_validate(
        {
            "id": "1",
            "camera": "bridge",
            "from": damaged_later.started_at,
            "to": damaged_later.ended_at,
            "reason": "r",
            "placed_by": "p",
            "placed_at": START_NS,
        }
    )
    assert retain(StandingHolds([hold], START_NS)) == 0, "what a hold names"
    assert retain(NO_HOLDS) == 2, "all of it is too old"
    assert city.ids(EventQuery()) == [later.id]
    assert (faults(city), keys(city)) == ([], rest[1:])


def test_an_emptied_day_takes_events_again(city: City) -> None:
    city.index.put(make_event())
    city.move()
    archiver(city).retain(lambda _: START_NS + NS_PER_DAY, NO_HOLDS)
    again = make_event(after_s=2)
    city.index.put(again)
    city.move()
    assert city.ids(EventQuery()) == [again.id]
    assert faults(city) == []


def test_what_is_damaged_is_named(city: City) -> None:
    city.index.put_all([make_event(), make_event("shop", after_s=S_PER_DAY)])
    city.move()
    first, second = keys(city)
    city.objects.put(first, city.objects.get(second), "")
    city.objects.put(second.replace("/2025/", "/2024/"), b"x", "")
    fresh = EventStore(
        city.index,
        Archive.open(
            city.objects,
            city.redis,
            Path(city.archive.cache.folder) / "other",
            Settings(),
            city.clock,
        ),
        city.clock,
        2,
    )
    with pytest.raises(DataLoss, match="SHA-256"):
        fresh.query(EventQuery(), ALL_CAMERAS, 5)
    city.archive = fresh.archive
    assert sorted(faults(city)) == ["damaged", "unnamed"]
    catalogue = next(stat.key for stat in city.objects.list(CATALOGUE_PREFIX + "20251010/"))
    city.objects.put(catalogue, b"", "")
    city.archive = Archive.open(
        city.objects, city.redis, Path(city.archive.cache.folder) / "third", Settings(), city.clock
    )
    assert sorted(faults(city)) == ["damaged", "damaged", "unnamed"]


def test_a_catalogue_that_says_other_things_is_named(city: City) -> None:
    city.index.put_all([make_event(), make_event(after_s=2)])
    city.move()
    (day,) = city.archive.catalogue.days().values()
    catalogue = city.archive.catalogue
    catalogue.change(
        day, [], [(day.files[0].model_copy(update={"rows": 3}), catalogue.blooms(day)[0])]
    )
    assert faults(city) == ["differs"]


def test_the_check_of_all_is_clean_with_an_archive(site: Site, tmp_path: Path) -> None:
    event = make_event(after_s=5)
    site.put(event)
    site.publisher.run_once()
    kept = site.row(event)
    site.clock.advance(10 * S_PER_DAY)
    archive = Archive.open(site.objects, site.redis, tmp_path / "archive", Settings(), site.clock)
    Archiver(archive, EventIndex(site.redis), site.redis, site.objects, site.clock).run(INDEX_DAYS)
    assert (site.row(event), archive.search.get(event.id)) == (None, kept)
    assert check(site.objects, site.redis, site.layout) == []
    site.journal.append(JournalDelete(event_id=event.id, camera=event.camera))
    remove_objects(site.objects, EVENTS_PREFIX)
    assert [finding.breach for finding in check(site.objects, site.redis, site.layout)] == [
        Breach.DELETION_UNFINISHED
    ]
    archive.close()
