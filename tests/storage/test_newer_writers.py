"""Two versions of Sightline on one site: what the newer one adds to a record outlives the older
one.

Each test lets a newer program write a record with an unknown field, has this program read, change
and write it again, and looks for the field in what is stored then.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from domain.alarms import AlarmName
from domain.camera_scope import ALL_CAMERAS
from domain.camera_states import CameraState, CameraStatus
from domain.clock import ManualClock
from domain.errors import CorrectionConflict, DataLoss, NewerRecord
from domain.events.event import Event, Sidecar
from domain.events.query import EventQuery
from domain.events.watches import Ended
from domain.metrics import RECORDS_UNREADABLE
from domain.paths.object_keys import (
    SIDECAR,
    correction_object,
    event_object,
    person_object,
    watch_object,
)
from domain.people import Person, Role
from storage.archive.check import ArchiveCheck
from storage.archive.day import Day
from storage.archive.parquet_files import describe
from storage.archive.rows import ORDER, SELECT, VERSION, columns_of, row_from_event
from storage.archive.search import day_of_ms
from storage.check import check
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.events.corrections import Corrections
from storage.events.feed import Feed
from storage.events.journal import JournalUploader
from storage.index.event_index import EventIndex
from storage.rebuild import rebuild
from storage.site.alarms import published_alarms
from storage.site.camera_states import CameraStates
from storage.site.nodes import NodeEntry, Nodes
from storage.site.person_records import PersonRecord, signed
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches
from tests.kept import START_NS, Site, make_event
from tests.people import PEOPLE_KEY, people_of
from tests.storage.events.drawn_city import City
from tests.storage.site.test_watch_index import watch_of
from tests.storage.site.test_watches import match_of_watch

ADDED = {"added_later": {"by": "a newer version"}}
DAY = day_of_ms(START_NS // 10**6)


def newer(event: Event) -> Event:
    """As a newer program has it: something more of the event, its plate and its place."""
    written = json.loads(event.to_json())
    for part in (written, written["plate"], written["location"], *written["plate"]["alternatives"]):
        part |= ADDED
    return Event.model_validate(written)


@pytest.mark.parametrize("part", ["event", "plate", "location", "alternative"])
def test_the_index_and_the_feed_keep_an_event_whole(redis: Redis, part: str) -> None:
    plain = make_event(alternatives=(("鄂C12346", 0.25),))
    written = json.loads(plain.to_json())
    parts = {
        "event": written, "plate": written["plate"], "location": written["location"],
        "alternative": written["plate"]["alternatives"][0],
    }  # fmt: skip
    parts[part] |= ADDED
    event = Event.model_validate(written)
    index, feed = EventIndex(redis), Feed(redis, 10)
    index.put(event)
    feed.add_all([event])
    found = index.get(event.id)
    assert found is not None
    assert json.loads(found.to_json()) == written
    (page,) = feed.after(0, 10).items
    assert json.loads(page[1].to_json()) == written
    later = event.model_copy(update={"ended_at": event.ended_at + 10**9})
    index.put(later)
    assert index.get(event.id) == later


def test_an_event_goes_whole_from_spool_to_sidecar_journal_and_a_rebuilt_index(site: Site) -> None:
    event = newer(make_event(after_s=5))
    site.put(event)
    site.restart().run_once()
    site.clock.advance(120)
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    kept = site.row(event)
    assert kept is not None
    assert kept.model_extra == ADDED
    assert site.sidecar(event).event == kept
    for from_sidecars in (False, True):
        site.redis.do("FLUSHALL")
        assert (
            rebuild(site.objects, site.redis, site.layout, from_sidecars=from_sidecars).events == 1
        )
        assert site.row(event) == kept
    site.assert_clean(event)


def test_a_sidecar_of_a_newer_program_keeps_its_clip(site: Site) -> None:
    event = make_event(after_s=5)
    site.put(event)
    site.publisher.run_once()
    key = event_object(event.camera, event.id, SIDECAR)
    written = json.loads(site.objects.get(key)) | ADDED
    site.objects.put(key, json.dumps(written).encode(), "application/json")
    assert Sidecar.model_validate_json(site.objects.get(key)).objects
    assert check(site.objects, site.redis, site.layout, deep=True) == []
    rebuilt = rebuild(site.objects, site.redis, site.layout, from_sidecars=True)
    assert (rebuilt.events, rebuilt.damaged) == (1, ())


def test_a_correction_keeps_its_fields_in_store_journal_and_index(site: Site) -> None:
    event = make_event(after_s=5)
    site.put(event)
    site.publisher.run_once()
    corrections = Corrections(site.redis, site.objects, EventIndex(site.redis), site.clock)
    corrections.correct(event, "鄂C54321", "li.wei", "a look", 0)
    written = json.loads(site.objects.get(correction_object(event.camera, event.id, 1)))
    written["correction"] |= ADDED | {"text": "鄂C99999", "version": 2}
    key = correction_object(event.camera, event.id, 2)
    # The newer program ended before it wrote the journal and the index.
    site.objects.put(key, json.dumps(written | ADDED).encode(), "application/json")
    again = corrections.correct(event, "鄂C99999", "li.wei", "a look", 1)
    assert again.model_extra == ADDED
    assert json.loads(site.objects.get(key)) == written | ADDED
    row = site.row(event)
    assert row is not None
    assert row.corrected == again
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    site.redis.do("FLUSHALL")
    rebuild(site.objects, site.redis, site.layout)
    row = site.row(event)
    assert row is not None
    assert row.corrected == again


def test_two_corrections_of_one_version_leave_one(site: Site) -> None:
    """The lock in Redis may be lost with Redis; the store lets one of both write."""
    event = make_event(after_s=5)
    site.put(event)
    site.publisher.run_once()
    first = Corrections(site.redis, site.objects, EventIndex(site.redis), site.clock)
    second = Corrections(site.redis, _Earlier(site.objects), EventIndex(site.redis), site.clock)
    first.correct(event, "鄂C54321", "li.wei", "a look", 0)
    with pytest.raises(CorrectionConflict, match="at the same moment"):
        second.correct(event, "鄂C99999", "wang", "a look", 0)
    row = site.row(event)
    assert row is not None
    assert row.reading == "鄂C54321"


class _Earlier(ObjectStore):
    """A store as one sees it who looked before the other wrote."""

    def __init__(self, other: ObjectStore) -> None:
        self.__dict__ |= other.__dict__

    def list(self, prefix: str):  # type: ignore[no-untyped-def]
        return iter(())


def test_a_watch_keeps_its_fields_when_it_ends_and_in_redis(
    redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    watches = Watches(redis, objects, clock)
    watch = watch_of("鄂C12345", key=1)
    written = json.loads(watch.model_dump_json(by_alias=True)) | ADDED
    objects.put(watch_object(watch.id, 1), json.dumps(written).encode(), "application/json")
    assert watches.restore() == 1
    (active,) = watches.active()
    assert active.model_extra == ADDED
    watches.end(watch.id, Ended.DELETED, "wang")
    assert json.loads(objects.get(watch_object(watch.id, 2)))["added_later"] == ADDED["added_later"]


def test_a_watch_in_redis_that_cannot_be_read_hides_no_other(
    redis: Redis, objects: ObjectStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    watches = Watches(redis, objects, clock)
    watches.place(watch_of("鄂C12345", key=1))
    newer_schema = json.loads(watch_of("鄂C2", key=2).model_dump_json(by_alias=True)) | {
        "schema": 2
    }
    redis.do("HSET", "{watches}:active", "20261124-00000002", json.dumps(newer_schema))
    assert [watch.id for watch in watches.active()] == ["20261124-00000001"]
    assert "newer version of Sightline" in caplog.text


def test_a_person_of_a_newer_program_is_let_in(redis: Redis, objects: ObjectStore) -> None:
    people = people_of(redis, objects)
    token = people.add("li.wei", Role.AUDITOR).token
    written = json.loads(objects.get(person_object("li.wei", 1))) | ADDED | {"version": 2}
    newer = signed(PersonRecord.model_validate(written), PEOPLE_KEY)
    objects.put(person_object("li.wei", 2), newer.text().encode(), "application/json")
    assert people.index.restore() == 1
    assert people.by_token(token) == Person("li.wei", Role.AUDITOR)
    (record,) = people.index.records().records
    assert record.model_extra == ADDED
    people.revoke("li.wei")
    assert (
        json.loads(objects.get(person_object("li.wei", 3)))["added_later"] == (ADDED["added_later"])
    )


def test_nodes_and_states_of_another_version_are_read_or_left_out(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    entry = NodeEntry("node-2", "http://10.0.0.2:1", 1.0, 5)
    redis.do("HSET", "{nodes}:about", "node-2", json.dumps(asdict(entry) | ADDED))
    redis.do("HSET", "{nodes}:about", "junk", "{")
    own = NodeEntry("node-1", "http://10.0.0.1:1", 1.0, 5)
    nodes = Nodes(redis)
    nodes.beat(own)
    assert nodes.beat(own) == {"node-1": own, "node-2": entry}
    assert "junk" in caplog.text
    status = CameraStatus("gate", CameraState.LIVE, START_NS)
    states = CameraStates(redis)
    states.publish([status, CameraStatus("bridge", CameraState.LIVE, START_NS)])
    found = json.loads(str(redis.do("GET", "{state}:gate")))
    redis.do("SET", "{state}:gate", json.dumps(found | ADDED))
    redis.do("SET", "{state}:bridge", json.dumps(found | {"state": "asleep"}))
    assert states.get(["gate", "bridge"]) == {"gate": status}


def test_an_event_of_a_newer_schema_hides_no_other_in_index_and_feed(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    plain = make_event(after_s=1)
    beyond = make_event(after_s=2).model_copy(update={"schema_": 2})
    index, feed = EventIndex(redis), Feed(redis, 10)
    index.put_all([plain, beyond])
    feed.add_all([beyond, plain])
    before = RECORDS_UNREADABLE.labels("index")._value.get()
    assert index.get(plain.id) == plain
    assert index.get(beyond.id) is None
    assert RECORDS_UNREADABLE.labels("index")._value.get() == before + 1
    assert [event for _, event in feed.after(0, 10).items] == [plain]
    assert "newer version of Sightline" in caplog.text
    with pytest.raises(NewerRecord):
        list(index.hour(START_NS // (3600 * 10**9)))


def test_a_match_or_webhook_of_a_newer_program_hides_no_other(redis: Redis) -> None:
    matches = WatchMatches(redis)
    first, second = match_of_watch(1), match_of_watch(2)
    beyond = first.model_copy(update={"event": first.event.model_copy(update={"schema_": 2})})
    matches.add([(beyond, True), (second, True)], 5, 0)
    assert [match for _, match in matches.after(0, 10).items] == [second]
    assert [delivery.match for delivery in matches.claim(1000, 2000, 4)] == [second]


def test_an_alarm_of_a_newer_node_is_shown(redis: Redis, clock: ManualClock) -> None:
    alarm = {"node": "node-2", "since": "2025-10-09T08:53:20.000Z", "sentence": "mend it"}
    both = [{"name": "disk_full", **alarm}, {"name": "roof_leaks", **alarm} | ADDED]
    said = {"told_at": clock.wall_ns(), "alarms": both}
    redis.do("HSET", "{alarms}:nodes", "node-2", json.dumps(said))
    assert [one.name for one in published_alarms(redis, clock)] == [
        AlarmName.DISK_FULL,
        "roof_leaks",
    ]


def _write_newer_day(
    city: City, events: list[Event], version: int = VERSION, schema: int = 2
) -> None:
    """A day's only file with a column that this program does not know, and its catalogue."""
    path = city.archive.cache.folder / "newer.made"
    select = f"SELECT {SELECT}, 'wet' AS \"the road\" FROM incoming ORDER BY {ORDER[VERSION]}"
    city.archive.duck.write(select, path, columns_of([row_from_event(event) for event in events]))
    area = events[0].area
    file, bloom = describe(city.archive.duck, path, DAY, area, 1)
    key = f"archive/events/{DAY[:4]}/{DAY[4:6]}/{DAY[6:]}/{area}/000001-{file.sha256[:16]}.parquet"
    city.objects.put_file(key, path, "")
    city.archive.catalogue.change(Day(DAY), [], [(file.model_copy(update={"key": key}), bloom)])
    catalogue = f"archive/catalogue/{DAY}/0000000001"
    data = city.objects.get(catalogue)
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length]) | ADDED | {"schema_version": schema}
    header["files"] = [one | ADDED | {"version": version} for one in header["files"]]
    body = json.dumps(header).encode()
    city.objects.put(catalogue, len(body).to_bytes(4, "little") + body + data[4 + length :], "")
    city.archive.catalogue.announce()
    path.unlink()


def test_the_archive_keeps_columns_and_fields_through_a_merge(city: City) -> None:
    old, late = make_event(after_s=1), newer(make_event(after_s=2))
    _write_newer_day(city, [old])
    fresh = City(city.redis, city.objects, city.archive.cache.folder.parent / "fresh")
    assert fresh.store.get_all([old.id], ALL_CAMERAS) == [old]
    fresh.index.put(late)
    assert fresh.move() == 1
    assert fresh.store.get_all([old.id, late.id], ALL_CAMERAS) == [old, late]
    (day,) = fresh.archive.catalogue.days().values()
    assert day.unknown == ADDED
    (file,) = day.files
    with fresh.archive.cache.held([file]) as (path,):
        rows = fresh.archive.duck.rows('SELECT id, "the road" FROM read_parquet(?)', [[str(path)]])
    assert sorted(rows) == sorted([(old.id, "wet"), (late.id, None)])
    assert list(ArchiveCheck(fresh.archive, fresh.objects).faults()) == []
    fresh.archive.close()


@pytest.mark.parametrize(("version", "schema"), [(VERSION + 1, 2), (VERSION, 3)])
def test_a_day_of_a_newer_archive_is_named_and_left_alone(
    city: City, version: int, schema: int
) -> None:
    event = make_event(after_s=1)
    _write_newer_day(city, [event], version, schema)
    fresh = City(city.redis, city.objects, city.archive.cache.folder.parent / "fresh")
    before = {stat.key: stat.etag for stat in fresh.objects.list("archive/")}
    assert fresh.archive.catalogue.days() == {}
    (fault,) = ArchiveCheck(fresh.archive, fresh.objects).faults()
    assert "newer version of Sightline" in fault.message
    assert "rebuild" not in fault.message
    rebuild(fresh.objects, fresh.redis)
    assert {stat.key: stat.etag for stat in fresh.objects.list("archive/")} == before
    with pytest.raises(DataLoss, match=r"upgrade this installation to read it$"):
        fresh.ids(EventQuery())
    fresh.archive.close()


def test_events_of_a_day_whose_catalogue_is_damaged_stay_in_the_index(city: City) -> None:
    """They used to replace the catalogue, and the files that it named were then deleted."""
    event, late = make_event(after_s=1), make_event(after_s=2)
    city.index.put(event)
    assert city.move() == 1
    (key,) = [stat.key for stat in city.objects.list("archive/catalogue/")]
    whole = city.objects.get(key)
    city.objects.put(key, whole[:4] + b"{" * 10 + whole[14:], "")
    fresh = City(city.redis, city.objects, city.archive.cache.folder.parent / "fresh")
    fresh.archive.catalogue.announce()
    fresh.index.put(late)
    files = [stat.key for stat in fresh.objects.list("archive/events/")]
    with pytest.raises(DataLoss, match="index rebuild"):
        fresh.move()
    assert fresh.index.get(late.id) == late
    assert [stat.key for stat in fresh.objects.list("archive/events/")] == files
    rebuild(fresh.objects, fresh.redis)
    assert fresh.move() == 1
    assert fresh.store.get_all([event.id, late.id], ALL_CAMERAS) == [event, late]
    fresh.archive.close()
